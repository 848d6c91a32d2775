/**
 * Epochs: counters that say "look again".
 *
 * Nouns: an *epoch* is an Int32 on a 64-byte line of its own; to *publish* is to add one and wake whoever waits.
 *
 * Invariants: data is written before the epoch is published; a watcher loads the epoch, drains until there is nothing
 * left, and only then waits for the value it loaded: whatever was published in between makes the wait return at once.
 * Values are compared by inequality only, since they wrap. What an epoch means is not known here.
 */

import { LINE_BYTES, REGION_EPOCHS, REGION_EPOCHS_BYTES } from "./layout.gen.js";

// Where Atomics.waitAsync is missing (Firefox before 145) the word is polled: quickly at first, then at this interval.
const POLL_INTERVAL_MS_MAX = 16;

/** How long a worker sleeps before it looks again unasked: what a wake that a browser lost may cost. */
export const LOOK_AGAIN_MS = 2_000;

/** @type {(callback: () => void, delayMs: number) => unknown} */
const later = (callback, delayMs) => /** @type {any} */ (globalThis).setTimeout(callback, delayMs);

/** One epoch of the shared memory. */
export class Epoch {
  #words;
  #index;

  /**
   * @param {SharedArrayBuffer} buffer the shared memory
   * @param {number} which EPOCH_* of the layout
   */
  constructor(buffer, which) {
    this.#words = new Int32Array(buffer, REGION_EPOCHS, REGION_EPOCHS_BYTES / 4);
    this.#index = (which * LINE_BYTES) / 4;
  }

  /** @returns {number} the value to hand to a wait */
  load() {
    return Atomics.load(this.#words, this.#index);
  }

  /** Say that something changed; call it after the change is written. */
  publish() {
    Atomics.add(this.#words, this.#index, 1);
    Atomics.notify(this.#words, this.#index);
  }

  /**
   * Resolve when the epoch no longer has the value `seen` (at once if it already has another), or at the timeout. Also, now and
   * then, although nothing changed: a publish that was seen already may wake its waiters only now.
   * @param {number} seen
   * @param {number} [timeoutMs]
   * @returns {Promise<boolean>} false at the timeout
   */
  async waitAsync(seen, timeoutMs = Number.POSITIVE_INFINITY) {
    if (typeof Atomics.waitAsync !== "function") return this.#poll(seen, timeoutMs);
    return (await Atomics.waitAsync(this.#words, this.#index, seen, timeoutMs).value) !== "timed-out";
  }

  /**
   * Block this thread until the epoch changes; only threads that may block (muscles, compute) call it.
   * @param {number} seen
   * @param {number} [timeoutMs]
   * @returns {boolean} false at the timeout
   */
  wait(seen, timeoutMs = Number.POSITIVE_INFINITY) {
    return Atomics.wait(this.#words, this.#index, seen, timeoutMs) !== "timed-out";
  }

  /**
   * @param {number} seen
   * @param {number} timeoutMs
   * @returns {Promise<boolean>}
   */
  #poll(seen, timeoutMs) {
    return new Promise((resolve) => {
      let waitedMs = 0;
      let delayMs = 1;
      const look = () => {
        const changed = this.load() !== seen;
        if (changed || waitedMs >= timeoutMs) {
          resolve(changed);
          return;
        }
        later(look, delayMs);
        waitedMs += delayMs;
        delayMs = Math.min(delayMs * 2, POLL_INTERVAL_MS_MAX);
      };
      look();
    });
  }
}
