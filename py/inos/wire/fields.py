"""What several messages are made of: field types with their bounds.

Invariants: every field is bounded, so that decoding a message takes no more memory than the message's own length.
Must not know: messages.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from inos import limits

SESSION_BYTES = 16
NONCE_BYTES = 16
NOBODY = bytes(SESSION_BYTES)  # "to" of a signal meant for everybody in the room
SDP_BYTES_MAX = 12 * limits.KIB  # as text; an SDP with one data channel is about 1 KiB, many candidates make it 4

Id = Annotated[bytes, Meta(min_length=32, max_length=32)]
Session = Annotated[bytes, Meta(min_length=SESSION_BYTES, max_length=SESSION_BYTES)]
Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
U32 = Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]
WallMs = Annotated[int, Meta(ge=0, le=1 << 52)]
Sdp = Annotated[str, Meta(max_length=SDP_BYTES_MAX)]
SignalBytes = Annotated[bytes, Meta(min_length=1, max_length=limits.SIGNAL_BYTES_MAX)]
GrantBytes = Annotated[bytes, Meta(min_length=1, max_length=limits.GRANT_BYTES_MAX)]
Reason = Annotated[str, Meta(max_length=32, pattern=r"^[A-Za-z]*$")]
Prefix = Annotated[
    bytes, Meta(min_length=8, max_length=8)
]  # the first 8 bytes of a peer id, enough to tell links apart
Nonce = Annotated[bytes, Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]
U8 = Annotated[int, Meta(ge=0, le=0xFF)]
