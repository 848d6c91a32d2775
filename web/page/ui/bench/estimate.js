/**
 * How far a run is and how long it will take: by the catalog's seconds at first, by the pace of this machine later. Pure.
 */

/** What a quick run takes of a full one's time, about. */
export const QUICK_PART = 0.08;
const PACE_KNOWN_PART = 0.1;
const QUICK_ROW_SECONDS_MIN = 1;

/** @typedef {{id: string, seconds: number}} Timed */

/** @param {Timed[]} rows @param {boolean} quick */
export function secondsOf(rows, quick) {
  return rows.reduce(
    (sum, { seconds }) => sum + (quick ? Math.max(QUICK_ROW_SECONDS_MIN, seconds * QUICK_PART) : seconds),
    0,
  );
}

export class Estimate {
  #rows;
  #total;
  #quick;
  /** @type {Map<string, number>} */
  #parts = new Map();

  /** @param {Timed[]} rows @param {boolean} quick */
  constructor(rows, quick) {
    this.#rows = rows;
    this.#quick = quick;
    this.#total = secondsOf(rows, quick);
  }

  /** A row never goes back. @param {string} id @param {number} part 0 to 1 */
  note(id, part) {
    const before = this.#parts.get(id) ?? 0;
    this.#parts.set(id, Math.max(before, Math.min(1, part)));
  }

  get rowsDone() {
    return this.#rows.filter(({ id }) => this.#parts.get(id) === 1).length;
  }

  /** 0 to 1 */
  get part() {
    if (this.#total === 0) return 1;
    const done = this.#rows.reduce(
      (sum, row) => sum + (this.#parts.get(row.id) ?? 0) * secondsOf([row], this.#quick),
      0,
    );
    return Math.min(1, done / this.#total);
  }

  /** @param {number} elapsed_s */
  secondsLeft(elapsed_s) {
    const part = this.part;
    if (part < PACE_KNOWN_PART) return Math.max(0, this.#total - elapsed_s);
    return (elapsed_s / part) * (1 - part);
  }
}
