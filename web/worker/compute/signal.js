/**
 * The word by which a Python is interrupted, as CPython looks at it.
 *
 * CPython's `_Py_CheckEmscriptenSignals` reads the word and clears it in two steps (Python/emscripten_signal.c): an interrupt
 * stored between them was lost, about once in a thousand cancels of a busy loop. Here reading takes it, in one step.
 */

/** @param {Int32Array} signal one word of shared memory @returns {any} for `pyodide.setInterruptBuffer` */
export function takenSignal(signal) {
  return {
    get 0() {
      return Atomics.exchange(signal, 0, 0);
    },
    set 0(_cleared) {}, // by the reading
  };
}
