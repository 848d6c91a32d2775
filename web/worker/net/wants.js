/**
 * The blocks wanted from one peer, and where their bytes go.
 *
 * Nouns: a *want* is a request number with a span of the arena to fill; a *fragment* is one DATA message of it; *stray*
 * bytes belong to a request that is not wanted (any more).
 *
 * Invariants: fragments of a want are contiguous from 0, their total never changes and never exceeds the capacity, so
 * no byte is written outside a span the brain gave; a span is retained as long as it may be written. Stray bytes have a
 * budget: what was still to come when a want was taken back, and one block on top.
 */

import { BLOCK_BYTES_MAX } from "../../shared/layout.gen.js";
import { FAILED_CAPACITY, FAILED_ORDER, STRAY_BYTES_MAX } from "./bounds.js";

/** @typedef {{retain(offset: number): boolean, release(offset: number): void}} Arena retain: false = not a live block's start */
/** @typedef {{offset: number, capacity: number, received: number, total: number}} Want */
/**
 * What became of a fragment: stored, or the last of its block (`length` bytes), or the end of a want that it does not
 * fit (`reason`), or not wanted, or more unwanted bytes than an honest peer sends.
 * @typedef {{kind: "stored"} | {kind: "done", length: number} | {kind: "failed", reason: number} |
 *   {kind: "stray"} | {kind: "flood"}} Outcome
 */

/** The wants of one channel. */
export class Wants {
  #bytes;
  #arena;
  /** @type {Map<number, Want>} */
  #wants = new Map();
  #strayBudget = STRAY_BYTES_MAX;

  /**
   * @param {Uint8Array} bytes the whole shared memory
   * @param {Arena} arena
   */
  constructor(bytes, arena) {
    this.#bytes = bytes;
    this.#arena = arena;
  }

  /**
   * @param {number} request
   * @param {number} offset
   * @param {number} capacity
   * @returns {boolean} false when there is no such block in the arena
   */
  expect(request, offset, capacity) {
    this.forget(request);
    if (!this.#arena.retain(offset)) return false;
    this.#wants.set(request, { offset, capacity, received: 0, total: 0 });
    return true;
  }

  /**
   * Take a want back; its bytes may still arrive and are then ignored.
   * @param {number} request
   * @returns {boolean} false when it was not wanted
   */
  forget(request) {
    const want = this.#wants.get(request);
    if (want === undefined) return false;
    const coming = want.total === 0 ? Math.min(want.capacity, BLOCK_BYTES_MAX) : want.total - want.received;
    this.#strayBudget += coming;
    this.#end(request, want);
    return true;
  }

  /** Take all back: the channel is gone. */
  clear() {
    for (const [request, want] of this.#wants) this.#end(request, want);
  }

  /**
   * Store one fragment.
   * @param {number} request
   * @param {number} offset of the fragment in its block
   * @param {number} total of the block
   * @param {Uint8Array} fragment not empty
   * @returns {Outcome}
   */
  take(request, offset, total, fragment) {
    const want = this.#wants.get(request);
    if (want === undefined) {
      this.#strayBudget -= fragment.length;
      return { kind: this.#strayBudget < 0 ? "flood" : "stray" };
    }
    const reason = this.#misfit(want, offset, total, fragment.length);
    if (reason !== 0) {
      this.forget(request);
      return { kind: "failed", reason };
    }
    this.#bytes.set(fragment, want.offset + offset);
    want.total = total;
    want.received = offset + fragment.length;
    if (want.received < total) return { kind: "stored" };
    this.#end(request, want);
    return { kind: "done", length: total };
  }

  /**
   * @param {Want} want
   * @param {number} offset
   * @param {number} total
   * @param {number} length
   */
  #misfit(want, offset, total, length) {
    if (total > want.capacity) return FAILED_CAPACITY;
    const continues = offset === want.received && (want.received === 0 || total === want.total);
    return continues && length <= total - offset ? 0 : FAILED_ORDER;
  }

  /**
   * @param {number} request
   * @param {Want} want
   */
  #end(request, want) {
    this.#wants.delete(request);
    this.#arena.release(want.offset);
  }
}
