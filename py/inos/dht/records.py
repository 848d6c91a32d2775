"""Provider records: who holds what a key names, said by themselves.

Nouns: an *author* is the node that a record is of; ``seq`` is the wall clock when it was made; a *withdrawn* record takes the
earlier ones of its author back, and is kept as long as those could come again.

Invariants: a record is signed by the key of the contact in it, over a label and the room's id, so it is nothing in another
room and nobody makes one in another's name; of one author only the latest counts, so a replay changes nothing; it lives
PROVIDER_TTL_S at most; bounds for keys, authors, bytes hold, and what is there is never given up for what comes.

Must not know: who is close to a key, how records travel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from inos import limits
from inos.errors import ProtocolViolation
from inos.membership.contact import Known, Notary
from inos.ports import Sign
from inos.wire.requests import RECORDS_MAX, Provider, SignedProvider, decode, encode

LABEL = b"inos provider1\0"
WITHDRAWN = 1 << 0


class Record:
    """A provider record that was checked. Nothing in it changes."""

    __slots__ = ("author", "data", "expires_ms", "flags", "key", "known", "seq")

    def __init__(self, known: Known, provider: Provider, data: bytes) -> None:
        self.known = known
        self.author = known.peer_id
        self.key = provider.key
        self.seq = provider.seq
        self.expires_ms = provider.expires_ms
        self.flags = provider.flags
        self.data = data

    @property
    def withdrawn(self) -> bool:
        """Whether it takes the earlier ones back."""
        return bool(self.flags & WITHDRAWN)


async def sign_record(room_id: bytes, own: Known, key: bytes, now_ms: int, flags: int = 0) -> Record:
    """Ours, made now."""
    expires_ms = now_ms + int(limits.PROVIDER_TTL_S * 1_000)
    provider = Provider(key, own.signed, now_ms, expires_ms, flags)
    encoded = encode(provider)
    signature = await Sign(LABEL + room_id + encoded)
    return Record(own, provider, encode(SignedProvider(encoded, signature)))


class Records:
    """What this node keeps for others (and of its own)."""

    __slots__ = ("_by_key", "_bytes", "_keys_of", "_notary", "_room_id", "_wall_ms", "forged")

    def __init__(self, notary: Notary, room_id: bytes, wall_ms: Callable[[], int]) -> None:
        self._notary = notary
        self._room_id = room_id
        self._wall_ms = wall_ms
        self._by_key: dict[bytes, dict[bytes, Record]] = {}
        self._keys_of: dict[bytes, int] = {}  # by author
        self._bytes = 0
        self.forged = 0

    async def check(self, key: bytes, data: bytes) -> Record:
        """The record in ``data``, if it is about ``key`` and valid now. Raises ProtocolViolation, Busy."""
        signed = decode(SignedProvider, data)
        provider = decode(Provider, signed.record)
        now_ms, window_ms = self._wall_ms(), limits.CLOCK_WINDOW_S * 1_000
        if provider.key != key:
            raise ProtocolViolation("a record about another key")
        if provider.seq > now_ms + window_ms or provider.expires_ms <= now_ms - window_ms:
            raise ProtocolViolation("a record outside the clock window")
        if provider.expires_ms - provider.seq > limits.PROVIDER_TTL_S * 1_000:
            raise ProtocolViolation("a record that lives too long")
        known = await self._notary.check(provider.contact)
        said = LABEL + self._room_id + signed.record
        if not await self._notary.verify(known.contact.public_key, signed.signature, said):
            self.forged += 1
            raise ProtocolViolation("a record's signature does not verify")
        return Record(known, provider, data)

    def of(self, key: bytes) -> list[Record]:
        """The latest records about a key that are valid now, as many as an answer takes; withdrawals too."""
        held = self._by_key.get(key)
        if not held:
            return []
        now_ms = self._wall_ms()
        valid = [record for record in held.values() if record.expires_ms > now_ms]
        return sorted(valid, key=lambda record: -record.seq)[:RECORDS_MAX]

    def keys(self) -> Iterator[bytes]:
        """All keys that something is kept of."""
        return iter(list(self._by_key))

    def all_of(self, key: bytes) -> list[Record]:
        """Everything kept of a key, as it is handed over."""
        return list(self._by_key.get(key, {}).values())

    def add(self, record: Record) -> bool:
        """Keep a checked record; whether it is new here and was kept."""
        held = self._by_key.get(record.key, {})
        old = held.get(record.author)
        if old is not None:
            if old.seq >= record.seq:
                return False
        elif not self._has_room(record, held):
            return False
        if old is None:
            self._keys_of[record.author] = self._keys_of.get(record.author, 0) + 1
        else:
            self._bytes -= len(old.data)
        self._bytes += len(record.data)
        held[record.author] = record
        self._by_key[record.key] = held
        return True

    def expire(self) -> None:
        """Drop what is over, and nobody can make count again."""
        over_ms = self._wall_ms() - limits.CLOCK_WINDOW_S * 1_000
        for key, held in list(self._by_key.items()):
            for author, record in list(held.items()):
                if record.expires_ms <= over_ms:
                    self._drop(held, author)
            if not held:
                del self._by_key[key]

    def stats(self) -> dict[str, int]:
        """For the page."""
        return {"keys": len(self._by_key), "bytes": self._bytes, "authors": len(self._keys_of), "forged": self.forged}

    def _has_room(self, record: Record, held: dict[bytes, Record]) -> bool:
        return (
            len(held) < limits.PROVIDERS_PER_KEY_MAX
            and self._keys_of.get(record.author, 0) < limits.PROVIDER_KEYS_MAX
            and self._bytes + len(record.data) <= limits.PROVIDER_BYTES_MAX
        )

    def _drop(self, held: dict[bytes, Record], author: bytes) -> None:
        self._bytes -= len(held.pop(author).data)
        self._keys_of[author] -= 1
        if not self._keys_of[author]:
            del self._keys_of[author]
