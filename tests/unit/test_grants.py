"""Revocable links: asked of their owner, answered by nobody else, and withdrawn."""

from __future__ import annotations

import pytest
from harness import Capability, Heartbeats, Peer, World
from vault_world import World as VaultWorld

from inos import limits
from inos.errors import AuthFailed, BadArgument, BadLink, LinkRevoked, MalformedInner, NoPeers, NotFound
from inos.ports import KIND_INDEX, Seal
from inos.vault.index import Grant, Index
from inos.wire import cbor
from inos.wire import messages as m
from inos.wire.link import Link, RevocableLink, encode, parse, parse_any


@pytest.fixture
def world() -> World:
    world = World(5)
    world.beats = Heartbeats(world)
    return world


def outcome(world: World, peer: Peer, coro, seconds: float = 60) -> object:
    task = peer.tasks.spawn(coro, "test")
    task.on_done(lambda: None)
    assert world.run(lambda: task.done, seconds)
    try:
        return task.result()
    except Exception as error:  # noqa: BLE001 - the outcome, whatever it is
        return error


def granted(world: World, owner: Peer, root: Capability) -> tuple[str, bytes]:
    answer = outcome(world, owner, owner.node.share_revocable(root.bid, "https://host/"))
    assert isinstance(answer, tuple), answer
    return answer


# --- the link's text ------------------------------------------------------------------------------------------------------


def test_the_text_of_a_revocable_link():
    link = RevocableLink(bytes(range(32)), bytes(range(32, 64)))
    text = encode(link, "https://host/")
    assert text == "https://host/" + encode(Link(link.id, link.key)).replace("#inos1.", "#inosv1.")
    assert parse_any(text) == link
    assert parse_any(encode(Link(link.id, link.key))) == Link(link.id, link.key)
    with pytest.raises(BadLink, match="revocable"):
        parse(text)
    for broken, reason in (
        (text[:-3], "cut: 3"),
        (text + "A", "mistyped"),
        ("#inosv", "cut"),
        ("#inosv2.AA", "unknown"),
    ):
        with pytest.raises(BadLink, match=reason):
            parse_any(broken)
    with pytest.raises(BadArgument):
        encode(RevocableLink(b"short", bytes(32)))
    assert "2021" not in repr(link)


# --- between nodes --------------------------------------------------------------------------------------------------------


def test_a_revocable_link_is_fetched_then_refused(world):
    owner, reader, late = world.peer("owner"), world.peer("reader"), world.peer("late")
    root = owner.vault.put([world.rng.randbytes(3_000), world.rng.randbytes(2_000)])
    link, name = granted(world, owner, root)
    assert link.startswith("https://host/#inosv1.")
    assert outcome(world, reader, reader.node.fetch(link)) == root.bid
    assert reader.vault.blocks == owner.vault.blocks
    assert outcome(world, owner, owner.node.revocable.resolve(link)) == Link(root.bid, root.secret), "one's own link"

    assert outcome(world, owner, owner.node.revoke(name)) is None
    assert isinstance(outcome(world, late, late.node.fetch(link)), LinkRevoked)
    assert late.vault.blocks == {}
    assert isinstance(outcome(world, owner, owner.node.fetch(link)), LinkRevoked)
    assert owner.node.stats()["offered"] == 0, "no other link leads to it"
    assert root.bid in reader.vault.blocks, "who had it keeps it"
    assert isinstance(outcome(world, owner, owner.node.revoke(bytes(32))), NotFound)
    for peer in (owner, reader, late):
        assert peer.lent_spans() == 0
        assert not peer.crashes


def test_an_owner_who_comes_back_still_answers_and_still_refuses(world):
    owner, reader = world.peer("owner"), world.peer("reader")
    roots = [owner.vault.put([world.rng.randbytes(900)]) for _ in range(2)]
    (kept, _), (gone, name) = (granted(world, owner, root) for root in roots)
    outcome(world, owner, owner.node.revoke(name))
    owner.die()
    fetch, refused = reader.fetch(kept), reader.fetch(gone)
    assert not world.run(lambda: fetch.done or refused.done, 5)
    world.peer("again", vault=owner.vault, keyring=owner.keyring)
    assert world.run(lambda: fetch.done and refused.done, 60)
    assert fetch.result() == roots[0].bid
    with pytest.raises(LinkRevoked):
        refused.result()


def test_nobody_there(world):
    owner, reader = world.peer("owner"), world.peer("reader")
    link, _ = granted(world, owner, owner.vault.put([b"x" * 300]))
    owner.die()
    rooms = reader.links.rooms()
    assert isinstance(outcome(world, reader, reader.node.fetch(link, timeout_s=8)), NoPeers)
    assert reader.links.rooms() == rooms


def test_others_who_have_the_link_cannot_answer_for_its_owner(world):
    """Another device with the same grant: it knows the key, seals what it likes, says that it was revoked."""
    owner, impostor, reader = world.peer("owner"), world.peer("impostor"), world.peer("reader")
    link, name = granted(world, owner, owner.vault.put([b"true" * 100]))
    owner.die()
    false = impostor.vault.put([b"false" * 100])
    key = parse_any(link).key
    for revoked in (False, True):
        impostor.vault.kept_grants[name] = Grant(key, false.bid, 0, revoked)
        again = world.peer(f"impostor {revoked}", vault=impostor.vault)
        assert isinstance(outcome(world, reader, reader.node.fetch(link, timeout_s=12)), NoPeers)
        assert reader.linked(again), "they met, and it answered"
    assert reader.vault.blocks == {}


def test_grants_that_are_none(world):
    """What the owner's device seals wrongly is told, not followed."""
    owner, reader = world.peer("owner"), world.peer("reader")
    link, name = granted(world, owner, owner.vault.put([b"x" * 300]))
    key = parse_any(link).key
    for plain, seal_key, error in (
        (cbor.encode([2, bytes(32), bytes(32)]), key, MalformedInner),
        (cbor.encode([1, bytes(32)]), key, MalformedInner),
        (cbor.encode([1, bytes(31), bytes(32)]), key, MalformedInner),
        (b"\xff", key, MalformedInner),
        (cbor.encode([1, bytes(32), bytes(32)]), bytes(32), AuthFailed),
    ):

        async def wrong(_key, _capability, plain=plain, seal_key=seal_key):
            span = owner.ports.arena.alloc(len(plain))
            owner.ports.arena.write(span, plain)
            slot = owner.ports.keys.open(seal_key)
            sealed = await Seal(span, KIND_INDEX, 0, slot)
            owner.ports.keys.close(slot)
            owner.ports.arena.release(span)
            data = owner.ports.arena.read(sealed.block)
            owner.ports.arena.release(sealed.block)
            return data

        owner.node.revocable.grants._seal = wrong
        assert isinstance(outcome(world, reader, reader.node.fetch(link)), error)
    assert reader.lent_spans() == 0
    assert owner.node.vault.grants()[name].revoked is False


def test_what_is_removed_meanwhile_counts_as_revoked(world):
    owner, reader = world.peer("owner"), world.peer("reader")
    root = owner.vault.put([b"x" * 300])
    link, _ = granted(world, owner, root)
    outcome(world, owner, owner.node.vault.remove(root.bid))
    owner.vault.kept_grants[parse_any(link).id].root = root.bid
    assert isinstance(outcome(world, reader, reader.node.fetch(link)), LinkRevoked)


def test_the_largest_grant_fits_its_message():
    sealed = b"\xff" * limits.GRANT_BYTES_MAX
    assert m.decode_control(m.encode(m.Grant(bytes(32), sealed))).sealed == sealed


# --- in the vault ---------------------------------------------------------------------------------------------------------


def test_grants_are_durable_and_pin_their_root():
    world = VaultWorld()
    world.open()
    root = world.put(b"x" * 10_000).root
    one, two, key = b"1" * 32, b"2" * 32, b"k" * 32
    with pytest.raises(NotFound):
        world.run(world.vault.grant(bytes(32), one, key))
    for name in (one, two):
        world.run(world.vault.grant(root, name, key))
    world.run(world.vault.revoke(one))
    world.reboot()
    grants = world.vault.grants()
    assert [(name, grant.root, grant.key, grant.revoked) for name, grant in grants.items()] == [
        (one, root, key, True),
        (two, root, key, False),
    ]
    assert world.vault._index.roots[root].pinned
    assert world.vault.info(root).shared
    assert [capability.bid for capability in world.vault.shared()] == [root]
    world.run(world.vault.revoke(two))
    assert not world.vault.info(root).shared
    assert world.vault.shared() == []
    with pytest.raises(NotFound):
        world.run(world.vault.revoke(bytes(32)))


def test_what_is_removed_and_put_again_is_not_given_out_by_its_old_link():
    world = VaultWorld()
    world.open()
    root = world.put(b"x" * 10_000).root
    world.run(world.vault.grant(root, b"1" * 32, b"k" * 32))
    world.run(world.vault.remove(root))
    assert world.put(b"x" * 10_000).root == root
    for _ in range(2):
        assert world.vault.shared() == []
        assert world.vault.grants()[b"1" * 32].revoked
        world.reboot()


def test_the_oldest_revoked_grant_makes_room(monkeypatch):
    monkeypatch.setattr("inos.vault.index.GRANTS_MAX", 3)
    index = Index()
    names = [bytes([n]) * 32 for n in range(5)]
    for name in names[:3]:
        index.grant(name, Grant(bytes(32), bytes(32), 0))
    index.revoke(names[1])
    index.grant(names[3], Grant(bytes(32), bytes(32), 0))
    assert list(index.grants) == [names[0], names[2], names[3]]
    index.grant(names[4], Grant(bytes(32), bytes(32), 0))
    assert names[0] in index.grants, "one that counts is never forgotten"
