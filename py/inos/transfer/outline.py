"""From a manifest to the blocks below it.

Nouns: an *outliner* is made from the vault's decoder and its check of a child against its parent, since transfer must not
import the vault. Invariants: a manifest below another is checked against what that one said of it before anything it names
is fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from inos.transfer.needs import Outline, Outliner, Step


class RefLike(Protocol):
    """A reference: one block below a manifest."""

    @property
    def bid(self) -> bytes:
        """Its name."""

    @property
    def secret(self) -> bytes:
        """What opens it."""

    @property
    def block_len(self) -> int:
        """How long it is."""

    @property
    def covers(self) -> int:
        """Bytes of content below it."""


class ManifestLike(Protocol):
    """A manifest of a file or a folder."""

    @property
    def level(self) -> int:
        """0: the references are to chunks; else to manifests."""

    @property
    def total_len(self) -> int:
        """Bytes of content."""

    @property
    def refs(self) -> Iterable[RefLike]:
        """What is below."""

    @property
    def entries(self) -> Sequence[Any]:
        """Of a folder: files and folders, each with a reference to a manifest (``ref``) or None."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What a manifest said of one of the manifests below it: by a reference of its own, or by an entry."""

    parent: Any
    said: Any


def outliner(
    decode: Callable[[bytes], ManifestLike],
    check_child: Callable[[Any, Any, Any], None],
    check_entry: Callable[[Any, Any], None],
) -> Outliner:
    """Reads manifests by ``decode``; ``check_child(parent, ref, child)``, ``check_entry(entry, child)``.

    All raise CorruptError classes.
    """

    def outline(raw: bytes, step: Step) -> Outline:
        manifest = decode(raw)
        if isinstance(step.context, Promise):
            if step.context.parent is None:
                check_entry(step.context.said, manifest)
            else:
                check_child(step.context.parent, step.context.said, manifest)
        depth = step.depth + 1
        steps, at = [], step.at
        for place, ref in enumerate(manifest.refs):
            is_part = manifest.level > 0
            promise = Promise(manifest, ref) if is_part else None
            steps.append(
                Step(ref.bid, ref.secret, ref.block_len, is_part, depth, promise, at, ref.covers, step.bid, place)
            )
            at += ref.covers
        for entry in manifest.entries:
            ref = entry.ref
            if ref is not None:
                below = Promise(None, entry)
                steps.append(Step(ref.bid, ref.secret, ref.block_len, is_manifest=True, depth=depth, context=below))
        return Outline(steps, manifest.total_len, len(manifest.entries))

    return outline
