/**
 * Numbers of the benchmark: medians, percentiles of coarse clocks, ratios, and whether the seed's figure is reached.
 *
 * Invariant: a ratio above 1 means that we are ahead, for rates (ours / theirs) as for times (theirs / ours).
 * Knows nothing of where a number comes from.
 */

/** @typedef {import("./catalog.js").CatalogRow} CatalogRow */

/** Four significant digits: more would be noise. @param {number} value */
export const rounded = (value) => Number(value.toPrecision(4));

/** @param {ArrayLike<number>} values @returns {Float64Array<ArrayBuffer>} */
const sorted = (values) => Float64Array.from(values).sort();

/** @param {ArrayLike<number>} values at least one */
export function median(values) {
  const order = sorted(values);
  const half = order.length >> 1;
  return order.length % 2 ? order[half] : (order[half - 1] + order[half]) / 2;
}

/** @param {ArrayLike<number>} values */
export const mean = (values) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

/**
 * The value below which `share` of all values lie. A clock with steps gives many equal values; they stand for values spread
 * evenly over the step around them, so the answer is interpolated within it (the grouped median, for any share).
 * @param {ArrayLike<number>} values
 * @param {number} share 0 to 1
 * @param {number} [step] of the clock
 */
export function percentile(values, share, step = 0) {
  const order = sorted(values);
  const rank = share * order.length;
  const found = order[Math.min(order.length - 1, Math.floor(rank))];
  if (step === 0) return found;
  const low = found - step / 2;
  let below = 0;
  let within = 0;
  for (const value of order) {
    if (value < low) below++;
    else if (value <= found + step / 2) within++;
  }
  const spreadOut = low + ((rank - below) / within) * step;
  return Math.min(Math.max(0, spreadOut), order[order.length - 1]);
}

/** @param {ArrayLike<number>} values of a latency @param {number} [step] of the clock */
export function spread(values, step = 0) {
  return {
    p50: percentile(values, 0.5, step),
    p99: percentile(values, 0.99, step),
    p999: percentile(values, 0.999, step),
    max: sorted(values)[values.length - 1],
    mean: mean(values),
  };
}

/** @param {"more" | "less"} better @param {number} ours @param {number} theirs */
export const ratioOf = (better, ours, theirs) => (better === "more" ? ours / theirs : theirs / ours);

/**
 * Median of the runs' own ratios: both sides of one run share its noise.
 * @param {"more" | "less"} better @param {number[]} ours by run @param {number[]} theirs by run
 */
export const ratioOfRuns = (better, ours, theirs) =>
  median(ours.map((value, run) => ratioOf(better, value, theirs[Math.min(run, theirs.length - 1)])));

/** Null where the document gives no figure. @param {CatalogRow["seed"]} seed @param {number} value @returns {boolean | null} */
export function meetsSeed(seed, value) {
  if (seed?.least !== undefined) return value >= seed.least;
  if (seed?.most !== undefined) return value <= seed.most;
  return null;
}
