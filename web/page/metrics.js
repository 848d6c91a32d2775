/**
 * The node's live figures, read by the page from the shared memory without asking the brain.
 *
 * Nouns: a *counter* only grows, modulo 2^32 of its unit; a *gauge* is what is so now (sizes, what the arena holds, jobs
 * queued and running). Names are those of METRICS_WORDS in camel case; what is kept in KiB is answered in bytes.
 * Invariants: reading stops nobody and takes microseconds; each figure is atomic by itself, so two of one reading may be one
 * event apart. What the queues, the rings and the header know is read there. `py/inos/memory/metrics.py` reads the same.
 */

import * as L from "../shared/layout.gen.js";

const KIB = 1024;
const HEADER_GAUGES = {
  memoryBytes: L.HEADER_MEMORY_BYTES,
  arenaBytes: L.HEADER_ARENA_BYTES,
  muscles: L.HEADER_MUSCLES,
};

/** @param {string} name "JOBS_DONE" → "jobsDone" */
const camel = (name) => name.toLowerCase().replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

/** Name, place as a word of the memory, and what one of it is. @type {ReadonlyArray<[string, number, number]>} */
const FIGURES = [
  ...Object.entries(HEADER_GAUGES).map(([name, word]) => place(name, L.REGION_HEADER + 4 * word, 1)),
  ...Object.entries(L.METRICS).map(([name, word]) => {
    const unit = name.endsWith("_KIB") ? KIB : 1;
    return place(camel(name.replace(/_KIB$/, "")), L.REGION_METRICS + 4 * word, unit);
  }),
  ...Object.entries(L.RINGS).map(([name, at]) => place(`${camel(name)}Dropped`, at + L.RING_DROPPED_OFFSET, 1)),
];

/** @param {string} name @param {number} offset @param {number} unit @returns {[string, number, number]} */
function place(name, offset, unit) {
  return [name, offset / 4, unit];
}

export class Metrics {
  #words;

  /** @param {SharedArrayBuffer} buffer the shared memory */
  constructor(buffer) {
    this.#words = new Uint32Array(buffer);
  }

  /** @returns {Record<string, number>} */
  read() {
    /** @type {Record<string, number>} */
    const found = {};
    for (const [name, word, unit] of FIGURES) found[name] = Atomics.load(this.#words, word) * unit;
    found.jobsQueued = this.#queued(L.REGION_JOBS_URGENT) + this.#queued(L.REGION_JOBS_BULK);
    return found;
  }

  /** @param {number} queue REGION_JOBS_* */
  #queued(queue) {
    const taken = Atomics.load(this.#words, (queue + L.QUEUE_DEQUEUE_OFFSET) / 4);
    const given = Atomics.load(this.#words, (queue + L.QUEUE_ENQUEUE_OFFSET) / 4); // second: it can only be ahead
    return Math.min((given - taken) >>> 0, L.QUEUE_CELLS);
  }
}
