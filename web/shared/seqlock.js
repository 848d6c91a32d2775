/**
 * Seqlocks: the latest value of something, written by one thread and read whole by any. The twin of
 * `py/inos/memory/seqlock.py`, which says why the words are used as they are.
 *
 * Nouns: the *sequence* is a word, odd while the value is being written; the *value* is a fixed number of bytes elsewhere.
 * Invariants: one writer, which never waits; a reader gets a value that was whole at some moment during its call, or null
 * after TRIES attempts (the writer is writing all the time, or died while writing; the next writer's first write repairs it).
 */

const TRIES = 64;

/** A value of the shared memory. */
export class Seqlock {
  #words;
  #index;
  #value;

  /**
   * @param {SharedArrayBuffer} buffer the shared memory
   * @param {number} sequenceAt offset of the sequence
   * @param {number} valueAt offset of the value
   * @param {number} length its bytes
   */
  constructor(buffer, sequenceAt, valueAt, length) {
    if (valueAt < sequenceAt + 4 && sequenceAt < valueAt + length) throw new RangeError("a sequence inside its value");
    this.#words = new Int32Array(buffer);
    this.#index = sequenceAt / 4;
    this.#value = new Uint8Array(buffer, valueAt, length);
  }

  /** @param {Uint8Array} value */
  write(value) {
    if (value.length !== this.#value.length) throw new RangeError(`${value.length} bytes`);
    const odd = Atomics.load(this.#words, this.#index) | 1;
    Atomics.store(this.#words, this.#index, odd);
    Atomics.load(this.#words, this.#index);
    this.#value.set(value);
    Atomics.store(this.#words, this.#index, (odd + 1) | 0);
  }

  /** @returns {Uint8Array | null} a copy */
  read() {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const before = Atomics.load(this.#words, this.#index);
      if (before & 1) continue;
      const value = this.#value.slice();
      if (Atomics.add(this.#words, this.#index, 0) === before) return value;
    }
    return null;
  }
}
