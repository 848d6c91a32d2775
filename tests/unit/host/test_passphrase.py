"""Passphrases on the host: known answers, wrapping, and what may be asked."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from inos.errors import BadArgument, VaultLocked
from inos.ports import HashSpan, Span, Stretch, UnwrapWith, WrapWith
from inos_host.passphrase import HostPassphrase

KEY, NONCE = bytes(range(32)), bytes(range(12))


def test_the_vector_of_rfc_9106():
    """Section 5.3. The effect has neither secret nor associated data, so it is asked of the library beneath."""
    argon = Argon2id(salt=b"\2" * 16, length=32, iterations=3, lanes=4, memory_cost=32, ad=b"\4" * 12, secret=b"\3" * 8)
    tag = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
    assert argon.derive(b"\1" * 32).hex() == tag


@pytest.mark.parametrize(
    ("job", "key"),
    [
        # The reference implementation's own tests (phc-winner-argon2, test.c, version 0x13), and one of two lanes.
        (Stretch(b"password", b"somesalt", 256, 2, 1), "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"),
        (Stretch(b"password", b"somesalt", 256, 2, 2), "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"),
        (Stretch(b"differentpassword", b"somesalt", 1 << 16, 2, 1),
         "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde"),
        (Stretch(b"password", b"diffsalt", 65536, 2, 1), "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c"),
    ],
)  # fmt: skip
def test_known_answers(job, key):
    assert HostPassphrase().perform(job).hex() == key


def test_wrap_and_unwrap():
    host = HostPassphrase()
    wrapped = host.perform(WrapWith(KEY, NONCE, b"s" * 32, b"aad"))
    assert wrapped[:12] == NONCE
    assert len(wrapped) == 12 + 32 + 16
    assert host.perform(UnwrapWith(KEY, wrapped, b"aad")) == b"s" * 32
    for key, broken, aad in (
        (KEY, wrapped, b"other"), (KEY, wrapped[:-1], b"aad"), (KEY, b"", b"aad"), (bytes(32), wrapped, b"aad"),
    ):  # fmt: skip
        with pytest.raises(VaultLocked):
            host.perform(UnwrapWith(key, broken, aad))


def test_other_effects_are_refused():
    with pytest.raises(BadArgument):
        HostPassphrase().perform(HashSpan(Span(64, 1)))
