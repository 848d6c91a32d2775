"""Every error INOS raises, in one tree.

Nouns: a *local* error is the caller's misuse; a *remote* error is a peer's misbehaviour and carries a ``penalty``; a
*corrupt* error means bytes are not what they must be (and blames whoever made them); a *limit* error means a bound held;
a *storage* error is the disk's. ``code`` is stable, is the same in Python and JavaScript, and is what the page translates
into plain words.

Invariants: only these classes cross the border of the package; ``code`` is the class name. Kernel status numbers map to
classes through ``STATUS_ERRORS`` and nothing else.
"""

from __future__ import annotations

from typing import ClassVar


class InosError(Exception):
    """Base of all. ``penalty`` is what a peer loses for causing it (0: nobody's fault, or not the peer's)."""

    penalty: ClassVar[int] = 0

    @property
    def code(self) -> str:
        """The stable name of the error, the same in Python and in JavaScript."""
        return type(self).__name__


# --- local: the caller broke the contract, or asked for what is not there --------------------------------------------


class LocalError(InosError):
    """The caller's mistake."""


class NotFound(LocalError):
    """No such root, file or block here."""


class BadLink(LocalError):
    """A link that is cut, mistyped or of an unknown kind."""


class BadArgument(LocalError):
    """An argument outside its domain."""


class Cancelled(LocalError):
    """The task was cancelled before it finished."""


class NotReady(LocalError):
    """The node is starting, or is shutting down."""


class Unsupported(LocalError):
    """This browser lacks what was asked for."""


class WorkerFailed(LocalError):
    """A Python worker ended with an error of its own, in the words of its traceback, or did not start or end as it should."""


class Fenced(LocalError):
    """This end of a ring has a new owner: whoever held it was given up for dead, and must stop."""


# --- remote: a peer's misbehaviour or absence ------------------------------------------------------------------------


class RemoteError(InosError):
    """A peer's doing."""


class ProtocolViolation(RemoteError):
    """A message that the protocol does not allow here."""

    penalty = 50


class AuthRefused(RemoteError):
    """The handshake failed: wrong room, wrong key, or a fingerprint that is not the one this channel has."""

    penalty = 100


class PeerGone(RemoteError):
    """The channel closed."""


class PeerStalled(RemoteError):
    """The peer is connected but delivers nothing."""

    penalty = 10


class NoPeers(RemoteError):
    """Nobody who is online holds the bytes."""


class LinkRevoked(RemoteError):
    """Whoever made the link withdrew it."""


# --- corrupt: bytes that are not what they must be -------------------------------------------------------------------


class CorruptError(InosError):
    """Bytes that are not what they must be."""


class Truncated(CorruptError):
    """Fewer bytes than the smallest valid form."""

    penalty = 10


class BadMagic(CorruptError):
    """Not one of ours."""

    penalty = 10


class UnsupportedVersion(CorruptError):
    """A layout of a later version."""


class UnsupportedSuite(CorruptError):
    """Algorithms of a later version."""


class MalformedHeader(CorruptError):
    """Header fields that contradict each other or the length."""

    penalty = 10


class IdMismatch(CorruptError):
    """The bytes do not hash to the id they were asked by: proof of misbehaviour, or of bit rot."""

    penalty = 50


class AuthFailed(CorruptError):
    """The tag does not verify: wrong key, wrong kind, or changed bytes."""


class MalformedInner(CorruptError):
    """Inner header or padding is not canonical."""


class CodecError(CorruptError):
    """Unknown codec, broken stream, or another length than promised."""


class ContentMismatch(CorruptError):
    """The plaintext does not hash to what its manifest says."""


class ManifestMalformed(CorruptError):
    """Not deterministic CBOR, or not a manifest."""


class ManifestInconsistent(CorruptError):
    """A manifest whose numbers contradict each other."""


class BadName(CorruptError):
    """A file name that no file should have."""


class UnsupportedFeature(CorruptError):
    """A critical extension of a later version."""


class HeadMalformed(CorruptError):
    """Not a head of a line, not signed by whom it names, or of another line."""

    penalty = 10


class RollbackDetected(CorruptError):
    """A history that ends before a head that is known, or lacks one."""

    penalty = 50


class ForkDetected(CorruptError):
    """Two heads of one line in the same place: two histories of one file."""

    penalty = 50


class LogDamaged(CorruptError):
    """The vault's log has records that do not verify and valid ones after them."""


class RingDamaged(CorruptError):
    """Counters or headers in the shared memory that no working thread leaves behind."""


# --- limits ----------------------------------------------------------------------------------------------------------


class LimitError(InosError):
    """A bound of ``inos.limits`` held."""


class LimitExceeded(LimitError):
    """A declared size is beyond what is allowed; raised before anything is allocated or decoded."""

    penalty = 10


class ArenaFull(LimitError):
    """No shared memory left for now: wait for work in flight and try again."""


class Busy(LimitError):
    """A bounded queue is full."""


# --- storage ---------------------------------------------------------------------------------------------------------


class StorageError(InosError):
    """The disk's doing."""


class StorageFull(StorageError):
    """The browser or the disk gives no more room."""


class StorageLost(StorageError):
    """A file or its handle went away under us."""


class StorageBusy(StorageError):
    """The vault is open in another tab."""


class StorageDenied(StorageError):
    """The browser gives this page no storage (a private window, a policy)."""


class VaultLocked(StorageError):
    """The vault secret cannot be unwrapped with the keys this browser has."""


class UnlockNeeded(VaultLocked):
    """Somebody has to give the vault's passphrase or passkey."""


class WrongPassphrase(VaultLocked):
    """This passphrase opens none of the vault's slots; nothing was changed."""


class WrongPasskey(VaultLocked):
    """This passkey opens none of the vault's slots; nothing was changed."""


def error_codes() -> dict[str, type[InosError]]:
    """All codes and their classes, walked from the tree; used by the adapters and by the page's words test."""
    found: dict[str, type[InosError]] = {}
    todo: list[type[InosError]] = [InosError]
    while todo:
        cls = todo.pop()
        found[cls.__name__] = cls
        todo.extend(cls.__subclasses__())
    return found


# What a kernel job returns in its status word: 0 is success, these are the failures. ``inos.memory.layout`` exports the
# same numbers to Zig and JavaScript.
STATUS_ERRORS: dict[int, type[InosError]] = {
    -1: BadArgument,
    -2: ArenaFull,
    -3: Truncated,
    -4: BadMagic,
    -5: UnsupportedVersion,
    -6: UnsupportedSuite,
    -7: MalformedHeader,
    -8: LimitExceeded,
    -9: IdMismatch,
    -10: AuthFailed,
    -11: MalformedInner,
    -12: CodecError,
    -13: ContentMismatch,
    -14: StorageFull,
    -15: StorageLost,
    -16: StorageBusy,
    -17: StorageDenied,
    -18: NotFound,
    -19: Cancelled,
}
STATUS_OF: dict[type[InosError], int] = {error: status for status, error in STATUS_ERRORS.items()}
