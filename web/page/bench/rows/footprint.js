/**
 * Row scale.memory: what ten workers on the same 16 MiB cost, shared and by messages. The command measures the browser's
 * proportional memory (PSS) in each state; in a visitor's browser there is no honest figure for it.
 */
import { rounded } from "../stats.js";

/** @typedef {import("../lab.js").Bench} Bench */
/** @typedef {import("../lab.js").Line} Line */

const DATA_BYTES = 16 << 20;
const WORKERS = 10;
const SHARED_MIB_MAX = 16; // what nine more workers may add beyond themselves, before it is no longer O(1)

/** Settled PSS in MiB; undefined without the command. @param {Bench} bench @returns {Promise<number | undefined>} */
const pss = (bench) => bench.host("pss");

/**
 * MiB that so many workers add, with the data that `make` gives them.
 * @param {Bench} bench @param {() => Uint32Array | null} make @param {number} sum @param {number[]} counts
 * @returns {Promise<Record<number, number>>}
 */
async function grow(bench, make, sum, counts) {
  const before = (await pss(bench)) ?? 0;
  const words = make();
  /** @type {Line[]} */
  const lines = [];
  /** @type {Record<number, number>} */
  const grown = {};
  for (const count of counts) {
    while (lines.length < count) {
      const line = bench.line("reader.js");
      lines.push(line);
      const got = await line.call("hold", words ?? new Uint32Array(4));
      if (words && got !== sum) throw new Error("a worker holds other bytes");
    }
    grown[count] = ((await pss(bench)) ?? 0) - before;
  }
  for (const line of lines) if (words && (await line.call("sum")) !== sum) throw new Error("the bytes changed");
  bench.endWorkers();
  return grown;
}

/** @type {import("../run.js").Measure} */
export async function measure(bench, _wanted, figures) {
  if ((await pss(bench)) === undefined) {
    figures["scale.memory"] = { samples: [], notes: ["only the command npm run bench can see a browser's memory"] };
    return;
  }
  const own = new Uint32Array(DATA_BYTES / 4);
  for (let i = 0; i < own.length; i++) own[i] = Math.imul(i, 0x9e3779b1);
  const sum = own.reduce((total, word) => (total + word) >>> 0, 0);
  const counts = bench.quick ? [1, WORKERS] : [1, 2, 4, 7, WORKERS];
  bench.progress("scale.memory", 0.1, "workers alone");
  const alone = await grow(bench, () => null, 0, [1, WORKERS]);
  bench.progress("scale.memory", 0.4, "shared");
  const shared = await grow(bench, () => sharedCopy(own), sum, counts);
  bench.progress("scale.memory", 0.7, "by messages");
  const posted = await grow(bench, () => own, sum, counts);
  const nineMore = shared[WORKERS] - shared[1] - (alone[WORKERS] - alone[1]);
  const [ours, theirs] = [shared[WORKERS], posted[WORKERS]];
  figures["scale.memory"] = {
    samples: [ours],
    baselines: { postMessage: [theirs] },
    meets: nineMore < SHARED_MIB_MAX,
    missed: `Nine more workers add ${nineMore.toFixed(0)} MiB beyond themselves.`,
    notes: [
      `a worker without data takes ${(alone[WORKERS] / WORKERS).toFixed(1)} MiB; nine more on the shared data add ${nineMore.toFixed(1)} MiB beyond that`,
      "the document's 100 x less is not what workers save: each costs its own script engine either way",
      "memory as the browser leaves it once it no longer moves: what its collectors have not given back counts",
    ],
    details: {
      dataMiB: DATA_BYTES >> 20,
      aloneMiB: roundedAll(alone),
      sharedMiB: roundedAll(shared),
      postMessageMiB: roundedAll(posted),
    },
  };
}

/** @param {Record<number, number>} values */
const roundedAll = (values) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, rounded(value)]));

/** @param {Uint32Array} words */
function sharedCopy(words) {
  const copy = new Uint32Array(new SharedArrayBuffer(words.byteLength));
  copy.set(words);
  return copy;
}
