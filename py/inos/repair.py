"""Repair: get back what a check found lost, from another copy on the disk, or from peers.

Nouns: a root is *damaged* when blocks of it are lost. Where the disk has a lost block a second time (a copy that was not yet
cleared away, or the same chunk in another encoding), that one takes its place. Roots that were given out or received may be
whole at others.

Invariants: nothing is taken that is not what its name says; what stays lost is listed with its reason, and stays in the vault:
the same file put again, or a peer that comes later, heals it. Must not know: links, disks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from inos.errors import InosError, StorageLost
from inos.vault.vault import Capability, Vault

PEER_TIMEOUT_S = 20.0  # without a block from anybody


@dataclass(frozen=True, slots=True)
class Unrepaired:
    """A file that stays damaged; ``code`` says why: NoPeers, or StorageLost where nobody else was ever given it."""

    root: bytes
    name: str
    code: str


@dataclass(slots=True)
class RepairReport:
    """What came of it. ``blocks``: lost blocks that are there again."""

    repaired: list[bytes] = field(default_factory=list)
    unrepaired: list[Unrepaired] = field(default_factory=list)
    blocks: int = 0


async def repair(
    vault: Vault,
    fetch: Callable[[Capability, float], Awaitable[object]],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> RepairReport:
    """Mend every damaged root that can be. ``progress``: roots done, of how many. Raises StorageError classes."""
    report = RepairReport()
    damaged = vault.damaged()
    lost_before = vault.stats()["lost_blocks"]
    await vault.mend()
    codes: dict[bytes, str] = {}
    for done, root in enumerate(damaged):
        progress(done, len(damaged))
        if root.capability is None or not vault.is_damaged(root.root):
            continue
        try:
            await fetch(root.capability, PEER_TIMEOUT_S)
            await vault.mend()
        except InosError as error:
            codes[root.root] = error.code
    for root in damaged:
        if vault.is_damaged(root.root):
            report.unrepaired.append(Unrepaired(root.root, root.name, codes.get(root.root, StorageLost.__name__)))
        else:
            report.repaired.append(root.root)
    report.blocks = lost_before - vault.stats()["lost_blocks"]
    progress(len(damaged), len(damaged))
    return report
