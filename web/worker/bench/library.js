/**
 * Bench worker, the other side: brotli-wasm, hash-wasm and libsodium-wrappers, used as their documentation shows.
 *
 * Data lie in ordinary arrays; what the libraries copy into and out of their own memories is part of their time.
 */
import { answer, timed } from "./calls.js";

// Served by serve.py --bench only, so that they are asked for when they are wanted.
const LIBRARIES = [
  "../../../build/baselines/brotli-wasm/index.web.js",
  "../../../build/baselines/hash-wasm/index.esm.min.js",
  "../../../build/baselines/libsodium/libsodium-wrappers.mjs",
];
const CHUNK_BYTES = 1 << 20;
const QUALITY = 6;
const TAG_BYTES = 16;
const KEY = new Uint8Array(32).fill(7);

/** @type {any} */
let brotli;
/** @type {any} */
let blake3;
/** @type {any} */
let sodium;
/** @type {Map<string, Uint8Array[]>} */
const data = new Map();
/** @type {Uint8Array[]} */
const sealed = [];
/** @type {Uint8Array[]} */
const streams = [];
/** @type {Uint8Array[]} */
let accepted = [];
/** What `store` made: enough to give the chunk back. @type {{packed: boolean, block: Uint8Array}[]} */
const stored = [];

/** @param {string} kind @param {number} from @param {number} to */
const chunksOf = (kind, from, to) => /** @type {Uint8Array[]} */ (data.get(kind)).slice(from, to);

/** @param {Uint8Array} chunk @returns {Uint8Array} */
const digest = (chunk) => blake3.init().update(chunk).digest("binary");

/** @param {number} index */
function nonceOf(index) {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(0, index, true);
  return nonce;
}

/** @param {Uint8Array} message @param {number} index @returns {Uint8Array} */
const encrypt = (message, index) =>
  sodium.crypto_aead_chacha20poly1305_ietf_encrypt(message, null, null, nonceOf(index), KEY);
/** @param {Uint8Array} block @param {number} index @returns {Uint8Array} */
const decrypt = (block, index) =>
  sodium.crypto_aead_chacha20poly1305_ietf_decrypt(null, block, null, nonceOf(index), KEY);

answer({
  /** False where this server has not got them. */
  async start() {
    const answers = await Promise.all(LIBRARIES.map((url) => fetch(url, { method: "HEAD" })));
    if (!answers.every(({ ok }) => ok)) return false;
    const [brotliWasm, hashWasm, sodiumWrappers] = await Promise.all(LIBRARIES.map((url) => import(url)));
    sodium = sodiumWrappers.default;
    [brotli, blake3] = await Promise.all([brotliWasm.default, hashWasm.createBLAKE3(), sodium.ready]);
    return true;
  },

  /** @param {string} kind @param {Uint8Array} given */
  take(kind, given) {
    /** @type {Uint8Array[]} */
    const chunks = [];
    for (let at = 0; at < given.length; at += CHUNK_BYTES) chunks.push(given.slice(at, at + CHUNK_BYTES));
    data.set(kind, chunks);
  },

  /** @param {string} kind @param {number} from @param {number} to */
  hash(kind, from, to) {
    /** @type {Uint8Array[]} */
    const proof = [];
    const ms = timed(() => {
      for (const chunk of chunksOf(kind, from, to)) proof.push(digest(chunk));
    });
    return { ms, proof };
  },

  /** @param {string} kind @param {number} from @param {number} to */
  seal(kind, from, to) {
    const ms = timed(() => {
      chunksOf(kind, from, to).forEach((chunk, i) => {
        sealed[from + i] = encrypt(chunk, from + i);
      });
    });
    return { ms, proof: sealed.slice(from, to).map((block) => block.slice(-TAG_BYTES)) };
  },

  /** @param {string} _kind @param {number} from @param {number} to */
  open(_kind, from, to) {
    /** @type {Uint8Array[]} */
    const opened = [];
    const ms = timed(() => {
      for (let index = from; index < to; index++) opened.push(decrypt(sealed[index], index));
    });
    return { ms, proof: opened.map(digest) };
  },

  /** @param {string} kind @param {number} from @param {number} to */
  encode(kind, from, to) {
    let size = 0;
    const ms = timed(() => {
      chunksOf(kind, from, to).forEach((chunk, i) => {
        streams[from + i] = brotli.compress(chunk, { quality: QUALITY });
        size += streams[from + i].length;
      });
    });
    return { ms, bytes: size };
  },

  /** @param {string} _kind @param {number} from @param {number} to */
  streams: (_kind, from, to) => streams.slice(from, to),

  /** Streams that the other side made, to be decoded here too. @param {Uint8Array[]} given */
  accept(given) {
    accepted = given;
  },

  /** The streams accepted last. */
  decode() {
    /** @type {Uint8Array[]} */
    const decoded = [];
    const ms = timed(() => {
      for (const stream of accepted) decoded.push(brotli.decompress(stream));
    });
    return { ms, proof: decoded.map(digest) };
  },

  /**
   * What a vault does to a chunk, by libraries: hash of the chunk and of the file, compress, hash for the salt, encrypt,
   * hash for the name. Nothing is cut and nothing goes to a disk.
   * @param {string} kind @param {number} from @param {number} to
   */
  store(kind, from, to) {
    const ms = timed(() => {
      chunksOf(kind, from, to).forEach((chunk, i) => {
        digest(chunk);
        digest(chunk); // the whole file's hash, which costs the same
        const stream = brotli.compress(chunk, { quality: QUALITY });
        const packed = stream.length < chunk.length - chunk.length / 64;
        const payload = packed ? stream : chunk;
        digest(payload);
        const block = encrypt(payload, from + i);
        digest(block);
        stored[from + i] = { packed, block };
      });
    });
    return { ms };
  },

  /** And back: check the name, decrypt, decompress, check the chunk. @param {string} _kind @param {number} from @param {number} to */
  restore(_kind, from, to) {
    const ms = timed(() => {
      for (let index = from; index < to; index++) {
        const { packed, block } = stored[index];
        digest(block);
        const payload = decrypt(block, index);
        digest(packed ? brotli.decompress(payload) : payload);
      }
    });
    return { ms };
  },
});
