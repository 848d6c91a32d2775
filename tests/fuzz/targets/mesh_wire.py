"""What nodes of a mesh say: every decoder of it, down to what messages carry packed, and what is kept of a mesh on the disk."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.fuzz.spoken import mutate_message

from inos.errors import InosError
from inos.membership.view import check_link_list
from inos.wire import custody, gossip, membership, requests, routes
from inos.wire import messages as m
from inos.wire.kept import Kept, decode_kept, encode_kept

_IN_ROUTES = (
    requests.Question,
    requests.Found,
    requests.Delivered,
    requests.Contacts,
    requests.Provider,
    requests.SignedProvider,
)
_ID, _NONCE = bytes(range(32)), bytes(range(16))


def run(data: bytes) -> None:
    """See Target."""
    refused: InosError | None = None
    for decode, encode in _coders():
        try:
            made = decode(data)
        except InosError as error:
            refused = error
            continue
        assert decode(encode(made)) == made
        _unpack(made)
        return
    assert refused is not None
    raise refused


def _coders() -> Iterator[tuple[Callable[[bytes], Any], Callable[[Any], bytes]]]:
    yield m.decode_control, m.encode
    yield gossip.decode_rumor, gossip.encode_rumor
    yield decode_kept, encode_kept
    for kind in _IN_ROUTES:
        yield (lambda data, kind=kind: requests.decode(kind, data)), requests.encode
    yield (lambda data: membership.decode_contact(data)[0]), membership.encode_contact


def _unpack(made: Any) -> None:
    """What is packed inside is taken apart as its reader does."""
    match made:
        case membership.Peers():
            check_link_list(made.links)
        case gossip.IHave() | gossip.Graft() | gossip.DontWant() | gossip.Recent() | gossip.Pull():
            gossip.split_ids(made.ids)
        case gossip.Push():
            gossip.decode_rumor(made.rumor)
        case custody.Keep():
            assert custody.pack_rows(custody.rows_of(made.rows)) == made.rows
            custody.ids_of(made.holders)
        case custody.Kept() | custody.Release() | custody.Renew() | custody.Dropped():
            custody.ids_of(made.bundles)
        case custody.Holders():
            custody.ids_of(made.holders)
            custody.ids_of(made.coming)


def mutate(data: bytes, rng: random.Random) -> bytes:
    """See Target."""
    return mutate_message(data, rng)


def seeds() -> Iterator[bytes]:
    """See Target."""
    contact = membership.Contact(_ID, _NONCE, _ID, 1 << 41, 1)
    signed = membership.encode_contact(membership.SignedContact(membership.encode_contact(contact), bytes(64)))
    rumor = gossip.Rumor(_NONCE, _ID, _NONCE, 1 << 41, b"body")
    provider = requests.Provider(_ID, signed, 1, 1 << 41, 0)
    yield from map(
        m.encode,
        (
            membership.Introduce(signed), membership.Peers(bytes(8) + b"\1" * 8), membership.Condition(1, 2),
            membership.Probe(1, _ID), membership.Probed(1, 20), membership.Accuse(_ID, 1), membership.Refute(_ID, 1),
            membership.Shuffle(3, [signed]), membership.Shuffled([signed, signed]),
            routes.Route(_NONCE, 1, 16, 0, _ID, b"", bytes(16), b"body"), routes.Took(_NONCE),
            routes.Answered(_NONCE, b"body"), routes.DeadEnd(_NONCE),
            gossip.Push(1, gossip.encode_rumor(rumor), bytes(64)), gossip.IHave(_NONCE, b"\1"),
            gossip.Graft(_NONCE, b""), gossip.Prune(_NONCE), gossip.DontWant(_NONCE, b"\1"), gossip.Recent(_NONCE),
            gossip.Pull(_NONCE), gossip.Sync([gossip.Range(b"\7", data=_NONCE, listed=False)]),
            custody.Keep(_ID, _ID, _ID, 0, 1, custody.pack_rows([(_ID, 999)]), 600, 3, 1, _ID, b""),
            custody.Taking(_ID), custody.Refused(_ID, 1), custody.Kept(_ID), custody.Release(_ID),
            custody.Renew(_ID, 60), custody.Holders(_ID, 2, 3, _ID, b""), custody.Audit(7, _ID, 0),
            custody.Slice(7, bytes(1_024), _ID), custody.Handing(_ID, 0), custody.Handed(_ID, ok=True), custody.Dropped(_ID),
        ),
    )  # fmt: skip
    bodies = (
        requests.Question(_ID), requests.Found(bytes(16), signed, [signed], []), requests.Delivered(signed, b"payload"),
        requests.Contacts([signed]), provider, requests.SignedProvider(requests.encode(provider), bytes(64)),
    )  # fmt: skip
    yield from map(requests.encode, bodies)
    yield gossip.encode_rumor(rumor)
    yield signed
    yield encode_kept(Kept(_ID, [signed]))
