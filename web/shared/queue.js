/**
 * The queue of job ids: bounded, any number of producers and consumers (D. Vyukov's bounded MPMC queue).
 *
 * Nouns: a *position* counts enqueues (or dequeues) ever made, a u32 that wraps; a *cell* is {sequence, value}. A cell
 * is free for position p when its sequence is p, and filled for p when it is p + 1; taking it sets p + QUEUE_CELLS.
 *
 * Invariants: every id pushed is popped exactly once, in the order of the positions; a full queue refuses (the producer
 * waits or is told), an empty one answers -1. A thread that dies between claiming and filling a cell stalls the queue,
 * so nothing here allocates or calls out between the two.
 */

import {
  QUEUE_CELL_BYTES,
  QUEUE_CELLS,
  QUEUE_CELLS_OFFSET,
  QUEUE_DEQUEUE_OFFSET,
  QUEUE_ENQUEUE_OFFSET,
} from "./layout.gen.js";

const MASK = QUEUE_CELLS - 1;
const ENQUEUE = QUEUE_ENQUEUE_OFFSET / 4;
const DEQUEUE = QUEUE_DEQUEUE_OFFSET / 4;
const CELLS = QUEUE_CELLS_OFFSET / 4;
const CELL_WORDS = QUEUE_CELL_BYTES / 4;

/** A queue at one region of the shared memory. */
export class Queue {
  #words;

  /**
   * @param {SharedArrayBuffer} buffer
   * @param {number} offset REGION_JOBS_* of the layout
   */
  constructor(buffer, offset) {
    this.#words = new Int32Array(buffer, offset, CELLS + QUEUE_CELLS * CELL_WORDS);
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
      const ahead = (Atomics.load(words, cell) - position) | 0;
      if (ahead < 0) return false;
      if (ahead > 0) continue; // another producer took this position: look again
      if (Atomics.compareExchange(words, ENQUEUE, position, (position + 1) | 0) !== position) continue;
      Atomics.store(words, cell + 1, id);
      Atomics.store(words, cell, (position + 1) | 0);
      return true;
    }
  }

  /** @returns {number} an id, or -1 when the queue is empty */
  pop() {
    const words = this.#words;
    for (;;) {
      const position = Atomics.load(words, DEQUEUE);
      const cell = CELLS + (position & MASK) * CELL_WORDS;
      const ahead = (Atomics.load(words, cell) - position - 1) | 0;
      if (ahead < 0) return -1;
      if (ahead > 0) continue;
      if (Atomics.compareExchange(words, DEQUEUE, position, (position + 1) | 0) !== position) continue;
      const id = Atomics.load(words, cell + 1) >>> 0;
      Atomics.store(words, cell, (position + QUEUE_CELLS) | 0);
      return id;
    }
  }
}
