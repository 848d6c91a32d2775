/**
 * Rows load.100 and scale.cores: many tasks at once over the job queue, and what a second core is worth.
 */

import { PAGE_BYTES } from "../../../shared/layout.gen.js";
import { at } from "../../site.js";
import { median, rounded } from "../stats.js";

/** @typedef {import("../lab.js").Bench} Bench */
/** @typedef {import("../lab.js").Line} Line */
/** @typedef {import("../result.js").Figures} Figures */

const THREAD_MUSCLES = 1;
const MUSCLES_MAX = 8;
const TASKS_OPEN = 100;
const TASK_BYTES = 16_384;
const TASKS = 40_000;
const TASKS_QUICK = 4000;
const LOAD_MEMORY_BYTES = 16 << 20; // the document's 16 MB, for everything: kernel, queues, stacks, data
const CHUNK_BYTES = 256 << 10; // small against the whole, so that no muscle waits long at the end
const SCALE_ROOM_BYTES = 160 << 20;
const SCALE_BYTES = 16 << 20;
const SCALE_BYTES_QUICK = 4 << 20;

/** @param {number} bytes */
const sharedMemory = (bytes) =>
  new WebAssembly.Memory({ initial: bytes / PAGE_BYTES, maximum: bytes / PAGE_BYTES, shared: true });

const compileKernel = () => WebAssembly.compileStreaming(fetch(at("build/kernel.wasm")));

/**
 * A memory of its own with a dispatcher and muscles, as the product has them.
 * @param {Bench} bench @param {number} memoryBytes @param {number} muscles @returns {Promise<Line>} the dispatcher
 */
async function world(bench, memoryBytes, muscles) {
  const [memory, kernel] = [sharedMemory(memoryBytes), await compileKernel()];
  const dispatcher = bench.line("dispatcher.js");
  await dispatcher.call("start", memory, kernel);
  for (let index = 0; index < muscles; index++) {
    bench.worker("/web/worker/muscle/main.js", { memory, kernel, thread: THREAD_MUSCLES + index });
  }
  return dispatcher;
}

/** @param {Uint8Array<ArrayBuffer>} data @param {number} length @param {number} count */
const pieces = (data, length, count) =>
  Array.from({ length: count }, (_, i) => data.slice(i * length, (i + 1) * length));

/** Answers verified exactly once, or an error. @param {string} way @param {{ms: number, tasks: number, answered: number, verified: number}} made */
function rateOf(way, { ms, tasks, answered, verified }) {
  if (answered !== tasks || verified !== tasks)
    throw new Error(`${way}: ${verified} of ${tasks} tasks verified, ${answered} answered`);
  return (tasks * 1000) / ms;
}

/** @param {Bench} bench @param {Uint8Array<ArrayBuffer>} data @returns {Promise<Figures>} */
async function load(bench, data) {
  const muscles = Math.min(MUSCLES_MAX, Math.max(2, navigator.hardwareConcurrency || 2));
  const dispatcher = await world(bench, LOAD_MEMORY_BYTES, muscles);
  await dispatcher.call("take", pieces(data, TASK_BYTES, TASKS_OPEN));
  const kernel = await compileKernel();
  const ports = [];
  for (let index = 0; index < muscles; index++) {
    const { port1, port2 } = new MessageChannel();
    await bench
      .line("hasher.js")
      .callWith([port2], "start", sharedMemory(LOAD_MEMORY_BYTES), kernel, port2, TASK_BYTES);
    ports.push(port1);
  }
  await dispatcher.callWith(ports, "adopt", ...ports);
  const count = bench.quick ? TASKS_QUICK : TASKS;
  /** @type {Record<string, number[]>} */
  const made = { queue: [], postMessage: [], "postMessage.transfer": [] };
  for (let run = -1; run < bench.runs; run++) {
    bench.progress("load.100", Math.max(0, run) / bench.runs, `run ${run + 1} of ${bench.runs}`);
    for (const way of Object.keys(made)) {
      const outcome = await (way === "queue"
        ? dispatcher.call("hashByQueue", count)
        : dispatcher.call("hashByMessages", count, way !== "postMessage"));
      if (run >= 0) made[way].push(rateOf(way, outcome));
    }
  }
  const { queue, ...baselines } = made;
  return {
    samples: queue,
    baselines,
    missed: `${muscles} muscles and the dispatcher share ${navigator.hardwareConcurrency} cores.`,
    notes: [`100.0 % of ${count * bench.runs} tasks verified, none twice; ${muscles} muscles, 16 MiB for all of it`],
    details: {
      tasks: count * bench.runs,
      open: TASKS_OPEN,
      taskBytes: TASK_BYTES,
      muscles,
      memoryBytes: LOAD_MEMORY_BYTES,
    },
  };
}

/** @param {Bench} bench @param {Uint8Array<ArrayBuffer>} data @returns {Promise<Figures>} */
async function scale(bench, data) {
  const length = Math.min(data.length, bench.quick ? SCALE_BYTES_QUICK : SCALE_BYTES);
  const chunks = Array.from({ length: Math.floor(length / CHUNK_BYTES) }, (_, i) =>
    data.slice(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
  );
  const cores = Math.min(MUSCLES_MAX, navigator.hardwareConcurrency || 2);
  const counts = [1, 2, 4, 8].filter((count) => count <= Math.max(2, cores));
  const worlds = [];
  for (const count of counts) {
    const dispatcher = await world(bench, length + SCALE_ROOM_BYTES, count);
    await dispatcher.call("take", chunks);
    worlds.push({ count, dispatcher, rates: /** @type {number[]} */ ([]) });
  }
  for (let run = -1; run < bench.runs; run++) {
    bench.progress("scale.cores", Math.max(0, run) / bench.runs, `run ${run + 1} of ${bench.runs}`);
    const sizes = new Set();
    for (const { dispatcher, rates } of worlds) {
      const { ms, made } = await dispatcher.call("seal");
      sizes.add(made);
      if (run >= 0) rates.push((chunks.length * CHUNK_BYTES) / 1048.576 / ms);
    }
    if (sizes.size !== 1) throw new Error("the number of muscles changed what was made");
  }
  const [one, two] = worlds;
  return {
    samples: two.rates.map((rate, run) => rate / (2 * one.rates[run])),
    missed: `${cores} cores also carry the dispatcher, the page and whatever else runs.`,
    notes: worlds.map(
      ({ count, rates }) => `${count} muscle${count > 1 ? "s" : ""}: ${median(rates).toFixed(1)} MiB/s`,
    ),
    details: {
      cores,
      mibPerSByMuscles: Object.fromEntries(worlds.map(({ count, rates }) => [count, rates.map(rounded)])),
    },
  };
}

/** @type {import("../run.js").Measure} */
export async function measure(bench, wanted, figures) {
  const data = await bench.data();
  if (wanted.has("load.100")) figures["load.100"] = await load(bench, data);
  bench.endWorkers();
  if (wanted.has("scale.cores")) figures["scale.cores"] = await scale(bench, data);
}
