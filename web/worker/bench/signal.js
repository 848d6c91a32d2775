/**
 * Bench worker: one end of a pair that signal each other, by epochs, by postMessage or by a BroadcastChannel.
 *
 * Nouns: a *way* is how a signal travels; a *window* is a number of signals, one a tick; `sent` and `received` hold the
 * time of each, in shared memory, by its number.
 * Invariants: the receiver is asleep when a signal leaves (a tick is long against a signal's way); signals that the receiver
 * finds together were all seen at that moment; times are taken next to the signal, on the clock that both workers share.
 */
import { Epoch } from "../../shared/epochs.js";
import { EPOCH_NET_INBOX, EPOCH_NET_OUTBOX } from "../../shared/layout.gen.js";
import { answer, clockStep, now, sleepUntil } from "./calls.js";

const TICK_MS = 1;
const LOST_MS = 10_000;
const READY = 0;

/** @type {Epoch} */
let out;
/** @type {Epoch} */
let into;
/** @type {MessagePort} */
let port;
/** @type {BroadcastChannel} */
let broadcast;
/** @type {Int32Array<SharedArrayBuffer>} */
let flags;
/** @type {Float64Array} */
let sent;
/** @type {Float64Array} */
let received;

/** @type {Record<string, (number: number) => void>} */
const SEND = {
  epoch: () => out.publish(),
  "epoch.async": () => out.publish(),
  postMessage: (number) => port.postMessage(number),
  BroadcastChannel: (number) => broadcast.postMessage(number),
};

function ready() {
  Atomics.store(flags, READY, 1);
  Atomics.notify(flags, READY);
}

/** Wait in the thread, window by window. @param {number} count */
function receiveBlocked(count) {
  const first = into.load();
  ready();
  for (let done = 0; done < count; ) {
    const seen = (first + done) | 0;
    if (!into.wait(seen, LOST_MS)) throw new Error(`signal ${done} did not come`);
    const at = now();
    for (const upTo = (into.load() - first) | 0; done < upTo; done++) received[done] = at;
  }
}

/** @param {number} count */
async function receiveAsync(count) {
  const first = into.load();
  ready();
  for (let done = 0; done < count; ) {
    await into.waitAsync((first + done) | 0, LOST_MS);
    const at = now();
    const upTo = (into.load() - first) | 0;
    if (upTo === done) throw new Error(`signal ${done} did not come`);
    for (; done < upTo; done++) received[done] = at;
  }
}

/** @param {MessagePort | BroadcastChannel} from @param {number} count @returns {Promise<void>} */
function receiveMessages(from, count) {
  return new Promise((resolve) => {
    let left = count;
    from.onmessage = ({ data }) => {
      received[data] = now();
      if (--left === 0) resolve();
    };
    ready();
  });
}

answer({
  /**
   * @param {SharedArrayBuffer} buffer epochs where the layout has them
   * @param {{flags: SharedArrayBuffer, times: SharedArrayBuffer, port: MessagePort, channel: string, second: boolean}} given
   */
  start(buffer, { flags: shared, times, port: given, channel, second }) {
    const ends = [new Epoch(buffer, EPOCH_NET_INBOX), new Epoch(buffer, EPOCH_NET_OUTBOX)];
    [out, into] = second ? ends.reverse() : ends;
    port = given;
    broadcast = new BroadcastChannel(channel);
    flags = new Int32Array(shared);
    const half = times.byteLength / 16;
    sent = new Float64Array(times, 0, half);
    received = new Float64Array(times, half * 8, half);
    return { clockStepMs: clockStep() };
  },

  /** One signal a tick. @param {string} way @param {number} count */
  send(way, count) {
    Atomics.wait(flags, READY, 0, LOST_MS);
    const began = performance.now() + 2 * TICK_MS; // the receiver has fallen asleep by then
    for (let number = 0; number < count; number++) {
      sleepUntil(began + number * TICK_MS);
      sent[number] = now();
      SEND[way](number);
    }
  },

  /** @param {string} way @param {number} count */
  receive(way, count) {
    if (way === "epoch") return receiveBlocked(count);
    if (way === "epoch.async") return receiveAsync(count);
    return receiveMessages(way === "postMessage" ? port : broadcast, count);
  },

  /** Answer every signal, or begin and be answered. @param {string} way @param {number} rounds @param {boolean} begins */
  async exchange(way, rounds, begins) {
    const began = performance.now();
    if (way === "epoch") {
      let seen = into.load();
      if (!begins) ready();
      else Atomics.wait(flags, READY, 0, LOST_MS);
      for (let round = 0; round < rounds; round++) {
        if (begins) out.publish();
        if (!into.wait(seen, LOST_MS)) throw new Error(`signal ${round} did not come`);
        seen = (seen + 1) | 0;
        if (into.load() !== seen) throw new Error("a signal came that nobody sent");
        if (!begins) out.publish();
      }
      return performance.now() - began;
    }
    const channel = way === "postMessage" ? port : broadcast;
    await new Promise((resolve) => {
      let left = rounds;
      channel.onmessage = ({ data }) => {
        if (!begins) channel.postMessage(data);
        if (--left === 0) resolve(undefined);
        else if (begins) channel.postMessage(left);
      };
      if (begins) {
        Atomics.wait(flags, READY, 0, LOST_MS);
        channel.postMessage(left);
      } else ready();
    });
    return performance.now() - began;
  },
});
