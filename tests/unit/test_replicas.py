"""Whole nodes in one mesh room: what one puts, others keep, whoever goes and comes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from harness import Heartbeats, Peer, World

from inos import limits
from inos.errors import StorageFull
from inos.vault.vault import Source

ORIGIN = "https://example.test"


class Town:
    """Nodes with real vaults on disks that stay."""

    def __init__(self, folder: Path, count: int, seed: int = 3) -> None:
        self.folder = folder
        self.world = World(seed, arena_bytes=64 << 20)
        Heartbeats(self.world, 0.25)
        self.keyrings: dict[str, Any] = {}
        self.peers = [self.start(f"node-{n}") for n in range(count)]
        assert self.world.run(self.is_meshed, 30)

    def start(self, name: str) -> Peer:
        (self.folder / name).mkdir(exist_ok=True)
        peer = self.world.peer(name, folder=self.folder / name, keyring=self.keyrings.get(name), origin=ORIGIN)
        self.keyrings[name] = peer.keyring
        return peer

    def is_meshed(self) -> bool:
        living = [peer for peer in self.peers if peer.is_alive]
        return all(
            peer.node.commons.is_in and len(list(peer.node.commons.mesh.neighbours())) == len(living) - 1
            for peer in living
        )

    def put(self, peer: Peer, size: int, name: str = "file") -> bytes:
        data = random.Random(size).randbytes(size)
        source = Source(peer.streams.add_bytes(data), size)
        task = peer.tasks.spawn(peer.node.put(source, name=name), "put")
        assert self.world.run(lambda: task.done, 20)
        return task.result().root

    def copies(self, peer: Peer, root: bytes) -> int:
        return peer.node.replicas.copies(root)["live"]

    def keepers(self) -> list[Peer]:
        return [peer for peer in self.peers if peer.is_alive and peer.vault.stats()["guests"]]


def test_a_put_reaches_three_and_comes_back_to_three(tmp_path: Path) -> None:
    town = Town(tmp_path, 5)
    owner = town.peers[0]
    root = town.put(owner, 3_000_000)
    assert town.world.run(lambda: town.copies(owner, root) == 3, 10)
    assert owner.node.replicas.copies(root)["safe"]
    assert [peer.vault.roots() for peer in town.peers[1:]] == [[]] * 4, "guests are nobody's files"
    assert len(town.keepers()) == 2

    town.keepers()[0].die()
    assert town.world.run(lambda: town.copies(owner, root) == 2, 2), "it is noticed"
    assert town.world.run(lambda: town.copies(owner, root) == 3 and len(town.keepers()) == 2, 5)
    assert not any(peer.crashes for peer in town.peers)


def test_a_block_that_is_not_what_it_is_called_is_no_copy(tmp_path: Path) -> None:
    town = Town(tmp_path, 3)
    owner, honest, _ = town.peers

    def spoil(sender: Peer, receiver: Peer, data: bytes) -> bytes:
        return data if receiver is honest else data[:-1] + bytes([data[-1] ^ 1])

    town.world.faults.tamper_block = spoil
    root = town.put(owner, 100_000)
    assert town.world.run(lambda: town.copies(owner, root) == 2, 10)
    town.world.run(seconds=10)
    assert town.keepers() == [honest]
    town.world.faults.tamper_block = lambda _sender, _receiver, data: data


def test_a_restart_copies_nothing_again(tmp_path: Path) -> None:
    town = Town(tmp_path, 4)
    owner = town.peers[0]
    root = town.put(owner, 500_000)
    assert town.world.run(lambda: town.copies(owner, root) == 3, 10)
    town.world.run(seconds=5)
    sent = [peer.node.server.blocks_sent for peer in town.peers]
    for number in (0, town.peers.index(town.keepers()[0])):
        town.peers[number].die()
        town.peers[number] = town.start(town.peers[number].name)
        sent[number] = 0
        assert town.world.run(town.is_meshed, 30)
        town.world.run(seconds=40)
    assert [peer.node.server.blocks_sent for peer in town.peers] == sent
    assert town.copies(town.peers[0], root) == 3
    assert len(town.keepers()) == 2


def test_who_has_the_link_gets_the_file_when_its_owner_is_gone(tmp_path: Path) -> None:
    town = Town(tmp_path, 4)
    owner = town.peers[0]
    root = town.put(owner, 700_000)
    share = owner.tasks.spawn(owner.node.share(root), "share")
    assert town.world.run(lambda: share.done and town.copies(owner, root) == 3, 10)
    town.world.run(seconds=20)
    owner.die()
    reader = next(peer for peer in town.peers[1:] if not peer.vault.stats()["guests"])
    fetch = reader.fetch(share.result())
    assert town.world.run(lambda: fetch.done, 60)
    assert [info.name for info in reader.vault.roots()] == ["file"]
    assert town.world.run(lambda: len(town.keepers()) >= 2, 10)


def test_a_removed_file_is_let_go_everywhere(tmp_path: Path) -> None:
    town = Town(tmp_path, 3)
    owner = town.peers[0]
    root = town.put(owner, 300_000)
    assert town.world.run(lambda: town.copies(owner, root) == 3, 10)
    task = owner.tasks.spawn(owner.node.remove(root), "remove")
    assert town.world.run(lambda: task.done and not town.keepers(), 10)
    assert town.world.run(lambda: all(peer.vault.stats()["blocks"] == 0 for peer in town.peers), 5)


def test_how_many_is_for_people_to_say(tmp_path: Path) -> None:
    town = Town(tmp_path, 4)
    owner = town.peers[0]
    task = owner.tasks.spawn(owner.node.replicas.set_copies(1), "set")
    assert town.world.run(lambda: task.done, 5)
    one, two = town.put(owner, 200_000, "one"), town.put(owner, 100_000, "two")
    town.world.run(seconds=10)
    assert town.keepers() == []
    task = owner.tasks.spawn(owner.node.replicas.set_copies(2, two), "set")
    assert town.world.run(lambda: task.done and town.copies(owner, two) == 2, 10)
    assert town.copies(owner, one) == 1
    assert len(town.keepers()) == 1
    task = owner.tasks.spawn(owner.node.replicas.set_copies(1, two), "set")
    assert town.world.run(lambda: task.done and not town.keepers(), 60)


def test_a_number_that_could_not_be_kept_does_not_count(tmp_path: Path, monkeypatch: Any) -> None:
    town = Town(tmp_path, 1)
    (owner,) = town.peers

    async def full(*_: object) -> None:
        raise StorageFull("no room")

    monkeypatch.setattr(owner.vault.guests, "note_holders", full)
    task = owner.tasks.spawn(owner.node.replicas.set_copies(1), "set")
    assert town.world.run(lambda: task.done, 5)
    with pytest.raises(StorageFull):
        task.result()
    assert owner.node.replicas.default_copies == limits.COPIES


def test_contacts_are_signed_anew_before_they_are_old(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("inos.commons.CONTACT_RENEW_S", 5.0)
    town = Town(tmp_path, 2)
    one, two = town.peers

    def signed_ms() -> int:
        known = next(iter(one.node.commons.mesh.neighbours())).known
        return known.contact.time_ms if known is not None else 0

    assert town.world.run(lambda: signed_ms() > 0, 5)
    before = signed_ms()
    assert town.world.run(lambda: signed_ms() >= before + 10_000, 20)
    assert not any(peer.crashes for peer in (one, two))
