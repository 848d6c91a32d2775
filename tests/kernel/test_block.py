"""SEAL and OPEN jobs beside the readable block of ``inos.vault.block``: same bytes, same refusals, nothing left behind.

Nouns: a *forged* block is sealed properly (its tag verifies) around an inner header or padding that is wrong.
"""

from __future__ import annotations

import json
import struct

import brotli
import pytest
from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from inos.limits import BLOCK_BYTES_MAX, RAW_BYTES_MAX
from inos.memory import layout

SECRET = bytes(range(32))
STATUS = layout.STATUS
PREFIX = layout.CONTEXT_PREFIX
KINDS = {1: "chunk", 2: "manifest", 3: "index"}


def derive(purpose, material, length=32):
    return blake3(material, derive_key_context=PREFIX + purpose).digest(length=length)


def keyed(key, data):
    return blake3(data, key=key).digest()


def padme(length):
    exponent = length.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask


def forge(body, kind=1, **header):
    """A block around any body, with every key as it should be."""
    block_len = header.get("block_len", 48 + len(body) + 16)
    head = struct.pack("<4sBBHII", b"INOB", 1, 1, 0, block_len, 0)
    salt = header.get("salt") or keyed(derive(f"block siv {KINDS[kind]}", SECRET), head + body)
    secret = keyed(derive(f"block enc {KINDS[kind]}", SECRET), salt)
    key = derive("block aead", secret, 44)
    return head + salt + ChaCha20Poly1305(key[:32]).encrypt(key[32:], body, head + salt + bytes([kind]))


def body_of(payload, raw_len, kind=1, codec=0, quality=0, flags=0, enc_len=None, zero=0, padding=None):
    enc_len = len(payload) if enc_len is None else enc_len
    inner = struct.pack("<BBBBIII", kind, codec, quality, flags, raw_len, enc_len, zero) + payload
    return inner + (bytes(padme(len(inner)) - len(inner)) if padding is None else padding)


class Jobs:
    """SEAL and OPEN through descriptors, on one kernel."""

    def __init__(self, kernel):
        self.kernel = kernel
        kernel.write(kernel.desk, SECRET)
        kernel.call("keys_derive", kernel.desk, kernel.slot)
        self.args = kernel.desk + 64
        self.src = kernel.desk + 4096

    def describe(self, op, *, src, src_len, flags=0, keys=None, args=(), dst=0, cap=0):
        words = [0] * 16
        words[:8] = [op, flags, src, src_len, dst, cap, self.kernel.slot if keys is None else keys, self.kernel.result]
        words[8 : 8 + len(args)] = args
        return struct.pack("<16I", *words)

    def run(self, descriptor):
        """Status, value and the 256 bytes of the result."""
        program = self.kernel.program()
        program.write(self.kernel.job, descriptor)
        program.fill(self.kernel.result, 256, 0xA5)
        program.call("job_run", self.kernel.job)
        program.read(self.kernel.job + 4 * 13, 8)
        program.read(self.kernel.result, 256)
        status, words, result = program.run()
        assert struct.unpack("<iI", words)[0] == status
        return status, struct.unpack("<iI", words)[1], result

    def take(self, result):
        """The bytes a result names; they are released."""
        offset, length = struct.unpack_from("<II", result)
        data = self.kernel.read(offset, length)
        assert self.kernel.call("arena_release", offset) == 0
        return data

    def seal(self, raw, kind=1, quality=0, flags=0, alignment=0):
        self.kernel.write(self.src + alignment, raw)
        descriptor = self.describe(3, src=self.src + alignment, src_len=len(raw), flags=flags, args=(kind, quality))
        status, value, result = self.run(descriptor)
        assert status == 0
        block = self.take(result)
        assert value == len(block)
        return block, result

    def open(
        self, block, kind=1, *, secret=None, bid=None, h=None, cap=RAW_BYTES_MAX, keys=None, verify=False, alignment=0
    ):
        flags = (secret is not None) | (bid is not None) << 1 | (h is not None) << 2 | verify << 3
        self.kernel.write(self.args, b"".join(part or bytes(32) for part in (secret, bid, h)))
        self.kernel.write(self.src + alignment, block)
        used = self.kernel.call("arena_used")
        descriptor = self.describe(
            4, src=self.src + alignment, src_len=len(block), flags=flags, keys=keys, args=(kind, self.args, cap)
        )
        status, value, result = self.run(descriptor)
        if status != 0:
            assert self.kernel.call("arena_used") == used
            assert result == bytes(256), "a failed job left something in its result"
            return status, b""
        assert value == struct.unpack_from("<I", result, layout.RESULT_FIELDS["RAW_LEN"])[0]
        if verify:
            assert struct.unpack_from("<I", result)[0] == 0
            assert self.kernel.call("arena_used") == used
            return status, b""
        raw = self.take(result)
        assert self.kernel.call("arena_used") == used
        return status, raw


@pytest.fixture
def jobs(kernel):
    return Jobs(kernel)


def field(result, name, length=32):
    return result[layout.RESULT_FIELDS[name] :][:length]


def test_key_slot(kernel, jobs):
    fields = layout.KEY_SLOT_FIELDS
    slot = kernel.read(kernel.slot, 4096)
    expected = {"ID": derive("chunk id", SECRET), "CDC": derive("chunker", SECRET), "LOC": derive("locator", SECRET)}
    for name, key in expected.items():
        assert slot[fields[name] :][:32] == key
    for kind, name in KINDS.items():
        assert slot[fields["SIV"] + 32 * (kind - 1) :][:32] == derive(f"block siv {name}", SECRET)
        assert slot[fields["ENC"] + 32 * (kind - 1) :][:32] == derive(f"block enc {name}", SECRET)
    assert slot[fields["GEAR"] :][:2048] == derive("chunker", SECRET, 2048)


def test_raw_blocks_beside_the_readable_form(jobs, lengths):
    """500 blocks stored raw: every byte and every name; opened again by owner and by reader."""
    for number in range(500):
        length = number if number < 140 else lengths.length(RAW_BYTES_MAX)
        raw, kind = lengths.bytes(length), 1 + number % 3
        block, result = jobs.seal(raw, kind, alignment=lengths.alignment())
        expected = forge(body_of(raw, length, kind), kind)
        assert block == expected
        assert field(result, "BID") == blake3(block).digest()
        assert field(result, "SALT") == block[16:48]
        assert field(result, "H") == blake3(raw).digest()
        assert field(result, "CID") == keyed(derive("chunk id", SECRET), blake3(raw).digest())
        secret = field(result, "SECRET")
        assert secret == keyed(derive(f"block enc {KINDS[kind]}", SECRET), block[16:48])
        assert struct.unpack_from("<II", result, 8) == (length, length)
        assert result[16:19] == bytes([0, 0, kind])
        assert jobs.open(block, kind, alignment=lengths.alignment()) == (0, raw)
        names = {"secret": secret, "bid": field(result, "BID"), "h": field(result, "H")}
        assert jobs.open(block, kind, **names, keys=0) == (0, raw)


def test_compressed_blocks(jobs, lengths):
    """300 blocks of text at all qualities: the payload is a Brotli stream, the rest as the readable form has it."""
    words = [lengths.bytes(lengths.random.randrange(1, 9)) for _ in range(300)]
    for number in range(300):
        raw = b" ".join(lengths.random.choices(words, k=lengths.random.randrange(1, 3_000)))
        quality = number % 12 if len(raw) < 4_000 else number % 8
        block, result = jobs.seal(raw, quality=quality, flags=layout.SEAL_NO_IDS)
        codec, enc_len = result[16], struct.unpack_from("<I", result, 12)[0]
        assert field(result, "H") == bytes(32)
        assert (codec == 1) == (enc_len < len(raw)) or quality == 0
        assert jobs.open(block) == (0, raw)
        key = derive("block aead", field(result, "SECRET"), 44)
        body = ChaCha20Poly1305(key[:32]).decrypt(key[32:], block[48:], block[:48] + b"\1")
        payload = body[16 : 16 + enc_len]
        assert body == body_of(payload, len(raw), codec=codec, quality=quality if codec else 0)
        assert (brotli.decompress(payload) if codec else payload) == raw
        assert jobs.seal(raw, quality=quality)[0] == block, "sealing is not repeatable"


def test_largest_block(jobs, lengths):
    raw = lengths.bytes(RAW_BYTES_MAX)
    block, _ = jobs.seal(raw, quality=6)
    assert len(block) <= BLOCK_BYTES_MAX
    assert jobs.open(block) == (0, raw)
    kernel = jobs.kernel
    kernel.write(jobs.src, raw + b"x")
    status, _, _ = jobs.run(jobs.describe(3, src=jobs.src, src_len=len(raw) + 1, args=(1, 0)))
    assert status == STATUS["LimitExceeded"]


def test_every_bit_and_every_truncation(jobs):
    """Of a small Brotli block: 0 accepted, each with a status of its own."""
    raw = b"some text that is compressed, some text that is not. " * 4
    block, result = jobs.seal(raw, quality=6)
    assert result[16] == 1
    outer = {"BadMagic", "UnsupportedVersion", "UnsupportedSuite", "MalformedHeader", "LimitExceeded"}
    for bit in range(8 * len(block)):
        bad = bytearray(block)
        bad[bit // 8] ^= 1 << bit % 8
        allowed = {STATUS[name] for name in outer} if bit < 128 else {STATUS["AuthFailed"]}
        assert jobs.open(bytes(bad))[0] in allowed, bit
        if bit >= 128 and bit % 8 == 0:
            assert jobs.open(bytes(bad), bid=field(result, "BID"))[0] == STATUS["IdMismatch"]
            assert jobs.open(bytes(bad), secret=field(result, "SECRET"))[0] == STATUS["AuthFailed"]
    for length in range(len(block)):
        expected = STATUS["Truncated"] if length < 80 else STATUS["MalformedHeader"]
        assert jobs.open(block[:length])[0] == expected
    assert jobs.open(block + b"\0")[0] == STATUS["MalformedHeader"]


def test_wrong_secret_kind_and_hash(jobs):
    raw = b"abc" * 100
    block, result = jobs.seal(raw, quality=6)
    secret, bid, h = (field(result, name) for name in ("SECRET", "BID", "H"))
    assert jobs.open(block, secret=bytes(32))[0] == STATUS["AuthFailed"]
    assert jobs.open(block, kind=2)[0] == STATUS["AuthFailed"]
    assert jobs.open(block, kind=2, secret=secret)[0] == STATUS["AuthFailed"]
    assert jobs.open(block, secret=secret, h=bytes(32))[0] == STATUS["ContentMismatch"]
    assert jobs.open(block, secret=secret, bid=bytes(32), h=bytes(32))[0] == STATUS["IdMismatch"]
    assert jobs.open(block, secret=secret, bid=bid, h=h, verify=True) == (0, b"")
    assert jobs.open(block, cap=len(raw)) == (0, raw)
    assert jobs.open(block, cap=len(raw) - 1)[0] == STATUS["LimitExceeded"]


def test_forged_blocks(jobs):
    """Blocks that verify but were made by somebody who does not keep the rules."""
    raw = b"forty-two bytes of plaintext, near enough."
    stream = brotli.compress(raw)
    assert jobs.open(forge(body_of(raw, len(raw)))) == (0, raw)
    assert jobs.open(forge(body_of(stream, len(raw), codec=1, quality=11))) == (0, raw)
    malformed = [
        body_of(raw, len(raw), kind=2),
        body_of(raw, len(raw), flags=1),
        body_of(raw, len(raw), zero=1),
        body_of(raw, len(raw), padding=b""),
        body_of(raw, len(raw), padding=bytes(padme(58) - 58 + 8)),
        body_of(raw, len(raw), padding=b"\1" + bytes(padme(58) - 59)),
        body_of(raw, len(raw), padding=bytes(padme(58) - 59) + b"\1"),
        body_of(raw, len(raw), enc_len=0xFFFFFFFF),
        body_of(raw, len(raw), enc_len=0xFFFFFFF0),
        body_of(raw, len(raw), enc_len=1),
    ]
    for number, body in enumerate(malformed):
        assert jobs.open(forge(body))[0] == STATUS["MalformedInner"], number
    codec = [
        body_of(raw, len(raw), codec=2),
        body_of(raw, len(raw) + 1),
        body_of(raw, 0),
        body_of(raw, len(raw), codec=1),
        body_of(stream, len(raw) + 1, codec=1),
        body_of(stream, len(raw) - 1, codec=1),
        body_of(stream, 0, codec=1),
        body_of(stream[:-1], len(raw), codec=1),
        body_of(stream + b"\0", len(raw), codec=1),
        body_of(b"", len(raw), codec=1),
        body_of(brotli.compress(bytes(16 << 20)), 1000, codec=1),
    ]
    for number, body in enumerate(codec):
        assert jobs.open(forge(body))[0] == STATUS["CodecError"], number
    for raw_len in (RAW_BYTES_MAX + 1, 0xFFFFFFFF):
        assert jobs.open(forge(body_of(stream, raw_len, codec=1)))[0] == STATUS["LimitExceeded"]
    # The owner also sees a salt that was not made from these bytes; a reader relies on h.
    odd = forge(body_of(raw, len(raw)), salt=bytes(32))
    assert jobs.open(odd)[0] == STATUS["AuthFailed"]
    assert jobs.open(odd, secret=keyed(derive("block enc chunk", SECRET), bytes(32))) == (0, raw)


def test_header_statuses(jobs):
    block, _ = jobs.seal(b"x" * 100)

    def with_byte(offset, value):
        return block[:offset] + bytes([value]) + block[offset + 1 :]

    assert jobs.open(with_byte(0, 0))[0] == STATUS["BadMagic"]
    assert jobs.open(with_byte(4, 2))[0] == STATUS["UnsupportedVersion"]
    assert jobs.open(with_byte(5, 2))[0] == STATUS["UnsupportedSuite"]
    for offset in (6, 7, 12, 15):
        assert jobs.open(with_byte(offset, 1))[0] == STATUS["MalformedHeader"]
    assert jobs.open(with_byte(11, 1))[0] == STATUS["LimitExceeded"]
    assert jobs.open(with_byte(8, 1))[0] == STATUS["MalformedHeader"]
    assert jobs.open(b"")[0] == STATUS["Truncated"]


def test_known_answers(jobs, shared):
    folder = shared / "vectors" / "inos_block_v1"
    if not folder.is_dir():
        pytest.skip("vectors/inos_block_v1 is not beside the checkout ($INOS_SHARED)")
    known = json.loads((folder / "kat.json").read_text())
    assert known["vrs"] == SECRET.hex()
    for case in known["cases"]:
        if case["codec"] == 1:
            raw = (shared / "vectors" / case["raw"]).read_bytes()
            payload = (shared / "vectors" / case["payload"]).read_bytes()
            block = forge(body_of(payload, len(raw), case["kind"], 1, case["quality"]), case["kind"])
        else:
            raw = bytes(i % 251 for i in range(case["raw_len"]))
            block, result = jobs.seal(raw, case["kind"])
            assert field(result, "SECRET").hex() == case["secret"]
        assert blake3(block).hexdigest() == case["bid"]
        assert block[16:48].hex() == case["salt"]
        assert len(block) == case["block_len"]
        assert case["block"] in {None, block.hex()}
        names = {"secret": bytes.fromhex(case["secret"]), "bid": bytes.fromhex(case["bid"])}
        assert jobs.open(block, case["kind"], **names) == (0, raw)
