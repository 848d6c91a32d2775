/**
 * What Python's region does with words: closures over one Int32Array that take and return small ints.
 *
 * A call costs Python 0.6 to 1.0 us; spelled in Python (`Atomics.load(i32, 0)`) it would be several times as
 * much and a proxy per access (pyodide-facts A.1.1). Offsets are bytes, as everywhere in `inos.memory`.
 * Invariants: nothing here blocks; what blocks is `waitBridge`, for threads that run no event loop.
 */

/** @param {number} offset */
function wordAt(offset) {
  if (offset & 3) throw new RangeError(`no word at ${offset}`);
  return offset >>> 2;
}

/** @param {SharedArrayBuffer} buffer */
export function atomicsBridge(buffer) {
  const words = new Int32Array(buffer);
  return {
    /** @param {number} offset */
    atomic_load: (offset) => Atomics.load(words, wordAt(offset)),
    /** @param {number} offset @param {number} value */
    atomic_store(offset, value) {
      Atomics.store(words, wordAt(offset), value);
    },
    /** @param {number} offset @param {number} value */
    atomic_add: (offset, value) => Atomics.add(words, wordAt(offset), value),
    /** @param {number} offset @param {number} expected @param {number} value */
    atomic_compare_exchange: (offset, expected, value) =>
      Atomics.compareExchange(words, wordAt(offset), expected, value),
    /** @param {number} offset @param {number} count */
    atomic_notify: (offset, count) => Atomics.notify(words, wordAt(offset), count),
  };
}

/** @param {SharedArrayBuffer} buffer */
export function waitBridge(buffer) {
  const words = new Int32Array(buffer);
  return {
    /** @param {number} offset @param {number} expected @param {number} timeoutMs */
    atomic_wait: (offset, expected, timeoutMs) =>
      Atomics.wait(words, wordAt(offset), expected, timeoutMs) !== "timed-out",
  };
}
