// A net worker on a small shared memory, with channels, clock and timers of our own, and the brain's end of its rings.
import {
  ARENA_OFFSET,
  REGION_NET_INBOX,
  REGION_NET_INBOX_BYTES,
  REGION_NET_OUTBOX,
  REGION_NET_OUTBOX_BYTES,
} from "../../web/shared/layout.gen.js";
import { RingReader, RingWriter } from "../../web/shared/ring.js";
import { Net } from "../../web/worker/net/net.js";

/** What a link uses of an RTCDataChannel. */
export class FakeChannel {
  binaryType = "";
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  readyState = "connecting";
  /** @type {Uint8Array[]} */
  sent = [];
  /** @type {FakeChannel | null} where messages arrive */
  other = null;
  /** @type {any} */ onopen = null;
  /** @type {any} */ onmessage = null;
  /** @type {any} */ onbufferedamountlow = null;
  /** @type {any} */ onclose = null;

  open() {
    this.readyState = "open";
    this.onopen?.();
  }

  /** @param {Uint8Array} message */
  send(message) {
    if (this.readyState !== "open") throw new Error("InvalidStateError");
    this.sent.push(message.slice());
    this.bufferedAmount += message.length;
  }

  /** The network takes everything that is buffered. */
  deliver() {
    const messages = this.sent.splice(0);
    this.bufferedAmount = 0;
    for (const message of messages) this.other?.receive(message);
    this.onbufferedamountlow?.();
    return messages.length;
  }

  /** @param {Uint8Array | string} message */
  receive(message) {
    this.onmessage?.({ data: typeof message === "string" ? message : message.slice().buffer });
  }

  close() {
    this.readyState = "closed";
  }
}

/** One node: memory, net, and the brain's ends of the rings. */
export class FakeNode {
  buffer = new SharedArrayBuffer(ARENA_OFFSET + 16 * 1024 * 1024);
  bytes = new Uint8Array(this.buffer);
  nowMs = 1_800_000_000_000;
  /** @type {string[]} */ reasons = [];
  /** @type {Map<number, number>} */ references = new Map();
  /** @type {(() => void)[]} */ timers = [];
  /** @type {boolean[]} whether it wanted to be ticked, each time it said so */ beats = [];
  #outbox = new RingWriter(this.buffer, REGION_NET_OUTBOX, REGION_NET_OUTBOX_BYTES);
  #inbox = new RingReader(this.buffer, REGION_NET_INBOX, REGION_NET_INBOX_BYTES);

  constructor() {
    const arena = {
      retain: (/** @type {number} */ offset) => this.#refer(offset, 1),
      release: (/** @type {number} */ offset) => void this.#refer(offset, -1),
    };
    this.net = new Net(this.buffer, arena, {
      now: () => this.nowMs,
      later: (callback) => this.timers.push(callback),
      beat: (on) => this.beats.push(on),
      tell: ({ reason }) => this.reasons.push(reason),
    });
  }

  /** @param {number} offset @param {number} by */
  #refer(offset, by) {
    this.references.set(offset, (this.references.get(offset) ?? 0) + by);
    return offset % 64 === 0; // what the real arena calls the start of a block
  }

  /** References that the net worker holds. */
  get held() {
    return [...this.references.values()].reduce((sum, count) => sum + count, 0);
  }

  /** @param {number} type @param {...(number | Uint8Array)} parts */
  command(type, ...parts) {
    if (!this.#outbox.push(type, ...parts)) throw new Error("outbox full");
    this.net.drain();
  }

  /** Frames from the net worker: type, then words, or bytes after channel and generation for CONTROL (3). */
  frames() {
    /** @type {any[][]} */
    const frames = [];
    this.#inbox.drain((type, view, offset, length) => {
      const words = [];
      for (let at = 0; at < (type === 3 ? 8 : length); at += 4) words.push(view.getUint32(offset + at, true));
      if (type === 3) frames.push([type, ...words, [...this.bytes.subarray(offset + 8, offset + length)]]);
      else frames.push([type, ...words]);
    });
    return frames;
  }

  tick(afterMs = 1_000) {
    this.nowMs += afterMs;
    this.net.tick();
  }
}

function channelPair() {
  const [here, there] = [new FakeChannel(), new FakeChannel()];
  here.other = there;
  there.other = here;
  return /** @type {const} */ ([here, there]);
}

/** Two nodes with an open, accepted channel between them: channel 1 generation 7 here, channel 2 generation 9 there. */
export function connectedPair() {
  const [a, b] = [new FakeNode(), new FakeNode()];
  const [here, there] = channelPair();
  const [beatHere, beatThere] = channelPair();
  a.net.adopt(1, 7, /** @type {any} */ (here), /** @type {any} */ (beatHere));
  b.net.adopt(2, 9, /** @type {any} */ (there), /** @type {any} */ (beatThere));
  for (const channel of [here, there, beatHere, beatThere]) channel.open();
  a.command(21, 1, 7);
  b.command(21, 2, 9);
  a.frames();
  b.frames();
  return { a, b, here, there, beatHere, beatThere };
}

/** @param {FakeChannel} here @param {FakeChannel} there */
export function settle(here, there) {
  while (here.deliver() + there.deliver() > 0);
}
