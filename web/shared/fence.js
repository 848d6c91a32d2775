/**
 * Fences: who owns one end of something, in a word. The twin of `py/inos/memory/fence.py`.
 *
 * Nouns: a *generation* counts owners, in steps of two; the word is odd while its owner is inside an operation. To *claim*
 * an end is to begin a new generation; a *stale* end is one whose generation has passed: it learns so by Fenced.
 *
 * Invariants: an operation begins by making the word odd and ends by making it even again, both by compare-and-exchange
 * from the owner's own generation. So a claim falls before an operation (which then throws Fenced and touches nothing) or
 * after it, never into it: where the word is odd, a claim is refused with Busy, unless the caller *knows* that the owner is
 * dead. What is fenced is not known here.
 */

/** Somebody else owns this end now. */
export class Fenced extends Error {
  code = "Fenced";

  /** @override */
  name = "Fenced";
}

/** The owner of this end is inside an operation, or died there. */
export class Busy extends Error {
  code = "Busy";

  /** @override */
  name = "Busy";
}

/** One owner's hold on an end; making it claims the end. */
export class Fence {
  #words;
  #index;

  /**
   * @param {Int32Array<SharedArrayBuffer>} words
   * @param {number} index
   * @param {boolean} [dead] whoever owned this end is known to be dead
   */
  constructor(words, index, dead = false) {
    this.#words = words;
    this.#index = index;
    for (;;) {
      const seen = Atomics.load(words, index);
      if (seen & 1 && !dead) throw new Busy("its owner is at work, or died there");
      this.generation = ((seen | 1) + 1) | 0;
      if (Atomics.compareExchange(words, index, seen, this.generation) === seen) return;
    }
  }

  /** Begin an operation. */
  enter() {
    const mine = this.generation;
    const seen = Atomics.compareExchange(this.#words, this.#index, mine, mine + 1);
    if (seen !== mine) throw new Fenced(`this end is of generation ${mine}, the memory is at ${seen}`);
  }

  /** End it. Throws Fenced where this thread was declared dead meanwhile. */
  leave() {
    const mine = this.generation;
    const seen = Atomics.compareExchange(this.#words, this.#index, mine + 1, mine);
    if (seen !== mine + 1) throw new Fenced(`taken over inside an operation: generation ${mine}, now ${seen}`);
  }
}
