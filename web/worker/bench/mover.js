/**
 * Bench worker: gives 1 MiB at a time to another worker, or takes it, by every way there is.
 *
 * Nouns: a *way* is how bytes travel: `pointer` (they lie in shared memory), `write` (they are written there first), or what
 * people use today; the *sum* of a block is that of its 32-bit words, which the taker adds up for every block it got.
 * Invariants: the giver makes every block different from the last one before its clock starts; the time ends when the taker
 * has read the first and last word of the block (`held`); it is taken again after the sum (`read`).
 */
import { Epoch } from "../../shared/epochs.js";
import { EPOCH_NET_INBOX } from "../../shared/layout.gen.js";
import { answer, clockStep, now, sleepUntil, sumOf } from "./calls.js";

const PAUSE_MS = 1;
const LOST_MS = 10_000;
const WAITS = 0; // word of the flags: how many blocks the taker has asked for

/** @typedef {{held: number, read: number, sum: number, first: number, last: number}} Taken */

/** @type {Epoch} */
let there;
/** @type {MessagePort} */
let port;
/** @type {BroadcastChannel} */
let broadcast;
/** @type {Int32Array<SharedArrayBuffer>} */
let flags;
/** The block in shared memory. @type {Uint32Array<SharedArrayBuffer>} */
let shared;
/** The giver's own copy. @type {Uint32Array<ArrayBuffer>} */
let own;
/** A buffer to transfer: filled, or one that came back. @type {Uint32Array<ArrayBuffer> | null} */
let spare = null;

/** @param {Uint32Array} words @returns {Taken} */
function take(words) {
  const [first, last] = [words[0], words[words.length - 1]];
  const held = now();
  const sum = sumOf(words);
  return { held, read: now(), sum, first, last };
}

/** Makes the block of this number. @param {Uint32Array} words @param {number} number */
function fill(words, number) {
  let value = (number + 1) * 0x9e3779b1;
  for (let i = 0; i < words.length; i++) {
    value = (Math.imul(value, 1664525) + 1013904223) | 0;
    words[i] = value;
  }
}

/** @param {Uint32Array<ArrayBuffer>} message */
function transfer(message) {
  spare = null;
  port.postMessage(message, [message.buffer]);
}

/** Give block after block; the time between is the taker's to fall asleep. @type {Record<string, () => void>} */
const GIVE = {
  pointer: () => there.publish(),
  write: () => {
    shared.set(own);
    there.publish();
  },
  postMessage: () => port.postMessage(own),
  "transfer.filled": () => transfer(/** @type {Uint32Array<ArrayBuffer>} */ (spare)),
  "transfer.written": () => {
    const message = spare ?? new Uint32Array(own.length);
    message.set(own);
    transfer(message);
  },
  BroadcastChannel: () => broadcast.postMessage(own),
};

answer({
  /**
   * @param {SharedArrayBuffer} buffer epochs where the layout has them, and the block behind `at`
   * @param {{at: number, bytes: number, flags: SharedArrayBuffer, port: MessagePort, channel: string}} given
   */
  start(buffer, { at, bytes, flags: words, port: given, channel }) {
    there = new Epoch(buffer, EPOCH_NET_INBOX);
    port = given;
    broadcast = new BroadcastChannel(channel);
    flags = new Int32Array(words);
    shared = new Uint32Array(buffer, at, bytes / 4);
    own = new Uint32Array(bytes / 4);
    return { clockStepMs: clockStep() };
  },

  /** @param {string} way @param {number} count @returns {Promise<{began: number, sum: number}[]>} */
  async give(way, count) {
    const given = [];
    port.onmessage = ({ data }) => {
      spare = new Uint32Array(data);
    };
    for (let number = 0; number < count; number++) {
      while (Atomics.load(flags, WAITS) !== number + 1) {
        const seen = Atomics.load(flags, WAITS);
        if (Atomics.wait(flags, WAITS, seen, LOST_MS) === "timed-out") throw new Error("the taker is gone");
      }
      const words = way === "pointer" ? shared : own;
      fill(words, number);
      const sum = sumOf(words);
      sleepUntil(performance.now() + PAUSE_MS); // the taker has fallen asleep by then
      if (way === "transfer.filled") spare = own.slice();
      const began = now();
      GIVE[way]();
      given.push({ began, sum });
      if (way === "transfer.written") await new Promise((resolve) => setTimeout(resolve, 2)); // the buffer comes back
    }
    return given;
  },

  /** @param {string} way @param {number} count @returns {Promise<Taken[]>} */
  async take(way, count) {
    /** @type {Taken[]} */
    const taken = [];
    const wants = () => {
      Atomics.store(flags, WAITS, taken.length + 1);
      Atomics.notify(flags, WAITS);
    };
    if (way === "pointer" || way === "write") {
      for (let seen = there.load(); taken.length < count; seen = (seen + 1) | 0) {
        wants();
        if (!there.wait(seen, LOST_MS)) throw new Error(`block ${taken.length} did not come`);
        taken.push(take(shared));
      }
      return taken;
    }
    const from = way === "BroadcastChannel" ? broadcast : port;
    return new Promise((resolve) => {
      from.onmessage = ({ data }) => {
        taken.push(take(data));
        if (way === "transfer.written") port.postMessage(data.buffer, [data.buffer]);
        if (taken.length === count) resolve(taken);
        else wants();
      };
      wants();
    });
  },

  /** Shared to shared, one `set` a block; answers the milliseconds. @param {number} count @param {number} blocks */
  copy(count, blocks) {
    const words = shared.length / (2 * blocks);
    const half = shared.length / 2;
    const from = Array.from({ length: blocks }, (_, i) => shared.subarray(i * words, (i + 1) * words));
    const to = Array.from({ length: blocks }, (_, i) => half + i * words);
    from.forEach(fill);
    const began = performance.now();
    for (let i = 0; i < count; i++) shared.set(from[i % blocks], to[i % blocks]);
    const ms = performance.now() - began;
    const wrong = from.filter((block, i) => sumOf(block) !== sumOf(shared.subarray(to[i], to[i] + words))).length;
    if (wrong && count >= blocks) throw new Error(`${wrong} copies differ`);
    return ms;
  },

  /** Reads that each need the one before, along one cycle through the block; answers nanoseconds a read. @param {number} rounds */
  chase(rounds) {
    const length = shared.length;
    // Sattolo's shuffle: one cycle through all words, in an order that no prefetcher guesses.
    for (let i = 0; i < length; i++) shared[i] = i;
    for (let i = length - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * i);
      [shared[i], shared[j]] = [shared[j], shared[i]];
    }
    const words = shared;
    let at = 0;
    const began = performance.now();
    for (let round = 0; round < rounds; round++) for (let i = 0; i < length; i++) at = words[at];
    const ms = performance.now() - began;
    if (at !== 0) throw new Error("the cycle did not close");
    return (ms * 1e6) / (rounds * length);
  },
});
