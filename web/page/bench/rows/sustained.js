/**
 * Rows sustained.*: ten workers, five producers and five consumers of 1 KiB messages, for 10, 60 and 300 seconds.
 *
 * Nouns: a *window* is a second; the first third of them is warm-up, *drift* is the last third's rate against the middle
 * third's. Invariant: every message is verified by its consumer; one that is not is corrupt, and none may be.
 */
import { mean, percentile, rounded } from "../stats.js";
import { Stream } from "../streams.js";

/** @typedef {import("../lab.js").Bench} Bench */
/** @typedef {import("../result.js").Figures} Figures */

const PAIRS = 5;
const MESSAGE_BYTES = 1024;
const RING_BYTES = 1 << 17;
const WINDOW_MS = 1000;
const QUICK_S = 2;
const QUICK_WINDOW_MS = 200;
const DRIFT_MAX = 0.1;
const GROWTH_MIB_MAX = 16;
const WITHOUT_END = 2 ** 32;

/** @param {number} ms @returns {Promise<void>} */
const tick = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {Bench} bench @param {string} id @param {number} seconds @returns {Promise<Figures>} */
async function sustained(bench, id, seconds) {
  const streams = Array.from({ length: PAIRS }, () => new Stream(bench, RING_BYTES));
  await Promise.all(streams.map((stream) => stream.start()));
  const total = () => streams.reduce((sum, { verified }) => sum + verified, 0);
  const ends = streams.flatMap((stream) => stream.run("ring", MESSAGE_BYTES, WITHOUT_END));
  const windowMs = bench.quick ? QUICK_WINDOW_MS : WINDOW_MS;
  const lastsMs = (bench.quick ? Math.min(QUICK_S, seconds) : seconds) * 1000;
  /** @type {number[]} */
  const rates = [];
  const began = performance.now();
  let [at, seen] = [began, total()];
  /** The browser's memory after warm-up and at the end, where the command looks. @type {number[]} */
  const pssMiB = [];
  while (at - began < lastsMs) {
    await tick(Math.min(windowMs, began + lastsMs - at));
    const [now, count] = [performance.now(), total()];
    rates.push((((count - seen) >>> 0) * 1000) / (now - at));
    [at, seen] = [now, count];
    if (pssMiB.length < (3 * (at - began)) / lastsMs - 1) pssMiB.push((await bench.host("pssNow")) ?? 0);
    bench.progress(
      id,
      Math.min(1, (at - began) / lastsMs),
      `${Math.round((at - began) / 1000)} of ${lastsMs / 1000} s`,
    );
  }
  for (const stream of streams) stream.stop();
  await Promise.all(ends);
  const corrupt = streams.reduce((sum, stream) => sum + stream.corrupt, 0);
  if (corrupt) throw new Error(`${corrupt} messages arrived damaged`);
  const third = Math.floor(rates.length / 3);
  const drift = mean(rates.slice(-third)) / mean(rates.slice(third, -third)) - 1;
  const growthMiB = pssMiB[pssMiB.length - 1] - pssMiB[0];
  const rate = (total() * 1000) / (at - began);
  return {
    samples: [rate],
    meets: rate >= 10_000 && (bench.quick || (Math.abs(drift) < DRIFT_MAX && growthMiB < GROWTH_MIB_MAX)),
    missed: `The rate drifted by ${(100 * drift).toFixed(1)} % and memory changed by ${growthMiB.toFixed(1)} MiB after warm-up: other programs share the processors.`,
    notes: [
      ...(bench.quick ? [`shortened to ${lastsMs / 1000} s by --quick`] : []),
      `${((rate * MESSAGE_BYTES) / 1e6).toFixed(0)} MB/s, drift ${(100 * drift).toFixed(1)} %, ${corrupt} corrupt${pssMiB[0] ? `, memory changed by ${growthMiB.toFixed(1)} MiB after warm-up` : ""}`,
    ],
    details: {
      workers: 2 * PAIRS,
      messages: total(),
      corrupt,
      drift: rounded(drift),
      windowMs,
      slowest: rounded(Math.min(...rates)),
      windowP50: rounded(percentile(rates, 0.5)),
      rates: rates.map(rounded),
      pssMiB: pssMiB.map(rounded),
    },
  };
}

/** @type {import("../run.js").Measure} */
export async function measure(bench, wanted, figures) {
  for (const seconds of [10, 60, 300]) {
    const id = `sustained.${seconds}`;
    if (wanted.has(id)) figures[id] = await sustained(bench, id, seconds);
    bench.endWorkers();
  }
}
