"""A checkpoint: the index said again in the fewest operations, for the log's next generation.

Invariants: replaying ``operations_of(index)`` into an empty index gives the same index; blocks come before the roots that
list them; the last operation is NEXT, by which a checkpoint that was written to its end is told from one that was not, and
after which no number is given twice. Whoever adds an operation that changes the index adds here what says its result.
Must not know: disks, effects.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from inos.vault import ops
from inos.vault.index import Index

ENTRIES_PER_OPERATION = 320  # 47 KB: about one record


def operations_of(index: Index, without: Container[int] = ()) -> Iterator[bytes]:
    """Packed operations. ``without``: numbers of blocks that are not known to be durable yet."""
    yield from blocks_of(index.entries, [n for n in index.entries if n not in without])
    for root in index.roots.values():
        yield root.pack()
        if root.offer is not None:
            yield ops.encode_op(ops.OFFER, root.bid, *root.offer, root.offer_runs)
        if root.pinned:
            yield ops.encode_op(ops.SHARE, root.bid)
            if not root.shared:
                yield ops.encode_op(ops.UNSHARE, root.bid)
    for line, history in index.lines.items():
        for signed in history:
            yield ops.encode_op(ops.HEAD, line, signed.pack())
    for name, grant in index.grants.items():
        yield ops.encode_op(ops.GRANT, name, grant.key, grant.root, grant.time_ms)
        if grant.revoked:
            yield ops.encode_op(ops.REVOKE, name)
    for bid, wish in index.wishes.items():
        yield ops.encode_op(ops.WISH, bid, wish.secret, wish.time_ms)
    yield from index.lodging.operations()
    yield ops.encode_op(ops.NEXT, index.next_number)


def blocks_of(entries: dict[int, bytes], numbers: Iterable[int]) -> Iterator[bytes]:
    """BLOCKS operations for these numbers, each of which has an entry, in their order."""
    run: list[int] = []
    for number in [*sorted(numbers), -1]:
        if run and (number != run[-1] + 1 or len(run) == ENTRIES_PER_OPERATION):
            yield ops.encode_op(ops.BLOCKS, run[0], b"".join(entries[n] for n in run))
            run = []
        run.append(number)
