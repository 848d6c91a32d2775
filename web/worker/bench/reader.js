/** Bench worker: holds data, its own copy or shared, and adds up every word of it. */
import { answer, sumOf } from "./calls.js";

/** @type {Uint32Array} */
let held;

answer({
  /** @param {Uint32Array} words */
  hold(words) {
    held = words;
    return sumOf(held);
  },

  /** The sum again: the data are still here. */
  sum: () => sumOf(held),
});
