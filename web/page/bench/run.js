/**
 * Runs rows of the catalog in this page: `await runRows({only: ["epoch.js"], onProgress})`.
 *
 * Nouns: a *family* is a module of rows that are measured together; it is loaded only when one of its rows is wanted.
 * Invariants: one family at a time; a row that fails says so and does not stop the others; what is left out is noted.
 * Must not know what a row measures.
 */
import { ROWS } from "./catalog.js";
import { Bench } from "./lab.js";
import { failed, notMeasured, resultOf } from "./result.js";

/** @typedef {import("./catalog.js").CatalogRow} CatalogRow */
/** @typedef {import("./result.js").RowResult} RowResult */
/** @typedef {import("./result.js").Figures} Figures */
/** @typedef {{id: string, part: number, text: string}} Progress `part` from 0 to 1 */
/** Puts the figures of each wanted row into the record. @typedef {(bench: Bench, wanted: Set<string>, figures: Record<string, Figures>) => Promise<void>} Measure */
/**
 * @typedef {object} RunOptions
 * @property {string[]} [only] ids; all rows by default
 * @property {boolean} [quick] short windows and one run: shows that everything works, says little about speed
 * @property {number} [runs]
 * @property {number} [mib] MiB of each kind of data
 * @property {Blob} [data] text and binaries to measure with; by default what this site ships
 * @property {File[]} [corpus] files for the re-encoding rows; by default part of `data`
 * @property {(progress: Progress) => void} [onProgress]
 * @property {(result: RowResult) => void} [onResult] as soon as a row's family is measured: a stop keeps what was finished
 * @property {AbortSignal} [signal]
 */

/** @type {{rows: RegExp, load: () => Promise<{measure: Measure}>}[]} */
const FAMILIES = [
  { rows: /^sab\.(?!.*\.py$)/, load: () => import("./rows/memory.js") },
  { rows: /^epoch\.(js|async|ops)$/, load: () => import("./rows/epochs.js") },
  { rows: /^ring\.(?!.*\.py$)/, load: () => import("./rows/rings.js") },
  { rows: /^(load\.100|scale\.cores)$/, load: () => import("./rows/jobs.js") },
  { rows: /^(brotli\.q11\.(re|over)|gzip)$/, load: () => import("./rows/compression.js") },
  { rows: /^(blake3|seal|open|brotli\.q6)$/, load: () => import("./rows/kernel.js") },
  { rows: /^pipeline$/, load: () => import("./rows/pipeline.js") },
  { rows: /^boot\.(restore|brain)$/, load: () => import("./rows/boot.js") },
  { rows: /^vault\.folder_10k$/, load: () => import("./rows/folder.js") },
  { rows: /^vault\.shrink$/, load: () => import("./rows/shrinking.js") },
  { rows: /^vault\.open$/, load: () => import("./rows/opening.js") },
  { rows: /^vault\.(put|get|roundtrip)/, load: () => import("./rows/vault.js") },
  { rows: /^scale\.memory$/, load: () => import("./rows/footprint.js") },
  { rows: /(\.py|^boot\.worker)$/, load: () => import("./rows/python.js") },
  { rows: /^sustained\./, load: () => import("./rows/sustained.js") },
];

const ONLY_BY_COMMAND = "only the command npm run bench can measure this";
const RUNS = 3;

/** @param {RunOptions} [options] @returns {Promise<RowResult[]>} in the order of the catalog */
export async function runRows(options = {}) {
  const { only, quick = false, runs = quick ? 1 : RUNS, onProgress, signal } = options;
  const rows = ROWS.filter(({ id }) => !only || only.includes(id));
  /** @type {Map<string, RowResult>} */
  const results = new Map();
  const bench = new Bench({ ...options, quick, runs, signal });
  try {
    for (const { rows: pattern, load } of FAMILIES) {
      const family = rows.filter(({ id }) => pattern.test(id));
      if (family.length === 0) continue;
      bench.onProgress = (id, part, text) => onProgress?.({ id, part, text });
      for (const row of family) bench.progress(row.id, 0, "waits");
      for (const result of await measured(family, load, bench)) {
        results.set(result.id, result);
        options.onResult?.(result);
        bench.progress(result.id, 1, "done");
      }
    }
  } finally {
    bench.endWorkers();
  }
  return rows.map((row) => {
    const known = results.get(row.id);
    if (known) return known;
    const none = notMeasured(row, ONLY_BY_COMMAND);
    options.onResult?.(none);
    return none;
  });
}

/**
 * @param {CatalogRow[]} family @param {() => Promise<{measure: Measure}>} load @param {Bench} bench
 * @returns {Promise<RowResult[]>}
 */
async function measured(family, load, bench) {
  /** @type {Record<string, Figures>} */
  const figures = {};
  /** @type {unknown} */
  let wrong = new Error("its family did not measure it");
  try {
    const { measure } = await load();
    await measure(bench, new Set(family.map(({ id }) => id)), figures);
  } catch (error) {
    if (bench.signal?.aborted) throw bench.signal.reason;
    wrong = error;
  } finally {
    bench.endWorkers();
  }
  return family.map((row) => {
    const found = figures[row.id];
    if (!found) return failed(row, wrong);
    return found.samples.length ? resultOf(row, found) : notMeasured(row, found.notes?.join("; ") ?? ONLY_BY_COMMAND);
  });
}
