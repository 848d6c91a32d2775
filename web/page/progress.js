/**
 * Turns counted bytes into a rate and the time left.
 *
 * The rate is a moving average over the last WINDOW_MS, so that it neither jumps with each chunk nor remembers a pause.
 */

const WINDOW_MS = 4_000;

export class ProgressMeter {
  /** @type {{at: number, bytes: number}[]} */ #samples = [];

  /** @param {number} bytes @param {number} total @param {number} now ms @returns {{rate: number, secondsLeft: number | null}} */
  update(bytes, total, now) {
    this.#samples.push({ at: now, bytes });
    while (this.#samples.length > 2 && now - /** @type {{at: number}} */ (this.#samples[0]).at > WINDOW_MS)
      this.#samples.shift();
    const first = /** @type {{at: number, bytes: number}} */ (this.#samples[0]);
    const rate = now > first.at ? Math.max(0, ((bytes - first.bytes) * 1000) / (now - first.at)) : 0;
    return { rate, secondsLeft: rate > 0 && total > 0 ? Math.max(0, (total - bytes) / rate) : null };
  }
}
