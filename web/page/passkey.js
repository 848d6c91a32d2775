/**
 * Passkeys that give a key: WebAuthn with the PRF extension (WebAuthn level 3, 10.1.4).
 *
 * Nouns: a *salt* is what the authenticator's secret function is asked about, its 32-byte *output* what opens the vault.
 * Invariants: nothing of an output stays here; ids, salts and outputs are hex. A passkey belongs to a host name: browsers make
 * none for an IP address.
 */

import { NodeError } from "./boot.js";

/** @typedef {import("./ui/types.js").Slot} Slot */

const SALT_BYTES = 32;
const TIMEOUT_MS = 120_000;
const ALGORITHMS = [-8, -7, -257]; // EdDSA, ES256, RS256: the signature is not used, but one must be named
const IP_ADDRESS = /^(\[.*\]|\d+\.\d+\.\d+\.\d+)$/;

/** Why there are none here, or an empty text. */
export function whyNoPasskeys() {
  if (IP_ADDRESS.test(location.hostname)) return "address";
  return typeof PublicKeyCredential === "function" && navigator.credentials ? "" : "browser";
}

/** A new passkey, and what it answers to its own salt. @returns {Promise<{credential: string, salt: string, output: string}>} */
export async function createPasskey() {
  requirePasskeys();
  const salt = random(SALT_BYTES);
  const credential = await asked(() =>
    navigator.credentials.create({
      publicKey: {
        challenge: random(32),
        rp: { id: location.hostname, name: "INOS" },
        user: { id: random(16), name: "INOS", displayName: "INOS" },
        pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: "public-key", alg })),
        authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
        timeout: TIMEOUT_MS,
        extensions: { prf: { eval: { first: salt } } },
      },
    }),
  );
  const { prf } = credential.getClientExtensionResults();
  if (!prf?.enabled) throw new NodeError("PasskeyWithoutPrf", "this authenticator has no PRF");
  const made = { credential: hex(credential.rawId), salt: hex(salt) };
  if (prf.results?.first) return { ...made, output: hex(prf.results.first) };
  // some authenticators answer only when they are asked for a signature
  return { ...made, output: (await askPasskey([made])).output };
}

/**
 * What one of these passkeys answers to its salt; the person chooses which.
 * @param {Pick<Slot, "credential" | "salt">[]} slots @returns {Promise<{credential: string, output: string}>}
 */
export async function askPasskey(slots) {
  requirePasskeys();
  /** @type {Record<string, {first: Uint8Array<ArrayBuffer>}>} */
  const evalByCredential = {};
  for (const { credential = "", salt = "" } of slots)
    evalByCredential[base64url(unhex(credential))] = { first: unhex(salt) };
  const answer = await asked(() =>
    navigator.credentials.get({
      publicKey: {
        challenge: random(32),
        rpId: location.hostname,
        allowCredentials: slots.map(({ credential = "" }) => ({ type: "public-key", id: unhex(credential) })),
        userVerification: "required",
        timeout: TIMEOUT_MS,
        extensions: { prf: { evalByCredential } },
      },
    }),
  );
  const output = answer.getClientExtensionResults().prf?.results?.first;
  if (!output) throw new NodeError("PasskeyWithoutPrf", "this authenticator gave no key");
  return { credential: hex(answer.rawId), output: hex(output) };
}

function requirePasskeys() {
  const why = whyNoPasskeys();
  if (why) throw new NodeError("PasskeyUnavailable", `no passkeys with this ${why}`);
}

/** @param {() => Promise<Credential | null>} ask @returns {Promise<PublicKeyCredential>} */
async function asked(ask) {
  try {
    const credential = await ask();
    if (credential instanceof PublicKeyCredential) return credential;
  } catch (error) {
    throw new NodeError("PasskeyRefused", String(/** @type {any} */ (error)?.message ?? error));
  }
  throw new NodeError("PasskeyRefused", "nothing was chosen");
}

/** @param {number} length */
function random(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** @param {BufferSource} buffer */
function hex(buffer) {
  const bytes = ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} text */
function unhex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=/g, "");
}
