/**
 * Bench worker, our side: the kernel through web/shared/kernel.js on a shared memory.
 *
 * Data lie in the arena in blocks of 16 MiB, as the vault's windows do; results are made in place or into buffers that were
 * allocated before the clock started.
 */
import { startKernel } from "../../shared/kernel.js";
import * as L from "../../shared/layout.gen.js";
import { answer, timed } from "./calls.js";

const CHUNK_BYTES = 1 << 20;
const BLOCK_CHUNKS = 16;
const QUALITY = 6;
const QUALITY_BEST = 11;
const WINDOW_BITS = 21; // what block.zig takes for chunks of just 1 MiB: 2^20 - 16 is too small
const ROOM_BYTES = CHUNK_BYTES + 65_536;
const TAG_BYTES = 16;
const HASH_BYTES = 32;
const TABLE_BYTES = 2048;
const KIND_CHUNK = 1;

/** @typedef {{at: number, length: number}} Span */

/** @type {import("../../shared/kernel.js").Kernel} */
let kernel;
/** @type {Uint8Array} */
let bytes;
/** @type {Map<string, Span[]>} */
const data = new Map();
/** @type {Uint8Array[]} */
const tags = [];
/** @type {Uint8Array[]} */
const streams = [];
/** @type {{key: number, nonce: number, tag: number, hash: number, table: number, room: number, slot: number, job: number, result: number}} */
let buffers;

/** @param {number} length */
function alloc(length) {
  const at = kernel.arena_alloc(length);
  if (at === 0) throw new Error(`no room for ${length} bytes`);
  return at;
}

/** @param {number} at @param {number} length */
const copy = (at, length) => bytes.slice(at, at + length);

/** @param {string} kind @param {number} from @param {number} to */
const chunksOf = (kind, from, to) => /** @type {Span[]} */ (data.get(kind)).slice(from, to);

/** Number the nonce of chunk `index`. @param {number} index */
function setNonce(index) {
  new DataView(bytes.buffer).setUint32(buffers.nonce, index, true);
}

/** @param {Span} chunk */
function digest({ at, length }) {
  kernel.blake3_hash(at, length, buffers.hash);
  return copy(buffers.hash, HASH_BYTES);
}

answer({
  /** @param {WebAssembly.Memory} memory @param {WebAssembly.Module} module */
  async start(memory, module, thread = 0) {
    kernel = await startKernel(module, memory, thread);
    bytes = new Uint8Array(memory.buffer);
    buffers = {
      key: alloc(32),
      nonce: alloc(12),
      tag: alloc(TAG_BYTES),
      hash: alloc(HASH_BYTES),
      table: alloc(TABLE_BYTES),
      room: alloc(ROOM_BYTES),
      slot: alloc(L.KEY_SLOT_BYTES),
      job: alloc(L.JOB_BYTES),
      result: alloc(L.RESULT_BYTES),
    };
    bytes.fill(7, buffers.key, buffers.key + 32);
    bytes.fill(0, buffers.nonce, buffers.nonce + 12);
    kernel.gear_table(buffers.key, buffers.table);
    kernel.keys_derive(buffers.key, buffers.slot);
  },

  /** Where the data lie, for another worker on this memory. @param {string} kind */
  spans: (kind) => data.get(kind),

  /** Use the data of another worker. @param {string} kind @param {Span[]} spans */
  adopt(kind, spans) {
    data.set(kind, spans);
  },

  /** @param {string} kind @param {Uint8Array} given */
  take(kind, given) {
    const spans = [];
    for (let from = 0; from < given.length; from += BLOCK_CHUNKS * CHUNK_BYTES) {
      const block = given.subarray(from, from + BLOCK_CHUNKS * CHUNK_BYTES);
      const start = alloc(block.length);
      bytes.set(block, start);
      for (let at = 0; at < block.length; at += CHUNK_BYTES)
        spans.push({ at: start + at, length: Math.min(CHUNK_BYTES, block.length - at) });
    }
    data.set(kind, spans);
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

  /** In place: the data are ciphertext until `open`. @param {string} kind @param {number} from @param {number} to */
  seal(kind, from, to) {
    const ms = timed(() => {
      chunksOf(kind, from, to).forEach(({ at, length }, i) => {
        setNonce(from + i);
        kernel.aead_seal(buffers.key, buffers.nonce, 0, 0, at, length, buffers.tag);
        tags[from + i] = copy(buffers.tag, TAG_BYTES);
      });
    });
    return { ms, proof: tags.slice(from, to) };
  },

  /** @param {string} kind @param {number} from @param {number} to */
  open(kind, from, to) {
    let failed = 0;
    const ms = timed(() => {
      chunksOf(kind, from, to).forEach(({ at, length }, i) => {
        setNonce(from + i);
        bytes.set(tags[from + i], buffers.tag);
        failed += kernel.aead_open(buffers.key, buffers.nonce, 0, 0, at, length, buffers.tag);
      });
    });
    if (failed) throw new Error("what was sealed does not open");
    return { ms, proof: chunksOf(kind, from, to).map(digest) };
  },

  /** @param {string} kind @param {number} from @param {number} to */
  encode(kind, from, to) {
    let size = 0;
    const ms = timed(() => {
      chunksOf(kind, from, to).forEach(({ at, length }, i) => {
        const made = kernel.brotli_encode(at, length, buffers.room, ROOM_BYTES, QUALITY, WINDOW_BITS);
        if (made < 0) throw new Error(`brotli_encode answered ${made}`);
        streams[from + i] = copy(buffers.room, made);
        size += made;
      });
    });
    return { ms, bytes: size };
  },

  /** @param {string} _kind @param {number} from @param {number} to */
  streams: (_kind, from, to) => streams.slice(from, to),

  /** @param {string} kind @param {number} from @param {number} to */
  decode(kind, from, to) {
    const chunks = chunksOf(kind, from, to);
    const sources = streams.slice(from, to).map((stream) => {
      const at = alloc(stream.length);
      bytes.set(stream, at);
      return { at, length: stream.length };
    });
    const targets = chunks.map(({ length }) => ({ at: alloc(length), length }));
    let failed = 0;
    const ms = timed(() => {
      sources.forEach(({ at, length }, i) => {
        failed += kernel.brotli_decode(at, length, targets[i].at, targets[i].length);
      });
    });
    if (failed) throw new Error("what was encoded does not decode");
    const proof = targets.map(digest);
    for (const { at } of [...sources, ...targets]) kernel.arena_release(at);
    return { ms, proof };
  },

  /** The library's streams hold the same chunks. @param {string} kind @param {number} from @param {Uint8Array[]} theirs */
  mustDecode(kind, from, theirs) {
    chunksOf(kind, from, from + theirs.length).forEach((chunk, i) => {
      bytes.set(theirs[i], buffers.room);
      const target = alloc(chunk.length);
      const status = kernel.brotli_decode(buffers.room, theirs[i].length, target, chunk.length);
      const same = String(digest({ at: target, length: chunk.length })) === String(digest(chunk));
      kernel.arena_release(target);
      if (status !== 0 || !same) throw new Error(`the library's stream ${from + i} decodes to something else`);
    });
  },

  /**
   * What keeping a piece costs: as it is stored first (q6), encoded anew (q11), and its q6 stream compressed again.
   * @param {Uint8Array} piece at most a chunk
   */
  squeeze(piece) {
    const at = alloc(piece.length);
    bytes.set(piece, at);
    const wanted = String(digest({ at, length: piece.length }));
    const encode = (/** @type {number} */ from, /** @type {number} */ length, /** @type {number} */ quality) => {
      const made = kernel.brotli_encode(from, length, buffers.room, ROOM_BYTES, quality, WINDOW_BITS);
      if (made < 0) throw new Error(`brotli_encode answered ${made} at quality ${quality}`);
      return copy(buffers.room, made);
    };
    const q6 = encode(at, piece.length, QUALITY);
    const began = performance.now();
    const q11 = encode(at, piece.length, QUALITY_BEST);
    const q11Ms = performance.now() - began;
    for (const stream of [q6, q11]) {
      const source = alloc(stream.length);
      bytes.set(stream, source);
      bytes.fill(0, at, at + piece.length);
      const status = kernel.brotli_decode(source, stream.length, at, piece.length);
      if (status !== 0 || String(digest({ at, length: piece.length })) !== wanted)
        throw new Error("a stream does not decode");
      kernel.arena_release(source);
    }
    const source = alloc(q6.length);
    bytes.set(q6, source);
    const over = encode(source, q6.length, QUALITY_BEST);
    for (const used of [source, at]) kernel.arena_release(used);
    return { raw: piece.length, q6: q6.length, q11: q11.length, over: over.length, q11Ms };
  },

  /** The chunker over whole blocks. @param {string} kind @param {number} from @param {number} to */
  cut(kind, from, to) {
    const chunks = chunksOf(kind, from, to);
    const ms = timed(() => {
      for (let index = 0; index < chunks.length; index += BLOCK_CHUNKS) {
        const block = chunks.slice(index, index + BLOCK_CHUNKS);
        let left = block.reduce((sum, { length }) => sum + length, 0);
        for (let at = block[0].at; left > 0; ) {
          const length = kernel.gear_cut(buffers.table, at, left, 1);
          at += length;
          left -= length;
        }
      }
    });
    return { ms };
  },

  /**
   * The whole job that a muscle does for a chunk: probe, q6, hashes, key derivation, encryption, names.
   * @param {string} kind @param {number} from @param {number} to
   */
  sealJob(kind, from, to) {
    const words = new Uint32Array(bytes.buffer, buffers.job, L.JOB_BYTES / 4);
    const result = new Uint32Array(bytes.buffer, buffers.result, L.RESULT_BYTES / 4);
    const ms = timed(() => {
      for (const { at, length } of chunksOf(kind, from, to)) {
        words.fill(0);
        words[L.JOB_OP] = L.OP_SEAL;
        words[L.JOB_SRC] = at;
        words[L.JOB_SRC_LEN] = length;
        words[L.JOB_KEYS] = buffers.slot;
        words[L.JOB_RESULT] = buffers.result;
        words[L.JOB_ARG0] = KIND_CHUNK;
        words[L.JOB_ARG1] = QUALITY;
        const status = kernel.job_run(buffers.job);
        if (status !== 0) throw new Error(`OP_SEAL answered ${status}`);
        kernel.arena_release(result[L.RESULT_BYTES_OFFSET / 4]);
      }
    });
    return { ms };
  },

  /** Writes all chunks to a new file of the origin's private file system, one after another, and flushes once. */
  async disk(/** @type {string} */ kind, /** @type {number} */ from, /** @type {number} */ to) {
    const root = await navigator.storage.getDirectory();
    const file = await root.getFileHandle("bench-disk", { create: true });
    const handle = await file.createSyncAccessHandle();
    const ms = timed(() => {
      let offset = 0;
      for (const { at, length } of chunksOf(kind, from, to))
        offset += handle.write(bytes.subarray(at, at + length), { at: offset });
      handle.flush();
    });
    handle.close();
    await root.removeEntry("bench-disk");
    return { ms };
  },
});
