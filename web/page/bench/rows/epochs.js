/**
 * Rows epoch.js, epoch.async, epoch.ops: how soon a sleeping worker notices a signal, and how many signals a second pass.
 *
 * Two workers read two clocks with one origin that differ by a few microseconds; signals in both directions show by how much
 * (half the difference of the medians), and every time is corrected by it.
 */
import { REGION_EPOCHS, REGION_EPOCHS_BYTES } from "../../../shared/layout.gen.js";
import { median, percentile, spread } from "../stats.js";

/** @typedef {import("../lab.js").Bench} Bench */
/** @typedef {import("../lab.js").Line} Line */
/** @typedef {import("../result.js").Figures} Figures */

const WINDOW = 250;
const WINDOWS = 8;
const WINDOWS_QUICK = 1;
const ROUNDS = 20_000;
const ROUNDS_QUICK = 2000;
const US_PER_MS = 1000;
export const LATENCY_US_MAX = 100;
export const LATENCY_US_MEAN = 10;

/** Two workers on one memory, a port and a channel between them. */
export class Pair {
  #times = new SharedArrayBuffer(WINDOW * 16);
  #flags = new SharedArrayBuffer(4);
  /** Of the coarser clock, in microseconds. */
  stepUs = 0;

  /** @param {Bench} bench */
  constructor(bench) {
    this.a = bench.line("signal.js");
    this.b = bench.line("signal.js");
  }

  async start() {
    const { port1, port2 } = new MessageChannel();
    const buffer = new SharedArrayBuffer(REGION_EPOCHS + REGION_EPOCHS_BYTES);
    const given = { flags: this.#flags, times: this.#times, channel: `bench ${crypto.randomUUID()}` };
    const steps = await Promise.all([
      this.a.callWith([port1], "start", buffer, { ...given, port: port1, second: false }),
      this.b.callWith([port2], "start", buffer, { ...given, port: port2, second: true }),
    ]);
    this.stepUs = Math.max(...steps.map(({ clockStepMs }) => clockStepMs * US_PER_MS));
  }

  /** Latencies of one window in microseconds, not yet corrected. @param {string} way @param {boolean} [back] from b to a */
  async window(way, back = false) {
    const [from, to] = back ? [this.b, this.a] : [this.a, this.b];
    new Int32Array(this.#flags)[0] = 0;
    await Promise.all([to.call("receive", way, WINDOW), from.call("send", way, WINDOW)]);
    const times = new Float64Array(this.#times);
    return Array.from({ length: WINDOW }, (_, i) => (times[WINDOW + i] - times[i]) * US_PER_MS);
  }

  /** Signals a second, each seen and answered. @param {string} way @param {number} rounds */
  async exchange(way, rounds) {
    new Int32Array(this.#flags)[0] = 0;
    const [ms] = await Promise.all([
      this.a.call("exchange", way, rounds, true),
      this.b.call("exchange", way, rounds, false),
    ]);
    return (2 * rounds * 1000) / ms;
  }
}

/**
 * Windows of all ways in turns. Both directions of `way`, one of the others.
 * @param {Pair} pair @param {string} way @param {string[]} others @param {number} windows
 */
async function inTurns(pair, way, others, windows) {
  /** @type {Record<string, number[]>} */
  const raw = Object.fromEntries(["there", "back", ...others].map((name) => [name, []]));
  for (let turn = 0; turn < windows; turn++) {
    raw.there.push(...(await pair.window(way)));
    raw.back.push(...(await pair.window(way, true)));
    for (const other of others) raw[other].push(...(await pair.window(other)));
  }
  const offset = (median(raw.there) - median(raw.back)) / 2;
  const ours = [...raw.there.map((us) => us - offset), ...raw.back.map((us) => us + offset)];
  return { ours, others: Object.fromEntries(others.map((name) => [name, raw[name].map((us) => us - offset)])), offset };
}

/**
 * @param {Bench} bench @param {string} id @param {string} way
 * @returns {Promise<Figures>}
 */
async function latency(bench, id, way) {
  const pair = new Pair(bench);
  await pair.start();
  const others = ["postMessage", "BroadcastChannel"];
  const windows = bench.quick ? WINDOWS_QUICK : WINDOWS;
  await inTurns(pair, way, others, 1); // not counted: code is compiled and threads are started
  /** @type {number[]} */
  const samples = [];
  /** @type {number[]} */
  const all = [];
  /** @type {Record<string, number[]>} */
  const baselines = { postMessage: [], BroadcastChannel: [] };
  /** @type {Record<string, number[]>} */
  const allOthers = { postMessage: [], BroadcastChannel: [] };
  const offsets = [];
  for (let run = 0; run < bench.runs; run++) {
    bench.progress(id, run / bench.runs, `run ${run + 1} of ${bench.runs}`);
    const made = await inTurns(pair, way, others, windows);
    samples.push(percentile(made.ours, 0.5, pair.stepUs));
    all.push(...made.ours);
    offsets.push(made.offset);
    for (const name of others) {
      baselines[name].push(percentile(made.others[name], 0.5, pair.stepUs));
      allOthers[name].push(...made.others[name]);
    }
  }
  const found = spread(all, pair.stepUs);
  return {
    samples,
    baselines,
    latency: found,
    ...judged(found),
    notes: [
      `window of ${all.length} signals; the clock has steps of ${pair.stepUs.toFixed(1)} µs, percentiles are interpolated within one`,
    ],
    details: {
      signals: all.length,
      clockStepUs: pair.stepUs,
      clockOffsetUs: offsets,
      ...Object.fromEntries(others.map((name) => [name, spread(allOthers[name], pair.stepUs)])),
    },
  };
}

/** The document speaks of the average and of the maximum. @param {{mean: number, max: number}} found */
export function judged({ mean, max }) {
  const parts = [];
  if (mean > LATENCY_US_MEAN)
    parts.push(`the average is ${mean.toFixed(1)} µs, which is what waking a sleeping thread takes here`);
  if (max > LATENCY_US_MAX) {
    parts.push(`the longest was ${max.toFixed(0)} µs, when the system ran something else on the receiver's core`);
  }
  const words = parts.join("; ");
  return { meets: parts.length === 0, missed: `${words.charAt(0).toUpperCase()}${words.slice(1)}.` };
}

/** @param {Bench} bench @returns {Promise<Figures>} */
async function ops(bench) {
  const pair = new Pair(bench);
  await pair.start();
  const rounds = bench.quick ? ROUNDS_QUICK : ROUNDS;
  /** @type {Record<string, number[]>} */
  const made = { epoch: [], postMessage: [], BroadcastChannel: [] };
  for (const way of Object.keys(made)) await pair.exchange(way, ROUNDS_QUICK);
  for (let run = 0; run < bench.runs; run++) {
    bench.progress("epoch.ops", run / bench.runs, `run ${run + 1} of ${bench.runs}`);
    for (const way of Object.keys(made)) made[way].push(await pair.exchange(way, rounds));
  }
  const { epoch, ...baselines } = made;
  return {
    samples: epoch,
    baselines,
    missed:
      "Each signal wakes a sleeping thread and waits for its answer, which takes the system longer than 10 µs here.",
    details: { signalsPerRun: 2 * rounds },
  };
}

/** @type {import("../run.js").Measure} */
export async function measure(bench, wanted, figures) {
  if (wanted.has("epoch.js")) figures["epoch.js"] = await latency(bench, "epoch.js", "epoch");
  if (wanted.has("epoch.async")) figures["epoch.async"] = await latency(bench, "epoch.async", "epoch.async");
  if (wanted.has("epoch.ops")) figures["epoch.ops"] = await ops(bench);
}
