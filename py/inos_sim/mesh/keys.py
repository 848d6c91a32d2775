"""Device keys of simulated nodes, and who may speak for them.

Nouns: the *notary* answers Sign and Verify for all nodes of a world. Up to REAL_KEYS_MAX nodes it signs with Ed25519
(``inos_host.keyring``) and remembers what it verified, since many verify the same contact. Above, a signature is a keyed hash
under a secret that only the notary has: no code of the simulation can make one but by the number of its own device, so it is as
unforgeable as Ed25519 is outside, and costs a hundredth.

Invariants: a signature holds for one key and one text only; all of them pass ``ed25519_strict.precheck``. Must not know: what
is signed.
"""

from __future__ import annotations

import hashlib

from inos.ports import DevicePublicKey, Sign
from inos_host.keyring import HostKeyring, verify
from inos_sim.kernels import SeededEntropy

REAL_KEYS_MAX = 2_000
ANSWERS_MAX = 1 << 16


class Notary:
    """Signs for every node, each by its own key."""

    def __init__(self, seed: int, *, real: bool) -> None:
        self.real = real
        self._entropy = SeededEntropy(seed)
        self._secret = self._entropy.random(32)
        self._keyrings: list[HostKeyring] = []
        self._public: list[bytes] = []
        self._known: set[bytes] = set()
        self._answers: dict[tuple[bytes, bytes, bytes], bool] = {}

    def enrol(self) -> bytes:
        """A new device: its public key. Devices are numbered in the order of their enrolment."""
        if self.real:
            keyring = HostKeyring(entropy=self._entropy)
            self._keyrings.append(keyring)
            public = keyring.perform(DevicePublicKey())
            assert isinstance(public, bytes)
        else:
            public = self._model(len(self._public).to_bytes(8, "big"))[:32]
        self._public.append(public)
        self._known.add(public)
        return public

    def sign(self, device: int, data: bytes) -> bytes:
        """By this device's key, 64 bytes."""
        if not self.real:
            return self._model(self._public[device] + data)
        signature = self._keyrings[device].perform(Sign(data))
        assert isinstance(signature, bytes)
        return signature

    def verify(self, public_key: bytes, signature: bytes, data: bytes) -> bool:
        """Whether it is that key's signature over the data."""
        if not self.real:
            return public_key in self._known and signature == self._model(public_key + data)
        question = (public_key, signature, data)
        answer = self._answers.get(question)
        if answer is None:
            if len(self._answers) >= ANSWERS_MAX:
                self._answers.clear()
            answer = self._answers[question] = verify(public_key, signature, data)
        return answer

    def _model(self, text: bytes) -> bytes:
        digest = bytearray(hashlib.blake2b(text, key=self._secret).digest())
        digest[31] &= 0x7F  # a y below the field's order, and a number below the group's
        digest[63] &= 0x0F
        return bytes(digest)
