/**
 * From what a row measured to what the table, the JSON and the console show.
 *
 * Nouns: *figures* are what a family of rows hands over: one sample a run, the baselines' samples by the same runs, and what
 * explains them. Invariant: what could not be measured is null with a note, never a number.
 */
import { median, meetsSeed, ratioOfRuns, rounded } from "./stats.js";

/** @typedef {import("./catalog.js").CatalogRow} CatalogRow */
/**
 * @typedef {object} Figures
 * @property {number[]} samples the row's figure in each run
 * @property {Record<string, number[]>} [baselines] theirs in each run; an empty list means it was not there
 * @property {Record<string, number[]>} [ratios] ratios by run that are no quotient with a baseline
 * @property {{p50: number, p99: number, p999: number, max: number, mean?: number}} [latency] over all runs
 * @property {boolean} [meets] where the seed asks more than one figure
 * @property {string} [missed] why the seed's figure is not reached, one sentence
 * @property {string[]} [notes]
 * @property {Record<string, unknown>} [details]
 */
/**
 * @typedef {object} RowResult
 * @property {string} id
 * @property {number | null} value
 * @property {string} unit
 * @property {number | null} p50
 * @property {number | null} p99
 * @property {number | null} p999
 * @property {number | null} max null where it is no latency
 * @property {import("./catalog.js").Seed | null} seed
 * @property {boolean | null} meets_seed
 * @property {Record<string, number>} baselines
 * @property {Record<string, number>} ratio above 1: we are ahead
 * @property {Record<string, number>} target
 * @property {string} method
 * @property {number} runs
 * @property {number[]} samples
 * @property {string[]} notes
 * @property {Record<string, unknown>} details
 * @property {string} [error] the measurement failed, or its results were wrong
 */

/** @param {CatalogRow} row @returns {RowResult} */
function blank({ id, unit, seed, targets = {}, method }) {
  const none = { value: null, p50: null, p99: null, p999: null, max: null, meets_seed: null };
  return {
    id,
    unit,
    ...none,
    seed,
    baselines: {},
    ratio: {},
    target: targets,
    method,
    runs: 0,
    samples: [],
    notes: [],
    details: {},
  };
}

/** A row without a figure. @param {CatalogRow} row @param {string} why @returns {RowResult} */
export const notMeasured = (row, why) => ({ ...blank(row), notes: [why] });

/** A row that went wrong. @param {CatalogRow} row @param {unknown} error @returns {RowResult} */
export function failed(row, error) {
  const told = error instanceof Error ? error : new Error(String(error));
  return { ...blank(row), notes: [`failed: ${told.message}`], details: { stack: told.stack }, error: told.message };
}

/** @param {CatalogRow} row @param {Figures} figures @returns {RowResult} */
export function resultOf(row, figures) {
  const { samples, baselines = {}, ratios = {}, latency, meets, missed, notes = [], details = {} } = figures;
  const value = latency ? latency.p50 : median(samples);
  const meetsIt = meets ?? meetsSeed(row.seed, value);
  const result = blank(row);
  const told = [...notes];
  for (const [name, theirs] of Object.entries(baselines)) {
    if (theirs.length === 0) {
      told.push(`${name} is not there, so it is left out`);
      continue;
    }
    result.baselines[name] = rounded(median(theirs));
    result.ratio[name] = rounded(ratioOfRuns(row.better, samples, theirs));
  }
  for (const [name, runs] of Object.entries(ratios)) result.ratio[name] = rounded(median(runs));
  if (meetsIt === false && row.seed)
    told.unshift(`seed ${row.seed.text}: MISSED. ${missed ?? "The reason is not known."}`);
  if (latency) {
    for (const name of /** @type {const} */ (["p50", "p99", "p999", "max"])) result[name] = rounded(latency[name]);
  }
  return {
    ...result,
    value: rounded(value),
    meets_seed: meetsIt,
    runs: samples.length,
    samples: samples.map(rounded),
    notes: told,
    details: latency?.mean === undefined ? details : { mean: rounded(latency.mean), ...details },
  };
}
