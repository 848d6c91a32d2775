"""The index: which blocks and roots there are, in memory, rebuilt from the log at every open.

Nouns: an *entry* is a block's packed description (``ops``); a *hold* is a reference by work in progress, beside the
references by roots; a block with neither is *dead* (an own one) or *loose* (a foreign one, kept while anything is wished).

Invariants: ``refs[n]`` = roots that list n + holds on n; by-id maps name only blocks that are in ``entries``; replaying the
operations in the order of the log gives the same index. A root may list numbers that are unknown (records lost): it is
then damaged, and says so. Must not know: disks, effects, when anything is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from inos.errors import LimitExceeded
from inos.limits import BLOCKS_MAX, GRANTS_MAX, ROOTS_MAX
from inos.ports import KIND_CHUNK
from inos.vault import ops
from inos.vault.heads import SignedHead
from inos.vault.lodging import Lodging
from inos.vault.ops import Root


@dataclass(frozen=True, slots=True)
class Wish:
    """A root somebody wants."""

    secret: bytes
    time_ms: int


@dataclass(slots=True)
class Grant:
    """A root that is given out by a revocable link: id and key are the link's."""

    key: bytes = field(repr=False)
    root: bytes
    time_ms: int
    revoked: bool = False


class Index:
    """Blocks by number, bid and cid; roots; wishes. ``on_dead`` hears of blocks that lost their last reference."""

    def __init__(self) -> None:
        self.entries: dict[int, bytes] = {}
        self.by_bid: dict[bytes, int] = {}
        self.by_cid: dict[bytes, int] = {}
        self.refs: dict[int, int] = {}
        self.foreign: set[int] = set()
        self.roots: dict[bytes, Root] = {}
        self.by_content: dict[tuple[bytes, str, str], bytes] = {}
        self.lines: dict[bytes, list[SignedHead]] = {}
        self.line_of: dict[bytes, bytes] = {}  # every root that a head names, also one that was forgotten since
        self.holey: set[bytes] = set()  # roots that list unknown numbers
        self.wishes: dict[bytes, Wish] = {}
        self.grants: dict[bytes, Grant] = {}  # by id, oldest first
        self.lost: set[int] = set()  # in the log, but not readable on the disk
        self.lost_bids: dict[bytes, int] = {}
        self.lost_cids: dict[bytes, int] = {}
        self.unscrubbed: list[
            tuple[int, bytes]
        ] = []  # entries of blocks that died, and the seq of the record that says so
        self.dropped: set[int] = (
            set()
        )  # numbers and roots that the log says are gone: what damage to it must not bring back
        self.removed: set[bytes] = set()
        self.complete = False  # a checkpoint was read to its end
        self.next_number = 0
        self.pins = 0  # how often roots were given out, or not any more
        self.generation = 0  # of roots and lines: whoever derives something from them sees that they changed
        self.lodging = Lodging(self)
        self.abroad: Callable[[], set[bytes]] = set  # roots that others keep blocks of
        self.on_dead: Callable[[int], None] = lambda _: None

    def begin(self) -> None:
        """The log was read; what only reading it needed goes."""
        self.find_holes()
        self.dropped, self.removed, self.unscrubbed = set(), set(), []

    # --- blocks -------------------------------------------------------------------------------------------------------

    def add(self, entry: bytes) -> int:
        """A new block; its number. Raises LimitExceeded."""
        if len(self.entries) >= BLOCKS_MAX:
            raise LimitExceeded(f"the vault holds {BLOCKS_MAX} blocks and takes no more")
        number = self.next_number
        self.put(number, entry)
        return number

    def put(self, number: int, entry: bytes) -> None:
        """A block under its number; the same number again replaces what is known of it."""
        self.next_number = max(self.next_number, number + 1)
        before = self.entries.get(number)
        if before is not None and before != entry:
            self._unname(number, before)
        self.entries[number] = entry
        if self.lost:
            self._found(number, entry)
        self.by_bid[entry[:32]] = number
        if ops.is_foreign(entry):
            self.foreign.add(number)
            return
        self.foreign.discard(number)
        if ops.is_own_chunk(entry):
            self.by_cid[entry[96:128]] = number

    def put_many(self, first: int, packed: bytes) -> bool:
        """Blocks under numbers that nobody had: all that an open reads, 100,000 a second in a browser. False, and nothing
        done, where one may be known already."""
        if first < self.next_number or self.lost:
            return False
        entries, by_bid, by_cid, foreign = self.entries, self.by_bid, self.by_cid, self.foreign
        number = first
        for entry in ops.entries_of(packed):
            entries[number] = entry
            by_bid[entry[:32]] = number
            if entry[ops.FLAGS_AT] & ops.FLAG_FOREIGN:
                foreign.add(number)
            elif entry[ops.KIND_AT] == KIND_CHUNK:
                by_cid[entry[96:128]] = number
            number += 1
        self.next_number = number
        return True

    def forget(self, number: int) -> bytes | None:
        """Take a block out; its entry."""
        entry = self.entries.pop(number, None)
        if entry is None:
            return None
        self._unname(number, entry)
        self.foreign.discard(number)
        self.refs.pop(number, None)
        self._found(number, entry)
        return entry

    def _found(self, number: int, entry: bytes) -> None:
        if number in self.lost:
            self.lost.discard(number)
            for table in (self.lost_bids, self.lost_cids):
                for key in [key for key, lost in table.items() if lost == number]:
                    del table[key]

    def lose(self, number: int) -> None:
        """The disk does not give this block back: it no longer counts for dedupe, and its roots are damaged."""
        self.lost.add(number)
        entry = self.entries[number]
        self.lost_bids[ops.bid_of(entry)] = number
        if ops.is_own_chunk(entry):
            self.lost_cids[ops.cid_of(entry)] = number
        self._unname(number, entry)

    def _unname(self, number: int, entry: bytes) -> None:
        for table, key in ((self.by_cid, ops.cid_of(entry)), (self.by_bid, ops.bid_of(entry))):
            if table.get(key) == number:
                del table[key]

    def hold(self, number: int) -> None:
        """One more reference."""
        self.refs[number] = self.refs.get(number, 0) + 1

    def unhold(self, number: int) -> None:
        """One reference less; ``on_dead`` at the last."""
        left = self.refs.get(number, 0) - 1
        if left > 0:
            self.refs[number] = left
            return
        self.refs.pop(number, None)
        if number in self.entries:
            self.on_dead(number)

    def unreferenced(self) -> list[int]:
        """Every block that nothing refers to."""
        return [number for number in self.entries if number not in self.refs]

    # --- roots --------------------------------------------------------------------------------------------------------

    def check_room(self) -> None:
        """Raises LimitExceeded when no root may be added."""
        if len(self.roots) >= ROOTS_MAX:
            raise LimitExceeded(f"the vault holds {ROOTS_MAX} files and takes no more")

    def add_root(self, root: Root) -> None:
        """A root that is durable. The same root again changes nothing (two equal puts at once), unless the one that is there
        lists blocks that nothing is known of: then this one is what heals it."""
        before = self.roots.get(root.bid)
        if before is not None:
            if all(number in self.entries for number in before.numbers()):
                return
            root.shared, root.pinned, root.link = before.shared, before.pinned, before.link
            if all(number in self.entries for number in ops.numbers_of(before.offer_runs)):
                root.offer, root.offer_runs = before.offer, before.offer_runs
            self.holey.discard(root.bid)
            self.take_out(root.bid)
        self.generation += 1
        self.roots[root.bid] = root
        if root.link is None:
            self.by_content[(root.h_file, root.name, root.media_type)] = root.bid
        self.removed.discard(root.bid)
        for number in root.numbers():
            self.refs[number] = self.refs.get(number, 0) + 1
            if (
                number >= self.next_number
            ):  # damage to the log took what says what this is: no other block may get the number
                self.next_number = number + 1

    def offer_root(self, bid: bytes, offer: tuple[bytes, bytes], runs: bytes) -> None:
        """A root is given out by a manifest of its own, which ``runs`` keep."""
        root = self.roots.get(bid)
        if root is None:
            return
        before = list(ops.numbers_of(root.offer_runs))
        root.offer, root.offer_runs = offer, runs
        for number in ops.numbers_of(runs):
            self.refs[number] = self.refs.get(number, 0) + 1
            self.next_number = max(self.next_number, number + 1)
        for number in before:
            self.unhold(number)

    def share_root(self, bid: bytes, *, shared: bool) -> None:
        """Give a root out, or not any more."""
        root = self.roots.get(bid)
        if root is not None:
            root.shared = shared
            root.pinned = True
            self.pins += 1

    def pinned_numbers(self) -> set[int]:
        """Blocks of every root that was given out, to people or to be kept, and of guests. O(their blocks)."""
        abroad = self.abroad()
        pinned = (root for root in self.roots.values() if root.pinned or root.bid in abroad)
        numbers = {number for root in pinned for number in root.numbers()}
        return numbers.union(*(lodger.numbers() for lodger in self.lodging.lodgers.values()))

    def remove_root(self, bid: bytes) -> None:
        """Forget a root and its references; its revocable links lead nowhere, also when it comes again."""
        for grant in self.grants.values():
            if grant.root == bid:
                grant.revoked = True
        self.take_out(bid)

    def take_out(self, bid: bytes) -> None:
        """Forget what a root lists, for a better list that follows."""
        root = self.roots.pop(bid, None)
        if root is None:
            return
        self.generation += 1
        key = (root.h_file, root.name, root.media_type)
        if self.by_content.get(key) == bid:
            del self.by_content[key]
        for number in root.numbers():
            self.unhold(number)

    # --- lines --------------------------------------------------------------------------------------------------------

    def add_head(self, line: bytes, signed: SignedHead) -> None:
        """A step of a line. A root belongs to one line only, for as long as the line lasts."""
        self.generation += 1
        self.lines.setdefault(line, []).append(signed)
        self.line_of[signed.head.root] = line

    def versions(self, root: bytes) -> list[SignedHead]:
        """The heads of a root's line whose roots are still here, oldest first; none for a root that is a line of one."""
        return [signed for signed in self.lines.get(self.line_of.get(root, b""), []) if signed.head.root in self.roots]

    def is_current(self, root: bytes) -> bool:
        """Whether a root is what its line is at now."""
        if root not in self.roots:
            return False
        for signed in reversed(self.lines.get(self.line_of.get(root, b""), [])):
            if signed.head.root in self.roots:
                return signed.head.root == root
        return True

    def members(self, root: bytes) -> list[bytes]:
        """Every root of a root's line, each once."""
        return list(dict.fromkeys(signed.head.root for signed in self.versions(root))) or [root]

    def forget_version(self, root: bytes) -> None:
        """Forget one root of a line; its head stays."""
        self.remove_root(root)
        self.removed.add(root)

    def remove_line(self, root: bytes) -> None:
        """Forget a root with all its versions."""
        members = self.members(root)
        line = self.line_of.get(root)
        if line is not None:
            for signed in self.lines.pop(line, []):
                self.line_of.pop(signed.head.root, None)
        for member in members:
            self.remove_root(member)
            self.removed.add(member)

    # --- grants -------------------------------------------------------------------------------------------------------

    def grant(self, grant_id: bytes, grant: Grant) -> None:
        """One more revocable link, which pins its root. Of too many the oldest revoked one is forgotten."""
        self.grants[grant_id] = grant
        grant.revoked |= grant.root in self.removed  # while the link was being made
        if grant.root in self.roots:
            self.roots[grant.root].pinned = True
            self.pins += 1
        if len(self.grants) > GRANTS_MAX:
            oldest = next((name for name, kept in self.grants.items() if kept.revoked), None)
            if oldest is not None:
                del self.grants[oldest]

    def revoke(self, grant_id: bytes) -> None:
        """The link leads nowhere any more; that it was ours stays known."""
        if grant_id in self.grants:
            self.grants[grant_id].revoked = True

    def granted(self) -> set[bytes]:
        """Roots that are given out by a revocable link."""
        return {grant.root for grant in self.grants.values() if not grant.revoked}

    def is_damaged(self, root: Root) -> bool:
        """Whether any of a root's blocks is unknown or lost. O(its blocks), if any at all is lost."""
        return root.bid in self.holey or (bool(self.lost) and any(number in self.lost for number in root.numbers()))

    def find_holes(self) -> None:
        """Look which roots list unknown numbers. O(all their blocks)."""
        known = self.entries
        self.holey = {bid for bid, root in self.roots.items() if any(number not in known for number in root.numbers())}

    # --- replay -------------------------------------------------------------------------------------------------------

    def apply(self, seq: int, operations: Iterable[tuple[int, list[Any]]]) -> None:
        """The operations of one record, at open. ``on_dead`` is not set yet: orphans are found when all is read."""
        for code, args in operations:
            self._apply(seq, code, args)

    def _apply(self, seq: int, code: int, args: list[Any]) -> None:
        if code == ops.BLOCKS:
            if self.put_many(*args):
                return
            for number, entry in enumerate(ops.entries_of(args[1]), args[0]):
                before = self.entries.get(number)
                if before is not None and ops.lies_at(before) != ops.lies_at(entry):
                    self.unscrubbed.append((seq, before))
                self.put(number, entry)
        elif code == ops.ROOT:
            self.add_root(args[0])
        elif code in (ops.SHARE, ops.UNSHARE):
            self.share_root(args[0], shared=code == ops.SHARE)
        elif code == ops.OFFER:
            self.offer_root(args[0], (args[1], args[2]), args[3])
        elif code == ops.TOGETHER:
            self.apply(seq, args[0])
        elif code in (ops.REMOVE, ops.FORGET, ops.HEAD):
            self._apply_to_line(code, args)
        elif code == ops.DROP:
            for number in ops.numbers_of(args[0]):
                self.dropped.add(number)
                self.next_number = max(self.next_number, number + 1)
                dropped = self.forget(number)
                if dropped is not None:
                    self.unscrubbed.append((seq, dropped))
        elif code == ops.SCRUBBED:
            self.unscrubbed = [kept for kept in self.unscrubbed if kept[0] > args[0]]
        elif code == ops.NEXT:
            self.next_number = max(self.next_number, args[0])
            self.complete = True
        else:
            self._apply_to_links(code, args)

    def _apply_to_links(self, code: int, args: list[Any]) -> None:
        if code == ops.GRANT:
            self.grant(args[0], Grant(*args[1:]))
        elif code == ops.REVOKE:
            self.revoke(args[0])
        elif code == ops.WISH:
            self.wishes[args[0]] = Wish(args[1], args[2])
        elif code == ops.UNWISH:
            self.wishes.pop(args[0], None)
        else:
            self.lodging.apply(code, args)

    def _apply_to_line(self, code: int, args: list[Any]) -> None:
        if code == ops.HEAD:
            self.add_head(args[0], args[1])
        elif code == ops.REMOVE:
            self.remove_line(args[0])
        else:
            self.forget_version(args[0])
