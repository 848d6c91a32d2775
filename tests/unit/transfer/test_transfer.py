"""Roots fetched from several peers, with everything that goes wrong on the way."""

from __future__ import annotations

import pytest
from harness import Capability, End, Heartbeats, Peer, World, link_to

from inos import limits
from inos.errors import (
    AuthFailed,
    Cancelled,
    LimitExceeded,
    ManifestInconsistent,
    NoPeers,
    ProtocolViolation,
    StorageFull,
)
from inos.links import commands as c
from inos.node import TransferFailed, TransferProgress
from inos.ports import Span
from inos.tasks import Tasks
from inos.transfer import download, holdings, sources
from inos.transfer.needs import Step
from inos.transfer.queue import Queue
from inos.transfer.serve import BUDGET_BYTES, QUEUED_PER_PEER_MAX, Server
from inos.wire import messages as m


@pytest.fixture
def world() -> World:
    world = World(11)
    world.beats = Heartbeats(world)
    return world


def chunks(world: World, count: int, length: int = 300_000) -> list[bytes]:
    return [world.rng.randbytes(length) for _ in range(count)]


def holders(world: World, count: int, data: list[bytes]) -> tuple[list[Peer], Capability, str]:
    """Peers that all hold and share one root."""
    first = world.peer("h0")
    capability = first.vault.put(data)
    link = first.share(capability)
    peers = [first] + [world.peer(f"h{n}", vault=first.vault) for n in range(1, count)]
    return peers, capability, link


def check_end(world: World, holder: Peer, wanter: Peer) -> None:
    """Byte-exact, nothing lent, nobody crashed."""
    for bid, block in holder.vault.blocks.items():
        assert wanter.vault.blocks[bid] == block
    world.run(seconds=30)
    for peer in world.peers:
        assert peer.crashes == []
        if peer.is_alive:
            assert peer.lent_spans() == 0, peer.name


def got_from(wanter: Peer, peer: Peer) -> int:
    return sum(end.row.block_bytes_in for end in wanter.ends.values() if end.other and end.other.peer is peer)


# --- the good days -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_a_root_arrives_whole(world, count):
    (holder,), _, link = holders(world, 1, chunks(world, count))
    wanter = world.peer("w")
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 60)
    assert wanter.vault.wished == []
    last = wanter.saw(TransferProgress)[-1].progress
    assert (last.stage, last.blocks_done, last.blocks_total) == ("done", count + 1, count + 1)
    assert last.bytes_done == last.bytes_total == last.bytes_received == sum(map(len, holder.vault.blocks.values()))
    assert last.content_bytes == count * 300_000
    check_end(world, holder, wanter)


def test_levels_of_manifests(world):
    holder, wanter = world.peer("h"), world.peer("w")
    capability = holder.vault.put(chunks(world, 50, 9_000), fan_out=4)
    task = wanter.fetch(holder.share(capability))
    assert world.run(lambda: task.done, 60)
    assert wanter.vault.stored_foreign == 50 + 13 + 4 + 1
    check_end(world, holder, wanter)


def test_three_serve_one(world):
    peers, _, link = holders(world, 3, chunks(world, 90))
    wanter = world.peer("w")
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 60)
    shares = [got_from(wanter, peer) for peer in peers]
    assert min(shares) > 0.15 * sum(shares), shares
    assert sum(shares) < 1.1 * sum(map(len, wanter.vault.blocks.values()))
    check_end(world, peers[0], wanter)


def test_whoever_downloads_serves_what_it_has(world):
    (holder,), _, link = holders(world, 1, chunks(world, 60))
    world.faults.rate_bytes_per_s = 2e6
    one, two = world.peer("one"), world.peer("two")
    starts = {one.node.fetcher._any_below(60) for _ in range(60)}
    assert len(starts) > 20
    assert starts <= set(range(60))
    one.node.fetcher._any_below = lambda _count: 0  # drawn, they are as good as the same once in so many seeds
    two.node.fetcher._any_below = lambda count: count // 2
    tasks = [one.fetch(link), two.fetch(link)]
    assert world.run(lambda: all(task.done for task in tasks), 60)
    assert got_from(one, two) + got_from(two, one) > 0
    check_end(world, holder, one)
    check_end(world, holder, two)


def test_a_fetched_root_is_offered(world):
    (holder,), _, link = holders(world, 1, chunks(world, 5))
    one, two = world.peer("one"), world.peer("two")
    task = one.fetch(link)
    assert world.run(lambda: task.done, 60)
    holder.die()
    task = two.fetch(link)
    assert world.run(lambda: task.done, 60)
    check_end(world, one, two)


def test_what_is_held_is_not_asked_again(world):
    (holder,), _, link = holders(world, 1, chunks(world, 40))
    wanter = world.peer("w")
    wanter.fetch(link)
    assert world.run(lambda: wanter.vault.stored_foreign >= 20, 60)
    held = len(wanter.vault.blocks)
    wanter.die()  # the wish and what was stored are on its disk
    again = world.peer("w again", vault=wanter.vault)
    assert world.run(lambda: again.vault.wished == [], 60)
    assert again.vault.stored_foreign == 41 - held
    assert again.saw(TransferProgress)[-1].progress.bytes_received < 0.6 * 41 * 300_000
    check_end(world, holder, again)


def test_nobody_is_there_then_somebody_comes(world):
    wanter, holder = world.peer("w"), world.peer("h")
    capability = holder.vault.put(chunks(world, 4))
    task = wanter.fetch(link_to(capability))
    assert not world.run(lambda: task.done, 100)
    assert wanter.saw(TransferProgress)[-1].progress.stage == "waiting"
    holder.share(capability)
    assert world.run(lambda: task.done, 10)
    check_end(world, holder, wanter)


def test_two_ask_for_one_fetch(world):
    (_holder,), _, link = holders(world, 1, chunks(world, 10))
    wanter = world.peer("w")
    tasks = [wanter.fetch(link), wanter.fetch(link)]
    assert world.run(lambda: all(task.done for task in tasks), 60)
    assert tasks[0].result() == tasks[1].result()
    assert wanter.vault.stored_foreign == 11


# --- the bad days --------------------------------------------------------------------------------------------------------


def test_a_peer_that_dies_half_way_is_replaced(world):
    peers, _, link = holders(world, 2, chunks(world, 80))
    wanter = world.peer("w")
    task = wanter.fetch(link)
    assert world.run(lambda: wanter.vault.stored_foreign >= 40, 60)
    peers[0].die()
    assert world.run(lambda: task.done, 30)
    check_end(world, peers[1], wanter)


def test_a_link_that_closes_is_replaced_at_once(world):
    peers, _, link = holders(world, 2, chunks(world, 80))
    wanter = world.peer("w")
    task = wanter.fetch(link)
    assert world.run(lambda: wanter.vault.stored_foreign >= 40, 60)
    at = world.now
    peers[0].node.close(world.now)
    assert world.run(lambda: task.done, 30)
    assert world.now - at < 4
    check_end(world, peers[1], wanter)


def test_a_peer_that_stalls_is_replaced(world):
    peers, _, link = holders(world, 2, chunks(world, 60))
    wanter = world.peer("w")
    peers[0].vault.read_block = None  # set below, once it has served something

    async def never(_bid):
        await peers[0].tasks.timer(1e6)

    peers[0].vault.read_block = never
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 60)
    assert wanter.linked(peers[0]), "it is alive; it only gives nothing"
    check = [peer for peer in world.peers if peer is not peers[0]]
    world.run(seconds=5)
    assert all(peer.crashes == [] for peer in check)


def test_a_tampered_block_is_refused_and_fetched_elsewhere(world):
    peers, _, link = holders(world, 2, chunks(world, 60))
    wanter = world.peer("w")

    def tamper(sender: Peer, _receiver: Peer, data: bytes) -> bytes:
        return data[:-1] + bytes([data[-1] ^ 1]) if sender is peers[0] and len(data) > 100_000 else data

    world.faults.tamper_block = tamper
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 60)
    bad = next(
        event.peer_id for event in wanter.saw(c.PeerUp) if event.link in [e.link for e in ends(wanter, peers[0])]
    )
    assert wanter.links._penalties.of(bad, world.now) >= 50
    check_end(world, peers[1], wanter)


def ends(one: Peer, other: Peer) -> list:
    return [end for end in one.ends.values() if end.other is not None and end.other.peer is other]


@pytest.mark.parametrize("change", [lambda b: b + b"x", lambda b: b[:-1], lambda _: b"x"])
def test_blocks_of_another_length_are_refused(world, change):
    peers, _, link = holders(world, 2, chunks(world, 20))
    wanter = world.peer("w")
    world.faults.tamper_block = lambda sender, _r, data: change(data) if sender is peers[0] else data
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 90)
    check_end(world, peers[1], wanter)


def test_a_peer_that_only_sends_rubbish_is_dropped_and_never_stored(world):
    (_holder,), _, link = holders(world, 1, chunks(world, 5))
    wanter = world.peer("w")
    world.faults.tamper_block = lambda _s, _r, data: bytes(len(data))
    task = wanter.fetch(link)
    assert not world.run(lambda: task.done, 100)
    assert wanter.vault.blocks == {}
    assert wanter.saw(TransferProgress)[-1].progress.stage == "waiting"


def test_a_wrong_secret_is_a_clear_error(world):
    (holder,), capability, _ = holders(world, 1, chunks(world, 5))
    wrong = Capability(capability.bid, bytes(32))
    # The wrong secret also names another room; somebody who has the block is there for another reason.
    holder.vault.shared_roots.append(wrong)
    room = holder.tasks.spawn(holder.node.offer(capability), "offer")
    assert world.run(lambda: room.done, 5)
    holder.node.joined.rooms.pop(capability.bid)
    holder.node._join_share(wrong)
    wanter = world.peer("w")
    task = wanter.fetch(link_to(wrong))
    assert world.run(lambda: task.done, 30)
    with pytest.raises(AuthFailed):
        task.result()
    assert wanter.saw(TransferFailed)[0].code == "AuthFailed"
    assert wanter.vault.blocks == {}


def test_no_peers_within_the_timeout(world):
    wanter = world.peer("w")
    task = wanter.fetch(link_to(Capability(bytes(32), bytes(32))), timeout_s=20)
    assert world.run(lambda: task.done, 30)
    with pytest.raises(NoPeers):
        task.result()
    assert len(wanter.vault.wished) == 1, "the wish stays"


def test_a_full_disk_is_a_clear_error_and_loses_nothing(world):
    (holder,), _, link = holders(world, 1, chunks(world, 30))
    wanter = world.peer("w")
    task = wanter.fetch(link)
    assert world.run(lambda: wanter.vault.stored_foreign >= 10, 30)
    wanter.vault.fail_store = StorageFull("quota")
    assert world.run(lambda: task.done, 30)
    with pytest.raises(StorageFull):
        task.result()
    held = len(wanter.vault.blocks)
    wanter.vault.fail_store = None
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 60)
    assert held >= 10
    check_end(world, holder, wanter)


def test_a_fetch_that_is_stopped_gives_everything_back(world):
    (holder,), capability, link = holders(world, 1, chunks(world, 60))
    wanter = world.peer("w")
    task = wanter.fetch(link)
    assert world.run(lambda: wanter.vault.stored_foreign >= 10, 30)
    wanter.node.stop_fetch(capability.bid)
    assert world.run(lambda: task.done, 5)
    with pytest.raises(Cancelled):
        task.result()
    world.run(seconds=30)
    assert wanter.lent_spans() == holder.lent_spans() == 0
    task = wanter.fetch(link)
    wanter.node.stop_fetch(capability.bid)  # not begun yet
    world.run(lambda: task.done, 1)
    wanter.node.stop_fetch(capability.bid)
    assert world.run(lambda: task.done, 60)


def test_a_manifest_that_lies_about_a_length_ends_the_fetch(world, monkeypatch):
    holder, wanter = world.peer("h"), world.peer("w")
    true = type(holder.vault)._ref

    def lie(self, sealed, covers, raw_len):
        ref = true(self, sealed, covers, raw_len)
        return type(ref)(ref.bid, ref.secret, ref.h, covers, raw_len, ref.block_len + 1, ref.codec, ref.quality)

    monkeypatch.setattr(type(holder.vault), "_ref", lie)
    capability = holder.vault.put(chunks(world, 3))
    task = wanter.fetch(holder.share(capability) if capability.bid in holder.vault.roots else "")
    assert world.run(lambda: task.done, 30)
    with pytest.raises(ManifestInconsistent):
        task.result()


def test_too_many_blocks_and_too_deep_is_an_error(world, monkeypatch):
    (holder,), _, link = holders(world, 1, chunks(world, 30, 5_000))
    monkeypatch.setattr(limits, "BLOCKS_MAX", 20)
    wanter = world.peer("w")
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 30)
    with pytest.raises(LimitExceeded):
        task.result()
    monkeypatch.undo()
    monkeypatch.setattr(download, "MANIFESTS_DEPTH_MAX", 1)
    link = holder.share(holder.vault.put(chunks(world, 20, 5_000), fan_out=4))
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 60)
    with pytest.raises(LimitExceeded):
        task.result()


def slow_down(peer: Peer) -> None:
    """It takes 5 s to read a block, which is below the stall limit."""
    true = peer.vault.read_block

    async def slowly(bid):
        await peer.tasks.sleep(5)
        return await true(bid)

    peer.vault.read_block = slowly


@pytest.mark.parametrize("seed", range(6))
def test_the_last_blocks_are_asked_twice(seed):
    world = World(seed)
    world.beats = Heartbeats(world)
    peers, _, link = holders(world, 2, chunks(world, 30))
    wanter = world.peer("w")
    slow_down(peers[0])
    task = wanter.fetch(link)
    at = world.now
    assert world.run(lambda: task.done, 60)
    assert world.now - at < 4, "did not wait for the slow one"
    check_end(world, peers[1], wanter)


def test_a_manifest_asked_of_a_slow_peer_is_soon_asked_of_another(world):
    """Its length is not known, but hardly any manifest is as long as a block may be."""
    (slow,), capability, link = holders(world, 1, chunks(world, 10))
    slow_down(slow)
    wanter = world.peer("w")
    task = wanter.fetch(link)
    assert world.run(lambda: any(end.expected for end in wanter.linked(slow)), 10), "the manifest is asked for"
    fast = world.peer("fast", vault=slow.vault)
    at = world.now
    assert world.run(lambda: capability.bid in wanter.vault.blocks, 3)
    assert got_from(wanter, slow) == 0
    assert world.run(lambda: task.done, 4 - (world.now - at)), "did not wait for the slow one"
    check_end(world, fast, wanter)


def test_memory_in_flight_is_bounded(world):
    peers, _, link = holders(world, 3, chunks(world, 40, 3_800_000))
    wanter = world.peer("w")
    used: list[int] = []
    task = wanter.fetch(link)

    def done() -> bool:
        used.append(max(peer.ports.arena.used() for peer in world.peers))
        return task.done

    assert world.run(done, 120)
    assert max(used) <= limits.IN_FLIGHT_BYTES_MAX
    check_end(world, peers[0], wanter)


# --- serving -------------------------------------------------------------------------------------------------------------


def linked(world: World) -> tuple[Peer, Peer, tuple[int, int]]:
    (holder,), _, link = holders(world, 1, chunks(world, 3))
    wanter = world.peer("w")
    task = wanter.fetch(link)
    assert world.run(lambda: task.done, 30)
    return holder, wanter, wanter.linked()[0].link


def test_what_was_never_shared_is_missing(world):
    holder, wanter, link = linked(world)
    secret = holder.vault.put([b"private" * 1_000])
    answers = []
    wanter.node.fetcher.on_missing = lambda _link, request: answers.append(request)
    for number, bid in enumerate(holder.vault.blocks):
        if bid == secret.bid:
            wanter.links.send(link, m.Want(5_000 + number, bid))
    world.run(seconds=1)
    assert len(answers) == 1


def test_far_too_many_wants_break_the_protocol(world):
    holder, wanter, link = linked(world)
    bid = next(iter(holder.vault.blocks))
    for number in range(QUEUED_PER_PEER_MAX + limits.SERVES_PER_PEER_MAX + 2):
        wanter.links.send(link, m.Want(9_000 + number, bid))
    peak = []

    def watch() -> bool:
        peak.append(holder.node.server._active)
        return holder.linked() == []

    assert world.run(watch, 10)
    assert max(peak) <= limits.SERVES_PER_PEER_MAX
    world.run(seconds=5)
    assert holder.lent_spans() == 0


def test_a_number_twice_breaks_the_protocol(world):
    holder, _wanter, link = linked(world)
    holder.node.server.on_want(link, 1, bytes(32))
    with pytest.raises(ProtocolViolation):
        holder.node.server.on_want(link, 1, bytes(32))
    assert world.run(lambda: True, 1)


def test_cancelled_wants_are_not_served(world):
    holder, wanter, link = linked(world)
    sent = holder.node.server.blocks_sent
    bid = next(iter(holder.vault.blocks))
    for number in range(20):
        wanter.links.send(link, m.Want(9_000 + number, bid))
    for number in range(20):
        wanter.links.send(link, m.Cancel(9_000 + number))
    world.run(seconds=5)
    assert holder.node.server.blocks_sent - sent <= limits.SERVES_PER_PEER_MAX
    assert holder.lent_spans() == 0
    holder.node.server.on_cancel((31, 9), 1)


def stuck(world: World, holder: Peer, link: str, name: str) -> End:
    """The holder's end of a link to a new peer, which takes nothing from now on."""
    peer = world.peer(name)
    task = peer.fetch(link)
    assert world.run(lambda: task.done, 30)
    (end,) = holder.linked(peer)
    end.free_at = world.now + 1e6
    return end


@pytest.mark.parametrize("length", [3_800_000, 100_000])
@pytest.mark.parametrize("count", [1, 2])
def test_slow_clients_leave_room_for_a_fast_one(world, length, count):
    """Large blocks would take all of the memory, and small ones of two clients all of the places."""
    (holder,), capability, link = holders(world, 1, chunks(world, 10, length))
    small = holder.share(holder.vault.put(chunks(world, 1, 1_000)))
    bids = [bid for bid, block in holder.vault.blocks.items() if len(block) > length and bid != capability.bid]
    assert len(bids) == 10
    for end in [stuck(world, holder, small, f"slow {n}") for n in range(count)]:
        for number, bid in enumerate(bids):
            holder.node.server.on_want(end.link, 9_000 + number, bid)
    world.run(seconds=1)
    fast = world.peer("fast")
    task = fast.fetch(link)
    assert world.run(lambda: task.done, 6)
    task.result()
    assert holder.saw(c.PeerDown) == [], "the slow ones were not even dropped yet"
    assert world.run(lambda: len(holder.linked()) == 1, 60), "and then they are"
    world.run(seconds=5)
    assert holder.crashes == fast.crashes == []
    assert holder.lent_spans() == fast.lent_spans() == 0


@pytest.mark.parametrize(("length", "count"), [(1_000_000, limits.SERVES_PER_PEER_MAX), (3_800_000, 4)])
def test_a_lone_client_gets_its_window_or_half_of_the_memory(world, length, count):
    (holder,), _, _ = holders(world, 1, chunks(world, 10, length))
    small = holder.share(holder.vault.put(chunks(world, 1, 1_000)))
    end = stuck(world, holder, small, "lone")
    for number, bid in enumerate([bid for bid, block in holder.vault.blocks.items() if len(block) > length]):
        holder.node.server.on_want(end.link, 9_000 + number, bid)
    world.run(seconds=1)
    assert len(end.sending) == count
    assert (count + 1) * length > BUDGET_BYTES // 2 or count == limits.SERVES_PER_PEER_MAX
    assert world.run(lambda: holder.linked() == [], 40)
    world.run(seconds=5)
    assert holder.lent_spans() == 0


class Shelf:
    """A store, a wire and an arena of no substance: a block's name ends with its length."""

    def __init__(self) -> None:
        self.sent: list[tuple[tuple[int, int], int, int]] = []

    def block_len(self, bid: bytes) -> int:
        return int.from_bytes(bid, "little")

    async def read_block(self, bid: bytes) -> Span:
        return Span(0, self.block_len(bid))

    def send_block(self, link: tuple[int, int], request: int, span: Span) -> bool:
        self.sent.append((link, request, span.length))
        return True

    def release(self, span: Span) -> None:
        pass

    def row(self, link: tuple[int, int]) -> None:
        return None


def ask(server: Server, link: tuple[int, int], number: int, length: int) -> None:
    server.on_want(link, number, length.to_bytes(32, "little"))


def settle_all(server: Server, tasks: Tasks, budget_bytes: int) -> None:
    """Every link ends; everything that was counted is given back."""
    for link in list(server._clients):
        server.on_settled(link)
    tasks.poll_effects()
    assert (server._free_bytes, server._active) == (budget_bytes, 0)


def test_whoever_has_the_fewest_bytes_out_is_next():
    tasks, shelf, mib = Tasks(), Shelf(), limits.MIB
    server = Server(tasks, shelf, shelf, shelf, lambda _link, _bid: True, budget_bytes=12 * mib)
    one, two, three = (0, 1), (1, 1), (2, 1)
    for link, count in ((one, 6), (two, 3), (three, 2)):
        for number in range(count):
            ask(server, link, number, 2 * mib)
    tasks.poll_effects()
    assert [link for link, _, _ in shelf.sent] == [one] * 3 + [two] * 2 + [three], "as much as each leaves free"
    for link, number in ((one, 0), (two, 0), (one, 1)):
        server.on_block_sent(link, number, ok=True)
        tasks.poll_effects()
    assert [link for link, _, _ in shelf.sent[6:]] == [three, two, one]
    settle_all(server, tasks, 12 * mib)


def test_shares_are_kept_whatever_is_asked_and_taken(world):
    """Many clients, some of whom take nothing."""
    for clients in range(1, 9):
        tasks, shelf = Tasks(), Shelf()
        server = Server(tasks, shelf, shelf, shelf, lambda _link, _bid: True)
        for number in range(400):
            link = (world.rng.randrange(clients), 1)
            takers = [sent for sent in shelf.sent if sent[0][0] % 2 == 0]
            if takers and world.rng.random() < 0.6:
                sent = world.rng.choice(takers)
                shelf.sent.remove(sent)
                server.on_block_sent(*sent[:2], ok=True)
            elif link not in server._clients or len(server._clients[link].queue) < QUEUED_PER_PEER_MAX:
                ask(server, link, number, world.rng.choice([world.rng.randrange(1, 100_000), limits.BLOCK_BYTES_MAX]))
            tasks.poll_effects()
            held = {link: sum(sent[2] for sent in shelf.sent if sent[0] == link) for link in server._clients}
            free = BUDGET_BYTES - sum(held.values())
            assert free >= 0
            assert max(held.values()) <= BUDGET_BYTES // 2
            assert len(shelf.sent) <= limits.SERVES_TOTAL_MAX
            for link, client in server._clients.items():
                if client.queue and not held[link]:
                    assert client.queue[0].length > free or len(shelf.sent) == limits.SERVES_TOTAL_MAX, "it could have"
        settle_all(server, tasks, BUDGET_BYTES)


def test_a_peer_that_takes_nothing_is_dropped(world):
    holder, _wanter, _link = linked(world)
    end = holder.linked()[0]
    end.free_at = world.now + 1e6  # the wire is full for ever
    for number in range(4):
        holder.node.server.on_want(end.link, 9_000 + number, next(iter(holder.vault.blocks)))
    assert world.run(lambda: holder.linked() == [], 40)
    assert holder.saw(c.PeerDown)[-1].cause == "PeerStalled"
    world.run(seconds=5)
    assert holder.lent_spans() == 0


# --- windows -------------------------------------------------------------------------------------------------------------


def test_the_window_follows_the_rate():
    source = sources.Source((0, 1), b"p", frozenset())

    class Asked:
        asked_at = 0.0

    now = 0.0
    for _ in range(20):
        now += 0.05
        source.delivered(Asked(), 1_000_000, now)
    assert source.window == limits.WANTS_PER_PEER_MAX
    for _ in range(40):
        now += 2.0
        source.delivered(Asked(), 1_000_000, now)
    assert source.window == sources.WINDOW_MIN
    source.rest(now)
    assert source.window == 1
    assert not source.has_room(now)
    assert source.has_room(now + sources.REST_FIRST_S)


def test_the_memory_of_what_is_missing_is_bounded(monkeypatch):
    monkeypatch.setattr(sources, "MISSING_REMEMBERED_MAX", 10)
    source = sources.Source((0, 1), b"p", frozenset())
    for n in range(25):
        source.lacks(bytes([n]), 5.0)
    assert len(source._missing) <= 10
    assert not source.may_have(bytes([24]), 6.0)
    assert source.may_have(bytes([24]), 5.0 + sources.MISSING_RETRY_S)
    source.lacks(b"x", 5.0)
    source.has_all()
    assert source.may_have(b"x", 5.0)


# --- who holds what ------------------------------------------------------------------------------------------------------


def test_downloaders_tell_each_other_what_they_hold_and_ask_for_nothing_else(world):
    (holder,), _, link = holders(world, 1, chunks(world, 60))
    world.faults.rate_bytes_per_s = 2e6
    refused = []
    for name in ("one", "two"):
        peer = world.peer(name)
        missing = peer.node.fetcher.on_missing
        peer.node.fetcher.on_missing = lambda *args, missing=missing: (refused.append(world.now), missing(*args))
    one, two = world.peers[1:]
    tasks = [one.fetch(link), two.fetch(link)]
    assert world.run(
        lambda: one.node.fetcher._sources and any(s.is_partial for s in one.node.fetcher._sources.values()), 30
    )
    assert world.run(lambda: all(task.done for task in tasks), 60)
    assert got_from(one, two) + got_from(two, one) > 12 * 300_000
    assert len(refused) <= 12  # what was on its way when the word came
    check_end(world, holder, one)
    check_end(world, holder, two)


def test_the_rarest_is_asked_for_first():
    steps = [Step(bytes([n]) * 32, bytes(32), 1, is_manifest=False, parent=b"m" * 32, place=n) for n in range(12)]
    rich, poor, silent = (sources.Source((n, 0), bytes([n]), frozenset()) for n in range(3))
    rich.tells(b"m" * 32, b"\xff\x07")
    poor.tells(b"m" * 32, b"\x0f")
    assert [holdings.rarity_of([rich, poor, silent], step) for step in steps] == [3] * 4 + [2] * 7 + [1]
    queue = Queue(whole=True)
    for step in steps:
        queue.open(step)
        queue.wait(step)
    taken = [queue.take(rich.holds, lambda step: holdings.rarity_of([rich, poor, silent], step)) for _ in range(12)]
    assert [step.place for step in taken if step is not None] == [4, 5, 6, 7, 8, 9, 10, 0, 1, 2, 3]
    last = queue.take(lambda _step: True)
    assert last is not None
    assert last.place == 11
    rich.has_all()
    assert rich.holds(steps[11])
    for n in range(sources.HOLDINGS_MAX + 5):
        poor.tells(n.to_bytes(32), b"")
    assert len(poor._holdings) == sources.HOLDINGS_MAX


def test_a_block_that_is_named_twice_is_told_in_both_places():
    told = holdings.Told()
    steps = [Step(bytes([n % 9]) * 32, bytes(32), 1, is_manifest=False, parent=b"m" * 32, place=n) for n in range(10)]
    told.opened(b"m" * 32, steps)
    told.again(steps[9], held=False)
    told.held(steps[0])
    told.again(steps[9], held=True)
    said = []

    class Ears:
        def send(self, link, message):
            said.append(message)

    source = sources.Source((1, 0), b"peer", frozenset())
    told.tell(Ears(), [source], 10.0)
    told.tell(Ears(), [source], 20.0)  # nothing grew
    assert said == [m.Holdings(b"m" * 32, b"\x01\x02")]
    told.held(steps[3])
    told.tell(Ears(), [source], 10.1)
    assert len(said) == 1  # too soon
    told.tell(Ears(), [source], 20.5)
    assert said[1:] == [m.Holdings(b"m" * 32, b"\x09\x02")]


@pytest.mark.parametrize(
    ("bytes_each", "interval_s", "stalled_s"),
    [
        (100, 0.1, limits.DRIP_TIMEOUT_S),  # a slow-loris
        (0, 0.1, limits.STALL_TIMEOUT_S),  # others may be served first
        (128 * 1024, 2.5, None),  # a slow line: long messages, far between
    ],
)
def test_a_drip_is_told_from_a_slow_line(bytes_each, interval_s, stalled_s):
    class Line:
        def __init__(self) -> None:
            self.now = 0.0

        def row(self, _link: tuple[int, int]) -> c.PeerRow:
            return c.PeerRow(1, self.now, 0.01, 0, 0, int(self.now / interval_s + 1e-6) * bytes_each)

    line, source = Line(), sources.Source((0, 1), bytes(32), frozenset())
    source.opened(object(), 0.0)
    while line.now < 20 and not source.is_stalled(line, line.now):
        line.now += 0.01  # it is looked at whenever anything happens
    assert line.now >= 20 if stalled_s is None else stalled_s <= line.now <= stalled_s + 0.1
