/**
 * Rows sab.*: 1 MiB from one worker to another by pointer, written, and copied, beside what pages do today; and one word.
 *
 * Invariants: every block is added up by whoever took it and compared with what was given; ways are measured in turns, in
 * both directions, which also shows by how much the two workers' clocks differ.
 */
import { REGION_EPOCHS, REGION_EPOCHS_BYTES } from "../../../shared/layout.gen.js";
import { mean, median, rounded, spread } from "../stats.js";

/** @typedef {import("../lab.js").Bench} Bench */
/** @typedef {import("../lab.js").Line} Line */
/** @typedef {import("../result.js").Figures} Figures */
/** @typedef {{held: number[], read: number[]}} Times milliseconds until the block was held, and until it was added up */

const BLOCK_BYTES = 1 << 20;
const BLOCKS = 20; // a turn of one way in one direction
const BLOCKS_QUICK = 5;
const AT = REGION_EPOCHS + REGION_EPOCHS_BYTES;
const COPY_BLOCKS = 8;
const COPIES = 4000;
const CHASES = 20;

/** Which way of the workers stands for which baseline. */
const READ = {
  postMessage: "postMessage",
  "postMessage.transfer": "transfer.filled",
  BroadcastChannel: "BroadcastChannel",
};
const WRITE = {
  postMessage: "postMessage",
  "postMessage.transfer": "transfer.written",
  BroadcastChannel: "BroadcastChannel",
};

/** @param {Bench} bench @param {number} bytes */
async function movers(bench, bytes) {
  const { port1, port2 } = new MessageChannel();
  const buffer = new SharedArrayBuffer(AT + bytes);
  const flags = new SharedArrayBuffer(4);
  const given = { at: AT, bytes, flags, channel: `bench ${crypto.randomUUID()}` };
  const [a, b] = [bench.line("mover.js"), bench.line("mover.js")];
  const steps = await Promise.all([
    a.callWith([port1], "start", buffer, { ...given, port: port1 }),
    b.callWith([port2], "start", buffer, { ...given, port: port2 }),
  ]);
  return { a, b, flags: new Int32Array(flags), stepMs: Math.max(...steps.map(({ clockStepMs }) => clockStepMs)) };
}

/** @param {Line} from @param {Line} to @param {Int32Array} flags @param {string} way @param {number} count @returns {Promise<Times>} */
async function turn(from, to, flags, way, count) {
  Atomics.store(flags, 0, 0);
  const [taken, given] = await Promise.all([to.call("take", way, count), from.call("give", way, count)]);
  /** @type {Times} */
  const times = { held: [], read: [] };
  for (let number = 0; number < count; number++) {
    if (taken[number].sum !== given[number].sum) throw new Error(`${way}: block ${number} arrived damaged`);
    times.held.push(taken[number].held - given[number].began);
    times.read.push(taken[number].read - given[number].began);
  }
  return times;
}

/**
 * One run of all ways: both directions of each, corrected by the clocks' difference.
 * @param {Awaited<ReturnType<typeof movers>>} pair @param {string[]} ways the first is ours @param {number} count
 */
async function run({ a, b, flags }, ways, count) {
  /** @type {Record<string, Times>} */
  const made = {};
  let offset = 0;
  for (const way of ways) {
    const there = await turn(a, b, flags, way, count);
    const back = await turn(b, a, flags, way, count);
    if (way === ways[0]) offset = (median(there.held) - median(back.held)) / 2;
    const both = (/** @type {"held" | "read"} */ what) => [
      ...there[what].map((ms) => ms - offset),
      ...back[what].map((ms) => ms + offset),
    ];
    made[way] = { held: both("held"), read: both("read") };
  }
  return made;
}

/** Milliseconds by the server's routes, empty where there are none. @param {Line} network @param {string[]} ways @param {number} count */
async function byServer(network, ways, count) {
  /** @type {Record<string, number[]>} */
  const made = {};
  const there = await network.call("probe");
  for (const way of ways) made[way] = there ? await network.call(way, BLOCK_BYTES, count) : [];
  return made;
}

/**
 * @param {Bench} bench @param {"sab.read.1m" | "sab.write.1m"} id
 * @returns {Promise<Figures & {medians: Record<string, number[]>}>}
 */
async function move(bench, id) {
  const reads = id === "sab.read.1m";
  const names = reads ? READ : WRITE;
  const [own, fetchWay] = reads ? ["pointer", "get"] : ["write", "post"];
  const ways = [own, ...Object.values(names)];
  const count = bench.quick ? BLOCKS_QUICK : BLOCKS;
  const pair = await movers(bench, BLOCK_BYTES);
  const network = bench.line("network.js");
  await run(pair, ways, 3);
  await byServer(network, [fetchWay, "echo"], 2);
  /** @type {Record<string, number[][]>} */
  const held = {};
  /** @type {Record<string, number[][]>} */
  const read = {};
  for (let number = 0; number < bench.runs; number++) {
    bench.progress(id, number / bench.runs, `run ${number + 1} of ${bench.runs}`);
    const made = await run(pair, ways, count);
    const served = await byServer(network, [fetchWay, "echo"], count);
    for (const [way, times] of Object.entries(made)) {
      held[way] = [...(held[way] ?? []), times.held];
      read[way] = [...(read[way] ?? []), times.read];
    }
    for (const [way, times] of Object.entries(served)) if (times.length) held[way] = [...(held[way] ?? []), times];
  }
  /** @type {Record<string, string>} */
  const all = { ...names, fetch: fetchWay, WebSocket: "echo" };
  const medians = Object.fromEntries(Object.entries(all).map(([name, way]) => [name, (held[way] ?? []).map(median)]));
  const found = spread(held[own].flat(), pair.stepMs);
  const readMs = Object.fromEntries(
    Object.entries({ INOS: own, ...names }).map(([name, way]) => [name, rounded(median(read[way].flat()))]),
  );
  return {
    samples: held[own].map(median),
    baselines: medians,
    medians,
    latency: found,
    missed: "The system woke the taker late.",
    notes: [
      `with the sum of every word inside the clock: ${readMs.INOS} ms, ${rounded(readMs.postMessage / readMs.INOS)} x postMessage`,
      "fetch and WebSocket go over loopback; a WebSocket's message goes to the server and comes back, as between two clients",
    ],
    details: {
      blocks: held[own].flat().length,
      clockStepMs: pair.stepMs,
      summedMs: readMs,
      meanMs: mean(held[own].flat()),
    },
  };
}

/** @param {Bench} bench @param {Record<string, number[]>} medians of 1 MiB by the baselines, in ms @returns {Promise<Figures>} */
async function copy(bench, medians) {
  const { a } = await movers(bench, 2 * COPY_BLOCKS * BLOCK_BYTES);
  const count = bench.quick ? COPIES / 10 : COPIES;
  await a.call("copy", COPY_BLOCKS, COPY_BLOCKS);
  const samples = [];
  for (let number = 0; number < bench.runs; number++) {
    bench.progress("sab.copy", number / bench.runs, `run ${number + 1} of ${bench.runs}`);
    samples.push((count * 1000) / (await a.call("copy", count, COPY_BLOCKS)));
  }
  const rates = Object.entries(medians).map(([name, times]) => [name, times.map((ms) => 1000 / ms)]);
  return {
    samples,
    baselines: Object.fromEntries(rates),
    notes: [
      `${COPY_BLOCKS} MiB copied to ${COPY_BLOCKS} other MiB, over and over; what fits in the caches stays there`,
    ],
    missed: "The machine's memory is no faster.",
  };
}

/** @param {Bench} bench @returns {Promise<Figures>} */
async function pointer(bench) {
  const { a } = await movers(bench, BLOCK_BYTES);
  const rounds = bench.quick ? CHASES / 4 : CHASES;
  await a.call("chase", 2);
  const samples = [];
  for (let number = 0; number < bench.runs; number++) samples.push(await a.call("chase", rounds));
  return { samples, details: { readsPerRun: (rounds * BLOCK_BYTES) / 4 }, missed: "Memory is no faster." };
}

/** @type {import("../run.js").Measure} */
export async function measure(bench, wanted, figures) {
  /** @type {Record<string, number[]>} */
  let medians = {};
  if (wanted.has("sab.read.1m")) figures["sab.read.1m"] = await move(bench, "sab.read.1m");
  if (wanted.has("sab.write.1m") || wanted.has("sab.copy")) {
    const { medians: found, ...written } = await move(bench, "sab.write.1m");
    medians = found;
    if (wanted.has("sab.write.1m")) figures["sab.write.1m"] = written;
  }
  if (wanted.has("sab.copy")) figures["sab.copy"] = await copy(bench, medians);
  if (wanted.has("sab.pointer.js")) figures["sab.pointer.js"] = await pointer(bench);
}
