/**
 * What the stand-ins for CPython's wheels (`wheels/`) are made of: BLAKE3 by the kernel, the rest by Node's OpenSSL.
 *
 * Real algorithms under the wheels' names, so that the same tests of `py/inos` run in Pyodide. A failed check answers null.
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  sign,
  verify,
} from "node:crypto";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";

const TAG_BYTES = 16;
const KEY_BYTES = 32;
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex"); // RFC 8410: an Ed25519 seed follows
const PKCS8_X25519 = Buffer.from("302e020100300506032b656e04220420", "hex"); // RFC 8410, the same for X25519
const SPKI_X25519 = Buffer.from("302a300506032b656e032100", "hex");
const SPKI_HEAD = Buffer.from("302a300506032b6570032100", "hex"); // RFC 8410: an Ed25519 point follows

/** @param {any} buffer of Python @returns {Buffer} a copy */
function bytes(buffer) {
  const view = buffer.getBuffer("u8");
  const copy = Buffer.from(view.data);
  view.release();
  return copy;
}

/** @param {any} seed */
const privateKey = (seed) =>
  createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, bytes(seed)]), format: "der", type: "pkcs8" });

/** @param {any} seed */
const boxKey = (seed) =>
  createPrivateKey({ key: Buffer.concat([PKCS8_X25519, bytes(seed)]), format: "der", type: "pkcs8" });

/** @param {import("../../web/shared/kernel.js").Kernel & {memory?: never}} kernel @param {WebAssembly.Memory} memory */
function kernelBlake3(kernel, memory) {
  const heap = new Uint8Array(memory.buffer);
  /** @param {string} mode @param {any} name key or context @param {any} data @param {number} length */
  return (mode, name, data, length) => {
    if (mode !== "derive" && length !== 32) throw new RangeError("the kernel's hashes have 32 bytes");
    const head = bytes(name);
    const body = bytes(data);
    const at = kernel.arena_alloc(head.length + body.length + length + 1);
    if (at === 0) throw new RangeError(`${body.length} bytes are too many for the tests' arena`);
    heap.set(head, at);
    heap.set(body, at + head.length);
    const src = at + head.length;
    const out = src + body.length;
    if (mode === "hash") kernel.blake3_hash(src, body.length, out);
    else if (mode === "keyed") kernel.blake3_keyed(at, src, body.length, out);
    else kernel.blake3_derive(at, head.length, src, body.length, out, length);
    const digest = heap.slice(out, out + length);
    kernel.arena_release(at);
    return digest;
  };
}

/** @param {import("../../web/shared/kernel.js").Kernel} kernel @param {WebAssembly.Memory} memory the kernel's */
export function nodeCrypto(kernel, memory) {
  return {
    blake3: kernelBlake3(kernel, memory),
    /** @param {any} key @param {any} nonce @param {any} plain @param {any} aad */
    seal(key, nonce, plain, aad) {
      const cipher = createCipheriv("chacha20-poly1305", bytes(key), bytes(nonce), { authTagLength: TAG_BYTES });
      cipher.setAAD(bytes(aad), { plaintextLength: plain.length });
      return new Uint8Array(Buffer.concat([cipher.update(bytes(plain)), cipher.final(), cipher.getAuthTag()]));
    },
    /** @param {any} key @param {any} nonce @param {any} sealed @param {any} aad */
    open(key, nonce, sealed, aad) {
      const data = bytes(sealed);
      if (data.length < TAG_BYTES) return null;
      const decipher = createDecipheriv("chacha20-poly1305", bytes(key), bytes(nonce), { authTagLength: TAG_BYTES });
      decipher.setAAD(bytes(aad), { plaintextLength: data.length - TAG_BYTES });
      decipher.setAuthTag(data.subarray(-TAG_BYTES));
      try {
        return new Uint8Array(Buffer.concat([decipher.update(data.subarray(0, -TAG_BYTES)), decipher.final()]));
      } catch {
        return null;
      }
    },
    /** @param {any} data @param {number} quality @param {number} window bits */
    brotli(data, quality, window) {
      const params = { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_LGWIN]: window };
      return new Uint8Array(brotliCompressSync(bytes(data), { params }));
    },
    /** @param {any} data @param {number} limit */
    unbrotli(data, limit) {
      const stream = bytes(data);
      try {
        const options = { maxOutputLength: limit, info: true };
        const { buffer, engine } = /** @type {any} */ (brotliDecompressSync(stream, options));
        return engine.bytesWritten === stream.length ? new Uint8Array(buffer) : null;
      } catch {
        return null;
      }
    },
    /** @param {any} seed */
    x25519_public: (seed) =>
      new Uint8Array(createPublicKey(boxKey(seed)).export({ format: "der", type: "spki" }).subarray(-KEY_BYTES)),
    /** @param {any} seed @param {any} point */
    x25519_agree(seed, point) {
      const publicKey = createPublicKey({
        key: Buffer.concat([SPKI_X25519, bytes(point)]),
        format: "der",
        type: "spki",
      });
      try {
        return new Uint8Array(diffieHellman({ privateKey: boxKey(seed), publicKey }));
      } catch {
        return null; // a point of low order
      }
    },
    /** @param {any} seed */
    ed25519_public: (seed) =>
      new Uint8Array(createPublicKey(privateKey(seed)).export({ format: "der", type: "spki" }).subarray(-KEY_BYTES)),
    /** @param {any} seed @param {any} data */
    ed25519_sign: (seed, data) => new Uint8Array(sign(null, bytes(data), privateKey(seed))),
    /** @param {any} point @param {any} signature @param {any} data */
    ed25519_verify(point, signature, data) {
      const key = createPublicKey({ key: Buffer.concat([SPKI_HEAD, bytes(point)]), format: "der", type: "spki" });
      return verify(null, bytes(data), key, bytes(signature));
    },
  };
}
