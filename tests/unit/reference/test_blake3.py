"""BLAKE3 in Python against the official vectors."""

from __future__ import annotations

import pytest

from inos.errors import BadArgument
from inos.reference.blake3 import Blake3, ReferenceHashes, blake3, derive_key, keyed_hash

KEY = b"whats the Elvish word for friend"
CONTEXT = "BLAKE3 2019-12-27 16:29:52 test vectors context"
# input length, then the three modes' first 32 bytes
EMBEDDED = (
    (
        0,
        "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
        "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26",
        "2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d",
    ),
    (
        1025,
        "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
        "357dc55de0c7e382c900fd6e320acc04146be01db6a8ce7210b7189bd664ea69",
        "effaa245f065fbf82ac186839a249707c3bddf6d3fdda22d1b95a3c970379bcb",
    ),
    (
        2049,
        (
            "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b687952256303096de31d71d74103403822a2e0bc1eb193e7aecc9643a76b7"
            "bbc0c9f9c52e8783aae98764ca468962b5c2ec92f0c74eb5448d519713e09413719431c802f948dd5d90425a4ecdadece9eb178d80f26efcca"
            "e630734dff63340285adec2aed3b51073ad3"
        ),
        "9f29700902f7c86e514ddc4df1e3049f258b2472b6dd5267f61bf13983b78dd5",
        "2ea477c5515cc3dd606512ee72bb3e0e758cfae7232826f35fb98ca1bcbdf273",
    ),
)
LENGTH_MAX = 32_000  # beyond this, plain Python takes seconds and shows nothing new


def pattern(length):
    return bytes(i % 251 for i in range(length))


def test_known_answers(vectors):
    cases = list(EMBEDDED)
    if found := vectors("blake3/test_vectors.json"):
        cases += [(c["input_len"], c["hash"], c["keyed_hash"], c["derive_key"]) for c in found["cases"]]
    for length, plain, keyed, derived in cases:
        if length <= LENGTH_MAX:
            data = pattern(length)
            assert blake3(data, len(plain) // 2).hex() == plain
            assert keyed_hash(KEY, data, len(keyed) // 2).hex() == keyed
            assert derive_key(CONTEXT, data, len(derived) // 2).hex() == derived


@pytest.mark.parametrize("step", [1, 63, 64, 65, 1023, 1024, 1025, 3000])
def test_pieces_give_what_the_whole_gives(step):
    data = pattern(5000)
    hasher = Blake3()
    for at in range(0, len(data), step):
        hasher.update(data[at : at + step])
    assert hasher.digest() == hasher.digest() == blake3(data)


def test_the_objects_of_the_port():
    hashes = ReferenceHashes()
    assert hashes.hash(b"x") == blake3(b"x")
    assert hashes.keyed(KEY, b"x") == keyed_hash(KEY, b"x")
    assert hashes.derive(CONTEXT, b"x", 44) == derive_key(CONTEXT, b"x", 44)


def test_bad_keys_are_refused():
    with pytest.raises(BadArgument):
        Blake3(key=b"short")
    with pytest.raises(BadArgument):
        Blake3(key=KEY, context=CONTEXT)
