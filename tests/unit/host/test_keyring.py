"""Device keys on the host: wrapping, signing, the file, and strict verification."""

from __future__ import annotations

import stat

import pytest

from inos.errors import AuthRefused, BadArgument, StorageDenied, VaultLocked
from inos.ports import Agree, BoxKey, DevicePublicKey, HashSpan, Sign, SignHead, Span, UnwrapKey, Verify, WrapKey
from inos_host.keyring import HostKeyring, verify


def test_wrap_and_unwrap():
    ring = HostKeyring()
    wrapped = ring.perform(WrapKey(b"s" * 32, b"aad"))
    assert len(wrapped) == 12 + 32 + 16
    assert wrapped != ring.perform(WrapKey(b"s" * 32, b"aad")), "each has a nonce of its own"
    assert ring.perform(UnwrapKey(wrapped, b"aad")) == b"s" * 32
    for broken, aad in ((wrapped, b"other"), (wrapped[:-1], b"aad"), (b"", b"aad"), (bytes(60), b"aad")):
        with pytest.raises(VaultLocked):
            ring.perform(UnwrapKey(broken, aad))
    with pytest.raises(VaultLocked):
        HostKeyring().perform(UnwrapKey(wrapped, b"aad"))


def test_sign_and_verify():
    ring = HostKeyring()
    public_key, signature = ring.perform(DevicePublicKey()), ring.perform(Sign(b"data"))
    assert (len(public_key), len(signature)) == (32, 64)
    assert ring.perform(Verify(public_key, signature, b"data"))
    assert not ring.perform(Verify(public_key, signature, b"datA"))
    assert not ring.perform(Verify(HostKeyring().perform(DevicePublicKey()), signature, b"data"))
    assert not ring.perform(Verify(b"", signature, b"data"))


def test_a_seed_signs_as_rfc_8032_says():
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    made = HostKeyring().perform(SignHead(seed, b"r"))
    assert made[:32].hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert made[32:].hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


def test_two_runs_share_a_secret():
    here, there, other = (HostKeyring() for _ in range(3))
    shared = here.perform(Agree(there.perform(BoxKey())))
    assert shared == there.perform(Agree(here.perform(BoxKey())))
    assert len(shared) == 32
    assert shared != here.perform(Agree(other.perform(BoxKey())))


@pytest.mark.parametrize(
    "point",
    [
        bytes(32),
        b"\x01" + bytes(31),
        bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        b"\xec" + b"\xff" * 30 + b"\x7f",
        b"\xed" + b"\xff" * 30 + b"\x7f",
        b"\xee" + b"\xff" * 30 + b"\x7f",
        b"short",
    ],
)
def test_points_of_low_order_are_refused(point):
    with pytest.raises(AuthRefused):
        HostKeyring().perform(Agree(point))


def test_the_file(tmp_path):
    path = tmp_path / "device.key"
    first = HostKeyring(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["device.key"]
    wrapped = first.perform(WrapKey(b"s" * 32, b""))
    again = HostKeyring(path)
    assert again.perform(DevicePublicKey()) == first.perform(DevicePublicKey())
    assert again.perform(UnwrapKey(wrapped, b"")) == b"s" * 32
    path.write_bytes(b"cut")
    with pytest.raises(VaultLocked):
        HostKeyring(path)


def test_files_that_cannot_be(tmp_path):
    for path in (tmp_path / "absent" / "key", tmp_path):
        with pytest.raises(StorageDenied):
            HostKeyring(path)


def test_other_effects_are_refused():
    with pytest.raises(BadArgument):
        HostKeyring().perform(HashSpan(Span(64, 1)))


def test_wycheproof(vectors):
    found = vectors("wycheproof/ed25519_test.json") or {"testGroups": []}
    for group in found["testGroups"]:
        key = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            answer = verify(key, bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
            assert answer is (case["result"] == "valid"), case["tcId"]
    # RFC 8032, 7.1, test 1
    key = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b"
    )
    assert verify(key, signature, b"")
    assert not verify(key, signature, b"\0")
