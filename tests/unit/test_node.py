"""The node's verbs, and a thousand random schedules of what may go wrong."""

from __future__ import annotations

import pytest
from harness import Capability, Heartbeats, Peer, World, close, link_to

from inos import limits
from inos.errors import BadLink, NotFound, NotReady
from inos.links.rendezvous import CONTACTS_MAX, Rendezvous
from inos.links.rooms import room_of
from inos.vault.vault import Source
from inos.wire import messages as m

SCHEDULES = 1_000
SCHEDULES_A_TEST = 50


@pytest.fixture
def world() -> World:
    world = World(3)
    world.beats = Heartbeats(world)
    return world


def ends_with(world: World, peer: Peer, coro) -> object:
    task = peer.tasks.spawn(coro, "test")
    task.on_done(lambda: None)
    assert world.run(lambda: task.done, 10)
    try:
        return task.result()
    except Exception as error:  # noqa: BLE001 - the outcome, whatever it is
        return error


def test_bad_arguments_are_told(world):
    peer = world.peer("p")
    assert isinstance(ends_with(world, peer, peer.node.fetch("#inos1.abc")), BadLink)
    assert isinstance(ends_with(world, peer, peer.node.share(bytes(32))), NotFound)
    assert isinstance(ends_with(world, peer, peer.node.remove(bytes(32))), NotFound)
    peer.node.close(world.now)
    assert isinstance(ends_with(world, peer, peer.node.share(bytes(32))), NotReady)


def test_what_is_removed_is_offered_no_more(world):
    holder, wanter = world.peer("h"), world.peer("w")
    root = holder.vault.put([b"one" * 300])
    link = holder.share(root)
    assert len(holder.links.rooms()) == 1
    assert ends_with(world, holder, holder.node.remove(root.bid)) is None
    assert holder.links.rooms() == []
    assert holder.node.stats()["offered"] == 0
    task = wanter.fetch(link)
    assert not world.run(lambda: task.done, 20)


def test_the_newest_rooms_are_joined(world, monkeypatch):
    monkeypatch.setattr(limits, "ROOMS_PER_SOCKET_MAX", 4)
    holder, wanter = world.peer("h"), world.peer("w")
    wanted = wanter.fetch(link_to(Capability(bytes(32), bytes(32))))
    links = [holder.share(holder.vault.put([bytes([n]) * 200])) for n in range(6)]
    for _ in range(4):
        wanter.share(wanter.vault.put([world.rng.randbytes(100)]))
    assert len(holder.links.rooms()) == len(wanter.links.rooms()) == 4
    assert next(iter(wanter.links.rooms())) == wanter.node.joined.rooms[bytes(32)], "where we fetch we stay"
    again = world.peer("again", vault=holder.vault)
    world.run(seconds=1)
    assert again.links.rooms() == holder.links.rooms()
    reader = world.peer("r")
    tasks = [reader.fetch(link) for link in links[2:]]
    assert world.run(lambda: all(task.done for task in tasks), 60)
    assert not wanted.done


def test_stats(world):
    holder, wanter = world.peer("h"), world.peer("w")
    task = wanter.fetch(holder.share(holder.vault.put([b"abc" * 500])))
    assert world.run(lambda: task.done, 10)
    stats = holder.node.stats()
    assert len(stats["peers"]) == 1
    assert stats["rendezvous"] is True
    assert (stats["rooms"], stats["offered"], stats["fetching"], stats["blocks_sent"]) == (1, 1, 0, 2)


def test_any_message_in_any_state_leaves_the_node_up(world):
    """A peer that went through the handshake says everything there is to say, in any order."""
    holder, wanter = world.peer("h"), world.peer("w")
    link = holder.share(holder.vault.put([world.rng.randbytes(3_000) for _ in range(5)]))
    bids = [*holder.vault.blocks, bytes(32)]
    for _ in range(40):
        task = wanter.fetch(link) if not wanter.vault.roots else None
        world.run(lambda: bool(wanter.linked()), 100)
        for end in wanter.linked():
            for _ in range(30):
                number, bid = world.rng.randrange(40), world.rng.choice(bids)
                message = world.rng.choice(
                    [
                        m.Want(number, bid),
                        m.Missing(number),
                        m.Cancel(number),
                        m.Have(bid),
                        m.AskGrant(bid),
                        m.Revoked(bid),
                        m.Grant(bid, b"?"),
                    ]
                )
                wanter.links.send(end.link, message)
        world.run(seconds=0.3)
        holder.links._penalties._scores.clear()
        del task
    world.run(seconds=60)
    assert holder.crashes == wanter.crashes == []
    assert holder.lent_spans() == wanter.lent_spans() == 0


def test_contacts_are_bounded_and_forgotten():
    rendezvous = Rendezvous()
    hashes = World(1).peer("p").ports.hashes
    room = room_of(hashes, bytes(32))
    assert rendezvous.join(room)
    assert not rendezvous.join(room)
    for n in range(CONTACTS_MAX + 50):
        rendezvous.hear(n.to_bytes(16), bytes(32), room.room_id, wants=True, now=float(n))
    assert len(rendezvous.contacts) == CONTACTS_MAX
    rendezvous.set_up(up=True)
    rendezvous.forget_silent(1e6)
    assert not rendezvous.contacts
    contact = rendezvous.hear(b"s" * 16, b"k" * 32, room.room_id, wants=None, now=1e6)
    assert rendezvous.hear(b"s" * 16, b"K" * 32, room.room_id, wants=True, now=1e6) is None, "its key stays"
    assert rendezvous.wanted_room(contact) is None
    assert rendezvous.leave(room.room_id)
    assert not rendezvous.leave(room.room_id)
    assert not rendezvous.contacts
    rendezvous.set_wanting(room.room_id, wanting=True, now=0.0)
    rendezvous.failed(b"s" * 16, 1, 0.0, 0.5)
    rendezvous.succeeded(b"s" * 16)


def test_a_file_from_vault_to_vault_survives_reloads(world, tmp_path):
    """The real vault on a real disk: put, share, fetch in two sittings, get byte-exact, offered on after a reload."""
    data = b"".join(world.rng.randbytes(40_000) + bytes(20_000) for _ in range(50))
    holder, wanter = world.peer("h", folder=tmp_path / "h"), world.peer("w", folder=tmp_path / "w")
    assert world.run(lambda: holder.starting.done and wanter.starting.done, 10)
    source = Source(holder.streams.add_bytes(data), len(data))
    put = ends_with(world, holder, holder.node.put(source, name="a file.bin", media_type="text/plain"))
    link = ends_with(world, holder, holder.node.share(put.root, "https://host/"))
    wanter.fetch(link)
    assert world.run(lambda: wanter.vault.stats()["foreign_blocks"] >= 2, 60)
    assert ends_with(world, wanter, wanter.vault.close()) is None
    wanter.die()

    again = world.peer("w again", folder=tmp_path / "w", keyring=wanter.keyring)
    assert world.run(lambda: again.starting.done and bool(again.vault.shared()), 60)
    (file,) = again.node.list()
    assert (file.name, file.size, file.received, file.shared) == ("a file.bin", len(data), True, True)
    sink = again.streams.add_sink()
    ends_with(world, again, again.node.vault.get(file.root, sink))
    assert again.streams.taken(sink) == data
    assert again.vault.wishes() == []

    holder.die()
    third = world.peer("t", folder=tmp_path / "t")
    assert world.run(lambda: third.starting.done, 10)
    root = ends_with(world, third, third.node.fetch(link))
    sink = third.streams.add_sink()
    ends_with(world, third, third.node.vault.get(root, sink))
    assert third.streams.taken(sink) == data
    report = ends_with(world, third, third.node.check("data"))
    assert report.level == "data"
    world.run(seconds=10)
    for peer in world.peers:
        assert peer.crashes == []


# --- random schedules ----------------------------------------------------------------------------------------------------


def mishap(world: World, wanter: Peer, helpers: list[Peer]) -> None:
    """Something goes wrong now."""
    rng = world.rng
    kind = rng.randrange(8)
    links = [end for peer in world.peers if peer.is_alive for end in peer.linked()]
    if kind == 0 and helpers:
        helpers.pop().die()
    elif kind == 1 and links:
        close(rng.choice(links))
    elif kind == 2:
        world.stop_server()
        world.after(rng.uniform(0, 10), world.start_server)
    elif kind == 3 and links:
        rng.choice(links).free_at = world.now + rng.uniform(0, 15)  # the wire is stuck
    elif kind == 4 and links:
        end = rng.choice(links)
        end.peer.links.on_failed(*end.link, "ice", world.now)
    elif kind == 5:
        bad_until = world.now + rng.uniform(0, 3)
        liar = rng.choice(helpers) if helpers else None
        world.faults.tamper_block = lambda sender, _r, data: (
            bytes(len(data)) if sender is liar and world.now < bad_until else data
        )
    elif kind == 6:
        chance = rng.uniform(0, 0.5)
        world.faults.drop_signal = lambda *_: rng.random() < chance
    elif kind == 7 and world.signals:
        room, payload = rng.choice(world.signals)
        wanter.hear(room, payload)


def play(seed: int) -> None:
    """Two or three helpers of which one always stays, one wanter, up to four mishaps: it gets everything in the end."""
    world = World(seed, arena_bytes=16 * limits.MIB)
    world.beats = Heartbeats(world)
    rng = world.rng
    world.faults.latency_s = (0.001, rng.choice([0.005, 0.05, 0.3]))
    world.faults.rate_bytes_per_s = rng.choice([2e5, 1e6, 2e7])
    first = world.peer("stays")
    data = [rng.randbytes(rng.randrange(1, 30_000)) for _ in range(rng.randrange(1, 25))]
    capability = first.vault.put(data, fan_out=rng.choice([4, 8_192]) if len(data) < 20 else 8_192)
    link = first.share(capability)
    helpers = [world.peer(f"h{n}", vault=first.vault) for n in range(rng.randrange(1, 3))]
    wanter = world.peer("w")
    if rng.random() < 0.3:
        world.peer("w2").fetch(link)
    task = wanter.fetch(link)
    for _ in range(rng.randrange(5)):
        world.after(rng.uniform(0, 3), lambda: mishap(world, wanter, helpers))
    assert world.run(lambda: task.done, 400), f"seed {seed}: not done"
    task.result()
    for bid, block in first.vault.blocks.items():
        assert wanter.vault.blocks[bid] == block
    world.run(seconds=60)
    for peer in world.peers:
        assert peer.crashes == [], f"seed {seed}: {peer.name}"
        if peer.is_alive:
            assert peer.lent_spans() == 0, f"seed {seed}: {peer.name}"
            assert len(peer.linked()) <= len(world.peers) - 1
            ids = [peer_id for _, peer_id, _ in peer.links.peers()]
            assert len(ids) == len(set(ids)), f"seed {seed}: two links to one peer"


@pytest.mark.parametrize("start", range(0, SCHEDULES, SCHEDULES_A_TEST))
def test_random_schedules(start):
    for seed in range(start, start + SCHEDULES_A_TEST):
        play(seed)
