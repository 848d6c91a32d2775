"""More kinds of operations, for random scripts: versions, names, revocable links, a passphrase, downloads that come to nothing.

Nouns: as in ``script``; a *line* is a file with its older versions. Invariants: a root on which another call is under way is
left alone, so that the ledger knows what every call must come to. Must not know: crashes.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from inos.custody import Guest
from inos.errors import NotFound
from inos.vault.vault import Source
from inos_sim.claims import Kept, kept

if TYPE_CHECKING:
    from inos_sim.script import Player


async def again(player: Player) -> None:
    """Put what was put before, be it there, removed or refused."""
    if not player.contents:
        raise NotFound("nothing was put")
    file = player.one_of(list(player.contents))
    await player.put(file.name, player.contents[file])


async def replace(player: Player) -> None:
    """Put the next version of a file."""
    root = player.pick()
    name = player.ledger.now.files[root].name
    content = b"the next version " * 3 + str(player.next_serial()).encode()
    source = Source(player.machine.streams.add_bytes(content), len(content))

    async def put() -> bytes:
        return (await player.machine.vault.put(source, name=name, replaces=root)).root

    await _move(player, root, kept(name, content), put)


async def rename(player: Player) -> None:
    """The same bytes under another name, as the next version."""
    root = player.pick()
    file = player.ledger.now.files[root]
    name = f"{file.name[:40]}-{player.next_serial()}"

    async def named() -> bytes:
        return await player.machine.vault.use(lambda library: library.rename(root, name))

    await _move(player, root, Kept(name, file.size, file.sha256), named)


async def _move(player: Player, root: bytes, file: Kept, work: Callable[[], Coroutine[Any, Any, bytes]]) -> None:
    player.ledger.begin_put(file)
    player.ledger.begin_move(root)
    new = await work()
    player.ledger.end_move(file, root, new, player.salt(new))


async def restore(player: Player) -> None:
    """An older version becomes the current one."""
    root = _older(player)
    current = player.ledger.current_of(root)
    player.ledger.begin_move(current)
    player.ledger.begin_move(root)
    await player.machine.vault.use(lambda library: library.restore(root))
    player.ledger.end_restore(root, current)


async def forget(player: Player) -> None:
    """An older version goes."""
    root = _older(player)
    player.ledger.begin_remove(root)
    await player.machine.vault.forget(root)
    player.ledger.end_remove(root, scrubbed=player.is_scrubbed())


def _older(player: Player) -> bytes:
    now = player.ledger.now
    free = [root for root in now.older if not now.busy & {root, player.ledger.current_of(root)}]
    if not free:
        raise NotFound("no older version")
    return player.one_of(free)


async def fetch(player: Player) -> None:
    """Wish for a file, and get some of its blocks."""
    ledger = player.ledger
    file, link, blocks = player.foreign[0]
    if any(one.name == file.name for one in (*ledger.now.files.values(), *ledger.now.coming)):
        return
    ledger.begin_mark(link.bid)
    await player.machine.vault.wish(link)
    ledger.end_wish(link.bid, wished=True)
    for bid, data in blocks[:2]:
        await player.store(bid, data)


async def unwish(player: Player) -> None:
    """Give it up."""
    file, link, _ = player.foreign[0]
    if any(one.name == file.name for one in player.ledger.now.coming):
        return  # it is being adopted, which ends the wish
    player.ledger.begin_mark(link.bid)
    await player.machine.vault.unwish(link)
    player.ledger.end_wish(link.bid, wished=False)


async def grant(player: Player) -> None:
    """Make a revocable link, or withdraw one."""
    ledger, vault = player.ledger, player.machine.vault
    free = sorted(link for link in ledger.now.granted if link[0] not in ledger.now.sharing)
    if free:
        grant_id, root = player.one_of(free)
        ledger.begin_mark(grant_id)
        await vault.revoke(grant_id)
    else:
        grant_id, root = player.next_serial().to_bytes(32, "little"), player.pick()
        ledger.begin_mark(grant_id)
        await vault.grant(root, grant_id, bytes(32))
    ledger.end_grant(grant_id, root, granted=not free)


async def lodge(player: Player) -> None:
    """Keep blocks for somebody else, or no longer."""
    ledger, guests = player.ledger, player.machine.vault.guests
    _, link, blocks = player.foreign[player.next_serial() % 2]
    bundle = link.bid
    if bundle in ledger.now.sharing:
        return  # another call is about it
    ledger.begin_mark(bundle)
    if bundle in ledger.now.guests:
        await guests.guest_drop(bundle)
        ledger.end_guest(bundle, kept=False)
        return
    for bid, data in blocks:
        if not guests.guest_hold(bundle, bid):
            await player.lodge(bundle, bid, data)
    bids = tuple(bid for bid, _ in blocks)
    await guests.guest_add(Guest(bundle, bytes(32), bids[0], bytes(32), 1_000, 3, bids))
    ledger.end_guest(bundle, kept=True)


async def passphrase(player: Player) -> None:
    """Set one, or another; the device still opens the vault by itself."""
    await player.machine.vault.ways_in.set_passphrase(f"words and words {player.next_serial()}", ask_always=False)


async def shrink(player: Player) -> None:
    """Seal chunks again, smaller; read every block."""
    await player.machine.vault.tidy()


MORE: dict[str, Callable[[Player], Coroutine[Any, Any, None]]] = {
    work.__name__: work
    for work in (again, replace, rename, restore, forget, fetch, unwish, grant, lodge, passphrase, shrink)
}  # fmt: skip
