/**
 * Writing the metrics: words of the shared memory that count, one for all threads.
 *
 * Nouns: a *meter* adds amounts to one word in whole units (KiB, ms) and keeps the rest for next time.
 * Invariants: every word is added to atomically and published to nobody, so counting wakes no thread; a word is right by
 * itself, and two of them may be one event apart. Names and units: METRICS_WORDS in py/inos/memory/layout.py.
 */

import { METRICS, REGION_METRICS } from "./layout.gen.js";

/** @param {SharedArrayBuffer} buffer @returns {Int32Array<SharedArrayBuffer>} indexed by METRIC_* */
export function metricWords(buffer) {
  return new Int32Array(buffer, REGION_METRICS, Object.keys(METRICS).length);
}

/** One word that counts in units. */
export class Meter {
  #words;
  #metric;
  #unit;
  #rest = 0;

  /**
   * @param {Int32Array<SharedArrayBuffer>} words of `metricWords`
   * @param {number} metric METRIC_*
   * @param {number} [unit] how much of what is added makes one
   */
  constructor(words, metric, unit = 1) {
    this.#words = words;
    this.#metric = metric;
    this.#unit = unit;
  }

  /** @param {number} amount not negative */
  add(amount) {
    const sum = this.#rest + amount;
    this.#rest = sum % this.#unit;
    if (sum >= this.#unit) Atomics.add(this.#words, this.#metric, Math.floor(sum / this.#unit));
  }
}
