/**
 * The queue of files on their way into the vault. Pure: what running one means is the caller's.
 *
 * Nouns: an *item* waits, runs, and then leaves (done or cancelled) or stays as failed until tried again or dismissed.
 * Invariants: at most `parallel_max` run at once; they start in order of arrival; a failure that would hit every other
 * file too (no room, no storage) pauses the queue instead of failing them all.
 */

/**
 * @template S
 * @typedef {object} Item
 * @property {number} id
 * @property {string} name
 * @property {number} size
 * @property {S} source
 * @property {"waiting" | "running" | "failed"} status
 * @property {{stage: string, bytes: number, total: number, rate: number, secondsLeft: number | null}} progress
 * @property {unknown} error
 * @property {AbortController} aborter
 */

/**
 * @template S
 */
export class WorkQueue {
  /** @type {Map<number, Item<S>>} */
  #items = new Map();
  #nextId = 1;
  #running = 0;
  #paused = false;
  #run;
  #stopsAll;
  #onChange;
  #onDone;
  #parallelMax;
  /** Since the queue was last empty. */
  totals = { files: 0, filesDone: 0, bytes: 0, bytesDone: 0 };

  /**
   * @param {object} options
   * @param {(item: Item<S>) => Promise<unknown>} options.run
   * @param {(error: unknown) => boolean} options.stopsAll
   * @param {() => void} options.onChange
   * @param {(item: Item<S>, result: any) => void} options.onDone
   * @param {number} [options.parallel_max]
   */
  constructor({ run, stopsAll, onChange, onDone, parallel_max = 2 }) {
    this.#run = run;
    this.#stopsAll = stopsAll;
    this.#onChange = onChange;
    this.#onDone = onDone;
    this.#parallelMax = parallel_max;
  }

  get items() {
    return [...this.#items.values()];
  }

  get paused() {
    return this.#paused;
  }

  /** Files that still have work to come. */
  get pending() {
    let count = 0;
    for (const item of this.#items.values()) if (item.status !== "failed") count += 1;
    return count;
  }

  /** @param {{name: string, size: number, source: S}} entry */
  add({ name, size, source }) {
    if (this.#items.size === 0) this.totals = { files: 0, filesDone: 0, bytes: 0, bytesDone: 0 };
    const progress = { stage: "waiting", bytes: 0, total: size, rate: 0, secondsLeft: null };
    const id = this.#nextId++;
    const aborter = new AbortController();
    this.#items.set(id, { id, name, size, source, status: "waiting", progress, error: null, aborter });
    this.totals.files += 1;
    this.totals.bytes += size;
    this.#pump();
    this.#onChange();
  }

  /** @param {number} id  a running one leaves when its call has ended, so that `parallel_max` holds */
  cancel(id) {
    const item = this.#items.get(id);
    if (!item) return;
    item.aborter.abort();
    if (item.status !== "running") this.#leave(item);
    this.#pump();
    this.#onChange();
  }

  cancelAll() {
    for (const item of this.#items.values()) {
      item.aborter.abort();
      if (item.status !== "running") this.#leave(item);
    }
    this.#paused = false;
    this.#onChange();
  }

  /** Every failed item waits again, and a paused queue goes on. */
  retry() {
    this.#paused = false;
    for (const item of this.#items.values()) {
      if (item.status !== "failed") continue;
      item.status = "waiting";
      item.error = null;
      item.progress = { stage: "waiting", bytes: 0, total: item.size, rate: 0, secondsLeft: null };
    }
    this.#pump();
    this.#onChange();
  }

  /** @param {Item<S>} item  gone without having been stored */
  #leave(item) {
    this.#items.delete(item.id);
    this.totals.files -= 1;
    this.totals.bytes -= item.size;
  }

  #pump() {
    if (this.#paused || this.#running >= this.#parallelMax) return;
    for (const item of this.#items.values()) {
      if (this.#running >= this.#parallelMax) return;
      if (item.status === "waiting") void this.#start(item);
    }
  }

  /** @param {Item<S>} item */
  async #start(item) {
    item.status = "running";
    this.#running += 1;
    try {
      const result = await this.#run(item);
      this.#items.delete(item.id);
      this.totals.filesDone += 1;
      this.totals.bytesDone += item.size;
      this.#onDone(item, result);
    } catch (error) {
      if (item.aborter.signal.aborted) {
        this.#leave(item);
      } else {
        item.status = "failed";
        item.error = error;
        if (this.#stopsAll(error)) this.#paused = true;
      }
    }
    this.#running -= 1;
    this.#pump();
    this.#onChange();
  }
}
