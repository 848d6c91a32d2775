/**
 * Bench page: INOS's kernel and the usual npm libraries, one worker each, on the same bytes.
 *
 *     await bench.load("text")                 // from #data; or load("random", bytes) for bytes made here
 *     await bench.compare("hash", "text")      // {ours: MiB/s, theirs: MiB/s}: one run over all chunks
 *     await bench.only("ours", "disk", "random")
 *
 *     await bench.pair("encode", "text")       // two kernels side by side: what two cores of this machine are worth
 *
 * Nouns: a *side* is `ours` or `theirs`; a *chunk* is 1 MiB; a *slice* is what one side does before it is the other's turn.
 * Invariants: only one worker works at a time (but for `pair`); a slice is timed inside its worker; results of both sides are compared here,
 * and a difference is an error, not a figure.
 */

const CHUNK_BYTES = 1 << 20;
const SLICE_CHUNKS = 8; // slices alternate so that a noisy neighbour disturbs both sides alike
const PAIR_CHUNKS = 2;
const RANDOM_STEP_BYTES = 65_536;
const MEMORY_PAGES = 8192; // 512 MiB: both kinds of data, and room for what is made of them
const WORKERS = { ours: "kernel_worker.js", theirs: "library_worker.js", second: "kernel_worker.js" };

/** @typedef {"ours" | "theirs"} Side */
/** @typedef {{ms: number, bytes?: number, proof?: Uint8Array[]}} Slice */

const scope = /** @type {any} */ (globalThis);
const policy = scope.trustedTypes?.createPolicy("inos-worker", { createScriptURL: (/** @type {string} */ url) => url });

/** Calls into one worker, one at a time. */
class Line {
  #worker;
  /** @type {PromiseWithResolvers<any> | null} */ #waiting = null;

  /** @param {string} name */
  constructor(name) {
    const url = new URL(name, import.meta.url).href;
    this.#worker = new Worker(policy ? policy.createScriptURL(url) : url, { type: "module" });
    this.#worker.onmessage = ({ data }) => {
      if (data.error) this.#waiting?.reject(new Error(`${name}: ${data.error}`));
      else this.#waiting?.resolve(data.value);
    };
    this.#worker.onerror = (event) => this.#waiting?.reject(new Error(`${name}: ${event.message}`));
  }

  /** @param {string} method @param {...any} given @returns {Promise<any>} */
  call(method, ...given) {
    this.#waiting = Promise.withResolvers();
    this.#worker.postMessage({ method, given });
    return this.#waiting.promise;
  }
}

const lines = { ours: new Line(WORKERS.ours), theirs: new Line(WORKERS.theirs), second: new Line(WORKERS.second) };
/** @type {Map<string, number>} */
const chunkCounts = new Map();

const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES, shared: true });
const kernel = await WebAssembly.compileStreaming(fetch("/build/kernel.wasm"));
await lines.ours.call("start", memory, kernel);
await lines.second.call("start", memory, kernel, 1);
await lines.theirs.call("start");

/** @param {number} length @returns {Uint8Array<ArrayBuffer>} */
function randomBytes(length) {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += RANDOM_STEP_BYTES) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + RANDOM_STEP_BYTES)));
  }
  return bytes;
}

/** @param {string} kind @param {number} [randomLength] random bytes of this length instead of the chosen file */
async function load(kind, randomLength) {
  const input = /** @type {HTMLInputElement} */ (document.getElementById("data"));
  const file = input.files?.[0];
  const bytes = randomLength
    ? randomBytes(randomLength)
    : new Uint8Array(await /** @type {File} */ (file).arrayBuffer());
  chunkCounts.set(kind, Math.ceil(bytes.length / CHUNK_BYTES));
  for (const line of [lines.ours, lines.theirs]) await line.call("take", kind, bytes);
  await lines.second.call("adopt", kind, await lines.ours.call("spans", kind));
  return bytes.length;
}

/** @param {Uint8Array[]} a @param {Uint8Array[]} b @param {string} what */
function mustBeEqual(a, b, what) {
  const same = a.length === b.length && a.every((bytes, i) => bytes.every((byte, at) => byte === b[i][at]));
  if (!same) throw new Error(`${what}: the two sides made different results`);
}

/**
 * One run of both sides over all chunks, slice by slice, in turns.
 * @param {string} op hash, seal, open, encode, decode
 * @param {string} kind
 */
async function compare(op, kind) {
  const chunks = chunkCounts.get(kind) ?? 0;
  const total = { ours: { ms: 0, bytes: 0 }, theirs: { ms: 0, bytes: 0 } };
  for (let from = 0, turn = 0; from < chunks; from += SLICE_CHUNKS, turn++) {
    const to = Math.min(chunks, from + SLICE_CHUNKS);
    const order = /** @type {Side[]} */ (turn % 2 ? ["theirs", "ours"] : ["ours", "theirs"]);
    /** @type {Record<string, Slice>} */
    const made = {};
    if (op === "decode") await lines.theirs.call("accept", await lines.ours.call("streams", kind, from, to), from);
    for (const side of order) {
      made[side] = await lines[side].call(op, kind, from, to);
      total[side].ms += made[side].ms;
      total[side].bytes += made[side].bytes ?? 0;
    }
    if (made.ours.proof && made.theirs.proof) mustBeEqual(made.ours.proof, made.theirs.proof, op);
    if (op === "encode")
      await lines.ours.call("mustDecode", kind, from, await lines.theirs.call("streams", kind, from, to));
  }
  return {
    ours: rate(kind, total.ours),
    theirs: rate(kind, total.theirs),
    bytes: { ours: total.ours.bytes, theirs: total.theirs.bytes },
  };
}

/** One side alone, over all chunks. @param {Side} side @param {string} op @param {string} kind */
async function only(side, op, kind) {
  const chunks = chunkCounts.get(kind) ?? 0;
  return rate(kind, await lines[side].call(op, kind, 0, chunks));
}

/**
 * Two kernels side by side, each taking the next few chunks when it is done: MiB/s of both together.
 * @param {string} op @param {string} kind
 */
async function pair(op, kind) {
  const chunks = chunkCounts.get(kind) ?? 0;
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
  await Promise.all([work(lines.ours), work(lines.second)]);
  return rate(kind, { ms: performance.now() - began });
}

/** @param {string} kind @param {{ms: number}} slice MiB/s, where every chunk but the last is 1 MiB */
function rate(kind, { ms }) {
  return ((chunkCounts.get(kind) ?? 0) * 1000) / ms;
}

scope.bench = { load, compare, only, pair };
scope.benchReady = true;
