/**
 * Rows *.py and boot.worker: Python workers on the node's own shared memory (py/inos_web/bench.py), beside JavaScript workers
 * that send messages.
 *
 * Nouns: the *board* is where the two workers read what to do and write what came of it; the brain reads and writes it for
 * the page. Invariant: turns of the Python workers and of the baselines alternate.
 */
import { RING_DATA_OFFSET } from "../../../shared/layout.gen.js";
import { median, percentile, rounded, spread } from "../stats.js";
import { Stream } from "../streams.js";
import { Starts } from "./boot.js";
import { judged, Pair } from "./epochs.js";

/** @typedef {import("../lab.js").Bench} Bench */
/** @typedef {import("../result.js").Figures} Figures */

const WINDOW = 250;
const WINDOWS = 8;
const WINDOWS_QUICK = 1;
const POLL_MS = 25;
const LOST_MS = 60_000;
const US_PER_S = 1e6;
const WORDS = 4096;
const CHASES = 10;
const WORKERS_AT_ONCE = 10;
const WORKER_RUNS = 10;
const QUICK = 8;
const FIRST_LINE = "import js; at = js.performance.timeOrigin + js.performance.now()\nat";

/** Messages a run: in Python, by postMessage. @type {Record<string, {length: number, ring: number, messages: number}>} */
const SIZES = {
  "ring.1k.py": { length: 1024, ring: 200_000, messages: 16_000 },
  "ring.10k.py": { length: 10_240, ring: 40_000, messages: 8000 },
  "ring.100k.py": { length: 102_400, ring: 4000, messages: 2400 },
  "ring.1m.py": { length: 1_048_576, ring: 400, messages: 320 },
};

/** Two Python workers and their board. */
class PythonPair {
  #node;
  #turn = 0;
  #board = 0;
  /** @type {any[]} */ #workers = [];

  /** @param {any} node */
  constructor(node) {
    this.#node = node;
  }

  async start() {
    this.#board = await this.alloc("inos_web_bench_board", 4096 + 2 * 65_536);
    for (const role of [0, 1]) {
      const args = { board: this.#board, role };
      this.#workers.push(await this.#node.spawn("inos_web.bench", { name: `bench ${role}`, args }));
    }
  }

  /** Zeroed room in the arena, the brain's until `release`. @param {string} name @param {number} length @returns {Promise<number>} */
  alloc(name, length) {
    return this.#node.python(`
import sys
spans = sys.modules.setdefault("inos_bench_spans", {})
spans[${JSON.stringify(name)}] = span = arena.alloc(${length})
memory.write(span.offset, bytes(${length}))
span.offset`);
  }

  /** @param {string} name */
  release(name) {
    return this.#node.python(`import sys\narena.release(sys.modules["inos_bench_spans"].pop(${JSON.stringify(name)}))`);
  }

  /** Let both do something; their answers. @param {any[][]} orders by role: [op, ...arguments] @returns {Promise<any[]>} */
  async turn(...orders) {
    const order = JSON.stringify(orders);
    const answered = 2 * ++this.#turn;
    await this.#node.python(`
board, order = ${this.#board}, ${JSON.stringify(order)}.encode()
memory.write(board + 256, order)
memory.store(board + 4, len(order))
memory.add(board, 1)
memory.notify(board)`);
    if (orders.length === 0) return [];
    const ends = Promise.race(this.#workers.map((worker) => worker.result()));
    const until = performance.now() + LOST_MS;
    while ((await this.#node.python(`memory.load(${this.#board} + 64)`)) < answered) {
      const pause = new Promise((resolve) => setTimeout(resolve, POLL_MS));
      if ((await Promise.race([pause, ends])) !== undefined) throw new Error("a Python worker ended");
      if (performance.now() > until) throw new Error("the Python workers do not answer");
    }
    const answers = await this.#node.python(`
at = ${this.#board} + 4096
[memory.read(at + role * 65536 + 4, memory.load(at + role * 65536)).decode() for role in (0, 1)]`);
    return answers.map((/** @type {string} */ text) => JSON.parse(text));
  }

  /** One window of signals from role `from`, in microseconds, by two clocks. @param {0 | 1} from */
  async window(from) {
    const orders =
      from === 0
        ? [
            ["send", WINDOW],
            ["receive", WINDOW],
          ]
        : [
            ["receive", WINDOW],
            ["send", WINDOW],
          ];
    const answers = await this.turn(...orders);
    const [sent, seen] = [answers[from], answers[1 - from]];
    return seen.map((/** @type {number} */ at, /** @type {number} */ i) => (at - sent[i]) * US_PER_S);
  }

  async end() {
    await this.turn();
    for (const worker of this.#workers) {
      await worker.result();
      await worker.close();
    }
    await this.release("inos_web_bench_board");
  }
}

/** @param {Bench} bench @param {PythonPair} python @returns {Promise<Figures>} */
async function epoch(bench, python) {
  const pair = new Pair(bench);
  await pair.start();
  const windows = bench.quick ? WINDOWS_QUICK : WINDOWS;
  /** @type {number[]} */
  const samples = [];
  /** @type {number[]} */
  const all = [];
  /** @type {Record<string, number[]>} */
  const baselines = { postMessage: [], BroadcastChannel: [] };
  for (let run = -1; run < bench.runs; run++) {
    bench.progress("epoch.py", Math.max(0, run) / bench.runs, `run ${run + 1} of ${bench.runs}`);
    /** @type {{there: number[], back: number[], probe: number[], probeBack: number[]} & Record<string, number[]>} */
    const raw = { there: [], back: [], probe: [], probeBack: [], postMessage: [], BroadcastChannel: [] };
    for (let turn = 0; turn < (run < 0 ? 1 : windows); turn++) {
      raw.there.push(...(await python.window(0)));
      raw.back.push(...(await python.window(1)));
      raw.probe.push(...(await pair.window("epoch")));
      raw.probeBack.push(...(await pair.window("epoch", true)));
      for (const way of Object.keys(baselines)) raw[way].push(...(await pair.window(way)));
    }
    if (run < 0) continue;
    const offset = (median(raw.there) - median(raw.back)) / 2;
    const ours = [...raw.there.map((us) => us - offset), ...raw.back.map((us) => us + offset)];
    const pairOffset = (median(raw.probe) - median(raw.probeBack)) / 2;
    samples.push(percentile(ours, 0.5, pair.stepUs));
    all.push(...ours);
    for (const [way, made] of Object.entries(baselines))
      made.push(
        percentile(
          raw[way].map((us) => us - pairOffset),
          0.5,
          pair.stepUs,
        ),
      );
  }
  const found = spread(all, pair.stepUs);
  return {
    samples,
    baselines,
    latency: found,
    ...judged(found),
    notes: [
      `window of ${all.length} signals; the clock has steps of ${pair.stepUs.toFixed(1)} µs; messages are sent from JavaScript`,
    ],
    details: { signals: all.length, clockStepUs: pair.stepUs },
  };
}

/** @param {Bench} bench @param {PythonPair} python @param {string} id @returns {Promise<Figures>} */
async function ring(bench, python, id) {
  const { length, ring: count, messages } = SIZES[id];
  const part = (/** @type {number} */ all) => Math.ceil(all / (bench.quick ? QUICK : 1));
  const data = Math.max(1 << 20, 4 * length);
  const ringBytes = RING_DATA_OFFSET + data;
  const stream = new Stream(bench, data);
  await stream.start();
  /** @type {number[]} */
  const samples = [];
  /** @type {Record<string, number[]>} */
  const baselines = { postMessage: [], "postMessage.transfer": [] };
  for (let run = -1; run < bench.runs; run++) {
    bench.progress(id, Math.max(0, run) / bench.runs, `run ${run + 1} of ${bench.runs}`);
    const place = await python.alloc("inos_web_bench_ring", ringBytes); // both ends begin with an empty ring
    const given = [place, ringBytes, length, part(count)];
    const [, { seconds, messages: got, right }] = await python.turn(["produce", ...given], ["consume", ...given]);
    await python.release("inos_web_bench_ring");
    if (got !== part(count) || right !== got) throw new Error(`${right} of ${part(count)} messages are right`);
    /** @type {number[]} */
    const rates = [];
    for (const way of Object.keys(baselines)) rates.push(await stream.rate(way, length, part(messages)));
    if (run < 0) continue;
    samples.push(got / seconds);
    Object.keys(baselines).forEach((way, i) => {
      baselines[way].push(rates[i]);
    });
  }
  return {
    samples,
    baselines,
    missed: `Python copies each message in and out of its own memory and looks at it: ${(1e6 / Math.max(...samples)).toFixed(1)} µs a message.`,
    notes: [
      `${((median(samples) * length) / 1048576).toFixed(0)} MiB/s in batches; the messages by postMessage are sent from JavaScript`,
    ],
    details: { messageBytes: length, messagesPerRun: part(count) },
  };
}

/** @param {Bench} bench @param {PythonPair} python @returns {Promise<Figures>} */
async function pointer(bench, python) {
  const place = await python.alloc("inos_web_bench_words", 4 * WORDS);
  const made = [];
  for (let run = -1; run < bench.runs; run++) {
    const [answer] = await python.turn(["chase", place, WORDS, CHASES], ["idle"]);
    if (run >= 0) made.push(answer);
  }
  await python.release("inos_web_bench_words");
  return {
    samples: made.map(({ ns }) => ns),
    missed: "Each read of one word crosses from Python to JavaScript and back.",
    notes: [`many words by one read: ${median(made.map(({ bulkNs }) => bulkNs)).toFixed(0)} ns a word`],
    details: { readsPerRun: WORDS * CHASES },
  };
}

/** @param {any} node milliseconds from asking until the first line of the source has run */
async function spawned(node) {
  const began = performance.timeOrigin + performance.now();
  const worker = await node.spawn(FIRST_LINE, { name: "bench" });
  const ms = (await worker.result()) - began;
  await worker.close();
  return ms;
}

/** @param {Bench} bench @returns {Promise<Figures>} */
async function boot(bench) {
  const starts = new Starts(bench);
  await starts.prepare();
  const node = bench.node;
  await spawned(node); // the first one shares the files
  const stock = async () => (await starts.measure("stock")).startedMs;
  /** @type {number[]} */
  const samples = [];
  /** @type {number[]} */
  const theirs = [];
  const runs = bench.quick ? 1 : Math.max(bench.runs, WORKER_RUNS);
  for (let run = 0; run < runs; run++) {
    bench.progress("boot.worker", run / runs, `run ${run + 1} of ${runs}`);
    samples.push(await spawned(node));
    theirs.push(await stock());
  }
  const many = (/** @type {() => Promise<number>} */ one) => Promise.all(Array.from({ length: WORKERS_AT_ONCE }, one));
  const last = bench.quick
    ? null
    : { spawn: Math.max(...(await many(() => spawned(node)))), stock: Math.max(...(await many(stock))) };
  return {
    samples,
    baselines: { loadPyodide: theirs },
    notes: [
      ...(last
        ? [
            `${WORKERS_AT_ONCE} at once: the last runs after ${last.spawn.toFixed(0)} ms, stock ${last.stock.toFixed(0)} ms`,
          ]
        : []),
      "stock is timed inside its worker, whose own start is not counted",
    ],
    details: last ? { atOnceMs: rounded(last.spawn), stockAtOnceMs: rounded(last.stock) } : {},
  };
}

/** @type {import("../run.js").Measure} */
export async function measure(bench, wanted, figures) {
  if (!bench.node) {
    for (const id of wanted) figures[id] = { samples: [], notes: ["this page has no node"] };
    return;
  }
  await bench.node.ready;
  if (wanted.has("boot.worker")) figures["boot.worker"] = await boot(bench);
  if (wanted.size === Number(wanted.has("boot.worker"))) return;
  const python = new PythonPair(bench.node);
  await python.start();
  if (wanted.has("epoch.py")) figures["epoch.py"] = await epoch(bench, python);
  if (wanted.has("sab.pointer.py")) figures["sab.pointer.py"] = await pointer(bench, python);
  for (const id of Object.keys(SIZES)) if (wanted.has(id)) figures[id] = await ring(bench, python, id);
  await python.end();
}
