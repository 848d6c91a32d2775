/**
 * The queue of job ids: bounded, any number of producers and consumers. The twin of `py/inos/memory/queue.py`, which defines
 * what happens when it is full, empty, wraps, or a thread dies.
 *
 * D. Vyukov's bounded queue, with one change: a thread claims the *cell*, leaving its number there, and the shared position
 * follows, moved on by whoever comes by. So a thread that dies holds up nobody who works on other cells, and what it held is
 * known exactly.
 *
 * Nouns: a *position* counts enqueues (or dequeues) ever made, a u32 that wraps; a *cell* is {sequence, value}; its sequence
 * is a position of the cell plus a *state*: 0 free, FILLED, CLAIMED + thread, TAKEN + thread, ABANDONED. Emptying makes it
 * free for position + QUEUE_CELLS.
 *
 * Invariants: every id pushed is popped exactly once, in the order of the positions; a full queue refuses (the producer
 * waits or is told), an empty one answers -1; one thread at a time uses a thread number.
 */

import {
  QUEUE_ABANDONED,
  QUEUE_CELL_BYTES,
  QUEUE_CELLS,
  QUEUE_CELLS_OFFSET,
  QUEUE_CLAIMED,
  QUEUE_DEQUEUE_OFFSET,
  QUEUE_ENQUEUE_OFFSET,
  QUEUE_FILLED,
  QUEUE_TAKEN,
  THREADS_MAX,
} from "./layout.gen.js";

const MASK = QUEUE_CELLS - 1;
const ENQUEUE = QUEUE_ENQUEUE_OFFSET / 4;
const DEQUEUE = QUEUE_DEQUEUE_OFFSET / 4;
const CELLS = QUEUE_CELLS_OFFSET / 4;
const CELL_WORDS = QUEUE_CELL_BYTES / 4;

/** A queue at one region of the shared memory, as one thread uses it. */
export class Queue {
  #words;
  #thread;

  /**
   * @param {SharedArrayBuffer} buffer
   * @param {number} offset REGION_JOBS_* of the layout
   * @param {number} thread below THREADS_MAX, as with the kernel's stacks
   */
  constructor(buffer, offset, thread) {
    if (!(thread >= 0 && thread < THREADS_MAX)) throw new RangeError(`thread ${thread}`);
    this.#words = new Int32Array(buffer, offset, CELLS + QUEUE_CELLS * CELL_WORDS);
    this.#thread = thread;
  }

  /**
   * Make it empty; before any thread uses it.
   * @param {number} [position] where counting starts (tests start just below the wrap)
   */
  init(position = 0) {
    Atomics.store(this.#words, ENQUEUE, position | 0);
    Atomics.store(this.#words, DEQUEUE, position | 0);
    for (let step = 0; step < QUEUE_CELLS; step++) {
      const at = (position + step) | 0;
      Atomics.store(this.#words, CELLS + (at & MASK) * CELL_WORDS, at);
    }
  }

  /**
   * @param {number} id u32
   * @returns {boolean} false when the queue is full
   */
  push(id) {
    const words = this.#words;
    for (;;) {
      const position = Atomics.load(words, ENQUEUE);
      const cell = CELLS + (position & MASK) * CELL_WORDS;
      const state = (Atomics.load(words, cell) - position) | 0;
      if (state < 0) return false;
      const claimed = (position + QUEUE_CLAIMED + this.#thread) | 0;
      const won = state === 0 && Atomics.compareExchange(words, cell, position, claimed) === position;
      if (won || state !== 0) Atomics.compareExchange(words, ENQUEUE, position, (position + 1) | 0);
      if (!won) continue; // another thread claimed this cell: look again
      Atomics.store(words, cell + 1, id);
      Atomics.store(words, cell, (position + QUEUE_FILLED) | 0);
      return true;
    }
  }

  /** @returns {number} an id, or -1 when the queue is empty */
  pop() {
    const words = this.#words;
    for (;;) {
      const position = Atomics.load(words, DEQUEUE);
      const cell = CELLS + (position & MASK) * CELL_WORDS;
      const sequence = Atomics.load(words, cell);
      const state = (sequence - position) | 0;
      if (state === QUEUE_FILLED) {
        const taken = (position + QUEUE_TAKEN + this.#thread) | 0;
        if (Atomics.compareExchange(words, cell, sequence, taken) !== sequence) continue;
        Atomics.compareExchange(words, DEQUEUE, position, (position + 1) | 0);
        const id = Atomics.load(words, cell + 1) >>> 0;
        Atomics.store(words, cell, (position + QUEUE_CELLS) | 0);
        return id;
      }
      if (state === QUEUE_ABANDONED) Atomics.compareExchange(words, cell, sequence, (position + QUEUE_CELLS) | 0);
      else if (state < QUEUE_TAKEN) return -1; // free, being filled, or not yet emptied of what it held a lap ago
      Atomics.compareExchange(words, DEQUEUE, position, (position + 1) | 0); // taken by another: help it on
    }
  }

  /**
   * Free what `thread`, which is dead, was holding.
   * @param {number} thread
   * @returns {number[]} the ids that it had taken out and not answered
   */
  repair(thread) {
    const words = this.#words;
    const lost = [];
    for (let index = 0; index < QUEUE_CELLS; index++) {
      const cell = CELLS + index * CELL_WORDS;
      const sequence = Atomics.load(words, cell);
      const state = (sequence - index) & MASK;
      if (state === QUEUE_CLAIMED + thread) {
        Atomics.store(words, cell, (sequence - state + QUEUE_ABANDONED) | 0);
      } else if (state === QUEUE_TAKEN + thread) {
        lost.push(Atomics.load(words, cell + 1) >>> 0);
        Atomics.store(words, cell, (sequence - state + QUEUE_CELLS) | 0);
      }
    }
    return lost;
  }
}
