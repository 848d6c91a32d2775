/**
 * The last minute of counters: rates, and a line drawn from them. Pure: the present is an argument.
 *
 * Nouns: a *sample* is all figures of one moment; a *rate* is what a counter grew by in a second, between two samples.
 * Invariants: samples older than the window are forgotten; a counter that went back (it wrapped) has a rate of 0 once.
 */

const WINDOW_MS = 60_000;

export class History {
  /** @type {{timeMs: number, figures: Record<string, number>}[]} */
  #samples = [];

  /** @param {number} timeMs @param {Record<string, number>} figures */
  add(timeMs, figures) {
    this.#samples.push({ timeMs, figures });
    while (timeMs - /** @type {{timeMs: number}} */ (this.#samples[0]).timeMs > WINDOW_MS) this.#samples.shift();
  }

  clear() {
    this.#samples = [];
  }

  /** Of the last two samples; null while there are fewer. @param {...string} names added up */
  rate(...names) {
    return this.rates(...names).at(-1)?.rate ?? null;
  }

  /**
   * One for each pair of neighbours.
   * @param {...string} names added up
   * @returns {{ageMs: number, rate: number}[]} oldest first; the age is that of the later sample
   */
  rates(...names) {
    const newest = this.#samples.at(-1);
    return this.#samples.slice(1).map((sample, index) => {
      const before = /** @type {typeof sample} */ (this.#samples[index]);
      const grown = names.reduce((sum, name) => sum + Math.max(0, sample.figures[name] - before.figures[name]), 0);
      return {
        ageMs: /** @type {typeof sample} */ (newest).timeMs - sample.timeMs,
        rate: (grown * 1000) / Math.max(1, sample.timeMs - before.timeMs),
      };
    });
  }
}

/**
 * The `d` of a line through rates: the newest at the right edge, a whole window wide, the highest at the top.
 *
 * @param {{ageMs: number, rate: number}[]} rates
 * @param {number} width
 * @param {number} height
 * @returns {string} "" for fewer than two
 */
export function sparkPath(rates, width, height) {
  if (rates.length < 2) return "";
  const highest = Math.max(...rates.map(({ rate }) => rate)) || 1;
  const points = rates.map(({ ageMs, rate }) => {
    const x = width * (1 - Math.min(ageMs, WINDOW_MS) / WINDOW_MS);
    return `${x.toFixed(1)} ${(height * (1 - rate / highest)).toFixed(1)}`;
  });
  return `M${points.join("L")}`;
}
