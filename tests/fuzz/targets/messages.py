"""What peers say: control messages, signals, signed signals."""

from __future__ import annotations

from collections.abc import Iterator

from inos.errors import ProtocolViolation
from inos.wire import messages as m
from inos.wire.fields import NOBODY

DECODERS = (m.decode_control, m.decode_signal, m.decode_signed)


def run(data: bytes) -> None:
    """See Target."""
    refused = None
    for decode in DECODERS:
        try:
            message = decode(data)
        except ProtocolViolation as error:
            refused = error
        else:
            assert decode(m.encode(message)) == message
            return
    assert refused is not None
    raise refused


def seeds() -> Iterator[bytes]:
    """See Target."""
    id32, id16 = bytes(range(32)), bytes(range(16))
    signals = (
        m.Announce(id32, id16, NOBODY, 1 << 41, id16, wants=True),
        m.Offer(id32, id16, id16, 1 << 41, id16, "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\n"),
        m.Answer(id32, id16, id16, 0, id16, id16, "v=0\r\n"),
    )
    controls = (
        m.Hello(id32, id32, id16, 0, 65_536), m.Auth(bytes(64), id32), m.RoomProof(id32, id32), m.Bye("Cancelled"),
        m.Want(1, id32), m.Missing(2), m.Cancel((1 << 32) - 1), m.Have(id32),
        m.AskGrant(id32), m.Grant(id32, bytes(200)), m.Revoked(id32),
    )  # fmt: skip
    yield from map(m.encode, (*controls, *signals))
    yield from (m.encode(m.Signed(m.encode(signal), bytes(64))) for signal in signals)
