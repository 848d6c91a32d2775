/** The vault's signing key from its seed: RFC 8032's first two answers, and that a signature verifies; X25519 of one run. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Keyring } from "../../web/worker/brain/keyring.js";

/** @param {string} text */
const hex = (text) => Uint8Array.from(Buffer.from(text, "hex"));
/** RFC 8032 section 7.1: secret key, public key, message, signature. */
const ANSWERS = [
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
];

test("a seed signs as RFC 8032 says", async () => {
  const keyring = new Keyring();
  for (const [seed, publicKey, message, signature] of ANSWERS) {
    const made = await keyring.signBy(hex(seed), hex(message));
    assert.equal(Buffer.from(made).toString("hex"), publicKey + signature);
    assert.deepEqual(await keyring.verify(hex(publicKey), hex(signature), hex(message)), Uint8Array.from([1]));
    assert.deepEqual(await keyring.verify(hex(publicKey), hex(signature), hex("00")), Uint8Array.from([0]));
  }
});

test("a seed of another length is refused", async () => {
  await assert.rejects(new Keyring().signBy(new Uint8Array(31), new Uint8Array(1)));
});

test("two runs share a secret, which nobody else does; their keys cannot be taken out", async () => {
  const [here, there, other] = [new Keyring(), new Keyring(), new Keyring()];
  const [a, b, c] = await Promise.all([here.boxKey(), there.boxKey(), other.boxKey()]);
  assert.equal(a.length, 32);
  assert.deepEqual(await here.boxKey(), a, "one key a run");
  const shared = await here.agree(b);
  assert.deepEqual(shared, await there.agree(a));
  assert.notDeepEqual(shared, await here.agree(c));
});

/** u of the points whose order divides 8 (RFC 7748, 6.1), and what is the same modulo the prime. */
const LOW_ORDER = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

test("points of low order, and what is no point, are refused", async () => {
  const keyring = new Keyring();
  for (const point of LOW_ORDER) await assert.rejects(keyring.agree(hex(point)), point);
  await assert.rejects(keyring.agree(new Uint8Array(31)));
});
