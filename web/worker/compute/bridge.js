/**
 * What Python in a compute worker gets by `import inos_js`: arena, words of the shared memory, blocking waits.
 *
 * Nouns: the worker's *page* is its row of COMPUTE; its *gate* is what it passes to enter the kernel; what it *holds* are the
 * arena references that it has neither released nor given away, each an entry of its page.
 * Invariants: the kernel and the entries are touched inside the gate only, so a thread that is ended from outside leaves
 * neither the arena's lock nor a block without its entry, and the brain can release what is left.
 */

import { atomicsBridge } from "../../shared/atomics_bridge.js";
import * as L from "../../shared/layout.gen.js";

/** A wait looks at the interrupt this often, since whoever interrupts does not know what is waited for. */
const WAIT_SLICE_MS = 100;

/**
 * @param {SharedArrayBuffer} buffer
 * @param {import("../../shared/kernel.js").Kernel} kernel
 * @param {number} slot
 * @param {() => void} checkInterrupt throws what Python has to raise
 */
export function computeBridge(buffer, kernel, slot, checkInterrupt) {
  const words = new Int32Array(buffer);
  const page = (L.REGION_COMPUTE + slot * L.COMPUTE_BYTES) / 4;
  const entries = words.subarray(page + L.COMPUTE_HELD_OFFSET / 4, page + L.COMPUTE_BYTES / 4);
  const gate = page + L.COMPUTE_GATE;
  const held = () => words[page + L.COMPUTE_HELD];

  /** @param {() => number} run */
  const inside = (run) => {
    if (Atomics.compareExchange(words, gate, L.GATE_OPEN, L.GATE_BUSY) !== L.GATE_OPEN)
      throw new Error("this worker has ended");
    try {
      return run();
    } finally {
      Atomics.store(words, gate, L.GATE_OPEN);
    }
  };
  /** @param {number} offset */
  const hold = (offset) => {
    entries[held()] = offset;
    words[page + L.COMPUTE_HELD] += 1;
  };
  /** @param {number} offset @returns {boolean} false: it held none */
  const drop = (offset) => {
    const last = held() - 1;
    const index = entries.lastIndexOf(offset, last);
    if (last < 0 || index < 0) return false;
    entries[index] = entries[last];
    words[page + L.COMPUTE_HELD] = last;
    return true;
  };

  return {
    held,
    /** @param {number} length @returns {number} 0 = no room */
    alloc: (length) =>
      inside(() => {
        const offset = held() < L.COMPUTE_HELD_MAX ? kernel.arena_alloc(length) : 0;
        if (offset !== 0) hold(offset);
        return offset;
      }),
    /** @param {number} offset @returns {number} references, or -1 */
    retain: (offset) =>
      inside(() => {
        const references = held() < L.COMPUTE_HELD_MAX ? kernel.arena_retain(offset) : -1;
        if (references > 0) hold(offset);
        return references;
      }),
    /** @param {number} offset @returns {number} references left, or -1 when this worker holds none */
    release: (offset) => inside(() => (drop(offset) ? kernel.arena_release(offset) : -1)),
    /** Leave a reference to somebody else. @param {number} offset @returns {number} 0, or -1 when it holds none */
    give: (offset) => inside(() => (drop(offset) ? 0 : -1)),
    used: kernel.arena_used,

    ...atomicsBridge(buffer),
    /**
     * Block while the word has the value `seen`.
     * @param {number} offset @param {number} seen @param {number} timeoutMs
     * @returns {boolean} false at the timeout
     */
    atomic_wait: (offset, seen, timeoutMs) => {
      const until = performance.now() + timeoutMs;
      for (;;) {
        const leftMs = Math.min(until - performance.now(), WAIT_SLICE_MS);
        if (Atomics.wait(words, offset / 4, seen, Math.max(leftMs, 0)) !== "timed-out") return true;
        if (words[page + L.COMPUTE_INTERRUPT] !== 0) checkInterrupt();
        if (leftMs < WAIT_SLICE_MS) return false;
      }
    },
  };
}
