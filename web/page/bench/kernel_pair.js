/**
 * INOS's kernel and the usual npm libraries, one worker each, on the same bytes.
 *
 *     await pair.load("text", bytes)
 *     await pair.compare("hash", "text")      // {ours: MiB/s, theirs: MiB/s}: one run over all chunks
 *     await pair.only("ours", "disk", "random")
 *     await pair.beside("encode", "text")     // two kernels side by side: what two cores of this machine are worth
 *
 * Nouns: a *side* is `ours` or `theirs`; a *chunk* is 1 MiB; a *slice* is what one side does before it is the other's turn;
 * *native* is a third side that only the command has (Brotli of Node's zlib).
 * Invariants: only one worker works at a time (but for `beside`); a slice is timed inside its worker; results of both sides
 * are compared here, and a difference is an error, not a figure.
 */

import { at } from "../site.js";

/** @typedef {import("./lab.js").Bench} Bench */
/** @typedef {import("./lab.js").Line} Line */
/** @typedef {"ours" | "theirs"} Side */
/** @typedef {{ms: number, bytes?: number, proof?: Uint8Array[]}} Slice */
/** @typedef {{ours: number, theirs: number | null, native: number | null, bytes: {ours: number, theirs: number}}} Compared MiB/s */

export const CHUNK_BYTES = 1 << 20;
const SLICE_CHUNKS = 8; // slices alternate so that a noisy neighbour disturbs both sides alike
const PAIR_CHUNKS = 2;
const PAGE_BYTES = 65_536;
const ROOM_BYTES = 256 << 20; // q11 takes 122 MiB for a chunk

/** @param {Uint8Array[]} a @param {Uint8Array[]} b @param {string} what */
function mustBeEqual(a, b, what) {
  const same = a.length === b.length && a.every((bytes, i) => bytes.every((byte, at) => byte === b[i][at]));
  if (!same) throw new Error(`${what}: the two sides made different results`);
}

export class KernelPair {
  #ours;
  #second;
  #theirs;
  #bench;
  /** @type {Map<string, number>} */ #bytes = new Map();
  /** Whether this server has the libraries. */
  libraries = false;

  /** @param {Bench} bench */
  constructor(bench) {
    this.#bench = bench;
    this.#ours = bench.line("kernel.js");
    this.#second = bench.line("kernel.js");
    this.#theirs = bench.line("library.js");
  }

  /** @param {number} dataBytes of all kinds together */
  async start(dataBytes) {
    const pages = Math.ceil((2 * dataBytes + ROOM_BYTES) / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const kernel = await WebAssembly.compileStreaming(fetch(at("build/kernel.wasm")));
    await this.#ours.call("start", memory, kernel);
    await this.#second.call("start", memory, kernel, 1);
    this.libraries = await this.#theirs.call("start");
  }

  /** @param {string} kind @param {Uint8Array} bytes */
  async load(kind, bytes) {
    this.#bytes.set(kind, bytes.length);
    await this.#ours.call("take", kind, bytes);
    if (this.libraries) await this.#theirs.call("take", kind, bytes);
    await this.#second.call("adopt", kind, await this.#ours.call("spans", kind));
  }

  /**
   * One run of all sides over all chunks, slice by slice, in turns.
   * @param {string} op hash, seal, open, encode, decode
   * @param {string} kind
   * @returns {Promise<Compared>}
   */
  async compare(op, kind) {
    const chunks = this.#chunks(kind);
    const total = { ours: 0, theirs: 0, native: 0 };
    const bytes = { ours: 0, theirs: 0 };
    for (let from = 0, turn = 0; from < chunks; from += SLICE_CHUNKS, turn++) {
      const to = Math.min(chunks, from + SLICE_CHUNKS);
      const made = await this.#slice(op, kind, from, to, turn);
      for (const side of /** @type {Side[]} */ (Object.keys(made))) {
        total[side] += made[side].ms;
        bytes[side] += made[side].bytes ?? 0;
      }
      total.native += (await this.#bench.host("native", op, from, to)) ?? 0;
    }
    const rate = (/** @type {number} */ ms) => (ms > 0 ? this.#rate(kind, ms) : null);
    return { ours: this.#rate(kind, total.ours), theirs: rate(total.theirs), native: rate(total.native), bytes };
  }

  /** @param {string} op @param {string} kind @param {number} from @param {number} to @param {number} turn */
  async #slice(op, kind, from, to, turn) {
    /** @type {Record<string, Slice>} */
    const made = {};
    if (op === "decode" && this.libraries) {
      await this.#theirs.call("accept", await this.#ours.call("streams", kind, from, to), from);
    }
    const lines = { ours: this.#ours, theirs: this.#theirs };
    const order = /** @type {Side[]} */ (turn % 2 ? ["theirs", "ours"] : ["ours", "theirs"]);
    for (const side of this.libraries ? order : /** @type {Side[]} */ (["ours"])) {
      made[side] = await lines[side].call(op, kind, from, to);
    }
    if (made.ours.proof && made.theirs?.proof) mustBeEqual(made.ours.proof, made.theirs.proof, op);
    if (op === "encode" && made.theirs)
      await this.#ours.call("mustDecode", kind, from, await this.#theirs.call("streams", kind, from, to));
    return made;
  }

  /** One side alone, over all chunks: MiB/s, and what it made. @param {Side} side @param {string} op @param {string} kind */
  async only(side, op, kind) {
    const line = side === "ours" ? this.#ours : this.#theirs;
    const made = await line.call(op, kind, 0, this.#chunks(kind));
    return { rate: this.#rate(kind, made.ms), bytes: made.bytes ?? 0 };
  }

  /**
   * Two kernels side by side, each taking the next few chunks when it is done: MiB/s of both together.
   * @param {string} op @param {string} kind
   */
  async beside(op, kind) {
    const chunks = this.#chunks(kind);
    let next = 0;
    /** @param {Line} line */
    const work = async (line) => {
      while (next < chunks) {
        const from = next;
        next += PAIR_CHUNKS;
        await line.call(op, kind, from, Math.min(chunks, from + PAIR_CHUNKS));
      }
    };
    const began = performance.now();
    await Promise.all([work(this.#ours), work(this.#second)]);
    return this.#rate(kind, performance.now() - began);
  }

  /** @param {Uint8Array} piece @returns {Promise<{raw: number, q6: number, q11: number, over: number, q11Ms: number}>} */
  squeeze(piece) {
    return this.#ours.call("squeeze", piece);
  }

  /** @param {string} kind */
  #chunks(kind) {
    return Math.ceil((this.#bytes.get(kind) ?? 0) / CHUNK_BYTES);
  }

  /** @param {string} kind @param {number} ms MiB/s */
  #rate(kind, ms) {
    return (this.#bytes.get(kind) ?? 0) / 1048.576 / ms;
  }
}
