/**
 * Bench worker: one end of a stream of messages of one length, through a ring or by what people use today.
 *
 * Nouns: a *message* is its number, then words that are the same in all; a *credit* is room for one more message under way,
 * given back by the consumer, so that no way piles up memory.
 * Invariants: the consumer checks the number of every message and adds up all its words; nobody spins: a full ring and an
 * empty one are waited for.
 */
import { Epoch } from "../../shared/epochs.js";
import { EPOCH_NET_INBOX, EPOCH_NET_OUTBOX } from "../../shared/layout.gen.js";
import { RingReader, RingWriter } from "../../shared/ring.js";
import { answer, now, sumOf } from "./calls.js";

const TYPE = 1;
const LOST_MS = 20_000;
const DRAIN_MAX = 64; // frames taken before the producer is told of the room
const [READY, STOP, VERIFIED, CORRUPT] = [0, 1, 2, 3]; // words of the flags

/** @type {SharedArrayBuffer} */
let buffer;
/** @type {{at: number, bytes: number}} */
let place;
/** @type {Epoch} */
let data;
/** @type {Epoch} */
let room;
/** @type {MessagePort} */
let port;
/** @type {BroadcastChannel} */
let broadcast;
/** @type {Int32Array<SharedArrayBuffer>} */
let flags;
/** An end of the ring is claimed by whoever makes it, so each worker makes its own when it first needs it. @type {RingWriter | null} */
let writer = null;
/** @type {RingReader | null} */
let reader = null;

/** @param {number} length @returns {Uint32Array<ArrayBuffer>} word 0 is for the number */
function template(length) {
  const words = new Uint32Array(length / 4);
  for (let i = 1; i < words.length; i++) words[i] = Math.imul(i, 0x9e3779b1);
  return words;
}

/** What the words of message `number` add up to. @param {Uint32Array} words a template */
function sums(words) {
  const rest = sumOf(words);
  return (/** @type {number} */ number) => (rest + number) >>> 0;
}

function ready() {
  Atomics.store(flags, READY, 1);
  Atomics.notify(flags, READY);
}

/** @param {number} length @param {number} count */
function produceRing(length, count) {
  writer ??= new RingWriter(buffer, place.at, place.bytes, [data]);
  const words = template(length);
  const bytes = new Uint8Array(words.buffer);
  for (let number = 0; number < count; number++) {
    words[0] = number;
    while (!writer.push(TYPE, bytes)) {
      const seen = room.load();
      if (writer.push(TYPE, bytes)) break;
      if (Atomics.load(flags, STOP) !== 0) return;
      if (!room.wait(seen, LOST_MS)) throw new Error("nobody empties the ring");
    }
  }
}

/** @param {number} length @param {number} count */
function consumeRing(length, count) {
  reader ??= new RingReader(buffer, place.at, place.bytes);
  const wanted = sums(template(length));
  const words = new Uint32Array(buffer);
  let number = 0;
  const onFrame = (
    /** @type {number} */ _type,
    /** @type {DataView} */ _view,
    /** @type {number} */ at,
    /** @type {number} */ got,
  ) => {
    const from = at / 4;
    const good = got === length && words[from] === number && sumOf(words, from, from + got / 4) === wanted(number);
    Atomics.add(flags, good ? VERIFIED : CORRUPT, 1);
    number = (number + 1) >>> 0;
  };
  ready();
  while (number < count) {
    const seen = data.load();
    if (reader.drain(onFrame, DRAIN_MAX) > 0) {
      room.publish();
      continue;
    }
    if (Atomics.load(flags, STOP) !== 0) return;
    if (!data.wait(seen, LOST_MS)) throw new Error(`message ${number} did not come`);
  }
}

/** @param {string} way @param {number} length @param {number} count @param {number} open */
async function produceMessages(way, length, count, open) {
  const words = template(length);
  let credit = open;
  /** @type {PromiseWithResolvers<void>} */
  let more = Promise.withResolvers();
  port.onmessage = ({ data: given }) => {
    credit += given;
    more.resolve();
  };
  for (let number = 0; number < count; number++) {
    if (credit === 0) {
      more = Promise.withResolvers();
      await more.promise;
    }
    credit--;
    words[0] = number;
    if (way === "postMessage") port.postMessage(words);
    else if (way === "BroadcastChannel") broadcast.postMessage(words);
    else {
      const message = words.slice();
      port.postMessage(message, [message.buffer]);
    }
  }
}

/** @param {string} way @param {number} length @param {number} count @param {number} open */
function consumeMessages(way, length, count, open) {
  const wanted = sums(template(length));
  const from = way === "BroadcastChannel" ? broadcast : port;
  return new Promise((resolve) => {
    let number = 0;
    from.onmessage = ({ data: words }) => {
      const good = words.byteLength === length && words[0] === number && sumOf(words) === wanted(number);
      flags[good ? VERIFIED : CORRUPT]++;
      number++;
      if (number % (open / 2) === 0) port.postMessage(open / 2);
      if (number === count) resolve(undefined);
    };
    ready();
  });
}

answer({
  /**
   * @param {SharedArrayBuffer} given epochs where the layout has them
   * @param {{at: number, bytes: number, flags: SharedArrayBuffer, port: MessagePort, channel: string}} more the ring's place
   */
  start(given, { at, bytes, flags: words, port: end, channel }) {
    buffer = given;
    place = { at, bytes };
    data = new Epoch(buffer, EPOCH_NET_INBOX);
    room = new Epoch(buffer, EPOCH_NET_OUTBOX);
    port = end;
    broadcast = new BroadcastChannel(channel);
    flags = new Int32Array(words);
  },

  /** Answers when it began. @param {string} way @param {number} length @param {number} count @param {number} open */
  async produce(way, length, count, open) {
    Atomics.wait(flags, READY, 0, LOST_MS);
    const began = now();
    if (way === "ring") produceRing(length, count);
    else await produceMessages(way, length, count, open);
    return began;
  },

  /** Answers when the last message was verified. @param {string} way @param {number} length @param {number} count @param {number} open */
  async consume(way, length, count, open) {
    if (way === "ring") consumeRing(length, count);
    else await consumeMessages(way, length, count, open);
    return now();
  },
});
