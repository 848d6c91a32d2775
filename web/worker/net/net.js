/**
 * The net worker without its worker: all links, and the frames between them and the brain.
 *
 * Nouns: a *slot* is a channel number below PEERS_MAX; a *generation* tells the users of one slot apart.
 *
 * Invariants: a frame of another generation touches nothing, but every request in it is answered, so that no buffer
 * stays held; only ranges inside the arena are read or written; the shared memory is never allocated from. It knows no
 * DOM and no worker globals: channels, time and timers are given to it.
 */

import { Epoch } from "../../shared/epochs.js";
import * as layout from "../../shared/layout.gen.js";
import { RingReader, RingWriter } from "../../shared/ring.js";
import * as bounds from "./bounds.js";
import { Inbox } from "./inbox.js";
import { Link } from "./link.js";
import { BrainWatch, Meters } from "./meters.js";

/**
 * @typedef {object} Host
 * @property {() => number} now milliseconds since 1970, monotonic
 * @property {(callback: () => void, delayMs: number) => unknown} later setTimeout
 * @property {(on: boolean) => void} beat whether to call `tick` every TICK_MS: only while there is a link
 * @property {(report: {type: "closed", channel: number, generation: number, reason: string}) => void} tell the page
 */

/** The links and their rings. */
export class Net {
  /** @type {Map<number, Link>} */
  #links = new Map();
  #outbox;
  #inbox;
  #metricsEpoch;
  #shared;
  #tickMs;
  #publishedMs;
  #host;
  #brain;
  #pumping = false;

  /**
   * @param {SharedArrayBuffer} buffer the shared memory, laid out
   * @param {import("./wants.js").Arena} arena
   * @param {Host} host
   */
  constructor(buffer, arena, host) {
    const { REGION_NET_INBOX, REGION_NET_INBOX_BYTES, REGION_NET_OUTBOX, REGION_NET_OUTBOX_BYTES } = layout;
    const epochs = [new Epoch(buffer, layout.EPOCH_NET_INBOX), new Epoch(buffer, layout.EPOCH_BRAIN)];
    this.#inbox = new Inbox(new RingWriter(buffer, REGION_NET_INBOX, REGION_NET_INBOX_BYTES, epochs), host.later);
    this.#outbox = new RingReader(buffer, REGION_NET_OUTBOX, REGION_NET_OUTBOX_BYTES);
    this.#metricsEpoch = new Epoch(buffer, layout.EPOCH_METRICS);
    this.#host = host;
    this.#brain = new BrainWatch(buffer, host.now);
    this.#tickMs = this.#publishedMs = host.now();
    /** @type {import("./link.js").Shared} */
    this.#shared = {
      buffer,
      memory: new Uint8Array(buffer),
      arena,
      inbox: this.#inbox,
      meters: new Meters(buffer),
      now: host.now,
      brainAgeMs: () => this.#brain.ageMs(),
      scratch: new Uint8Array(bounds.MESSAGE_SENT_BYTES_MAX),
      pump: () => this.#pump(),
      closed: (link, reason) => {
        if (this.#links.get(link.channel) === link) this.#links.delete(link.channel);
        if (this.#links.size === 0) host.beat(false);
        host.tell({ type: "closed", channel: link.channel, generation: link.generation, reason });
      },
    };
  }

  /**
   * Take over a connection's channels; in the task in which they arrived, or events of them are lost.
   * @param {number} channel
   * @param {number} generation
   * @param {RTCDataChannel} dc
   * @param {RTCDataChannel} realtime
   */
  adopt(channel, generation, dc, realtime) {
    if (!(channel >= 0 && channel < layout.PEERS_MAX)) throw new RangeError(`channel ${channel}`);
    this.#links.get(channel)?.close(bounds.CLOSED_REPLACED);
    const link = new Link(this.#shared, channel, generation, dc, realtime);
    if (link.isClosed) return;
    if (this.#links.size === 0) {
      this.#tickMs = this.#shared.now();
      this.#host.beat(true);
    }
    this.#links.set(channel, link);
  }

  /**
   * @param {number} channel
   * @param {number} generation
   * @param {number} messageBytesMax that both ends take
   */
  limit(channel, generation, messageBytesMax) {
    this.#find(channel, generation)?.limit(messageBytesMax);
  }

  /**
   * @param {number} channel
   * @param {number} generation
   */
  hangup(channel, generation) {
    this.#find(channel, generation)?.close(bounds.CLOSED_BY_US);
  }

  /** Do what the brain asked for since the last call. */
  drain() {
    this.#outbox.drain((type, view, offset, length) => this.#frame(type, view, offset, length));
    this.#pump();
  }

  /** A look at all links; called every TICK_MS while there is one. */
  tick() {
    const now = this.#shared.now();
    const fresh = now - this.#tickMs > bounds.TICK_MS + bounds.TICK_LATE_MS;
    this.#tickMs = now;
    for (const link of [...this.#links.values()]) link.tick(fresh);
    this.#pump();
    this.#brain.ageMs();
    if (now - this.#publishedMs < bounds.PUBLISH_MS) return;
    this.#publishedMs = now;
    this.#metricsEpoch.publish();
  }

  /** Fragments of all links in turn, until every link's buffer is full or its queue empty. */
  #pump() {
    if (this.#pumping) return; // a link that closes while sending may call back
    this.#pumping = true;
    try {
      for (let progress = true; progress; ) {
        progress = false;
        for (const link of [...this.#links.values()]) progress = link.sendSome() || progress;
      }
    } finally {
      this.#pumping = false;
    }
  }

  /**
   * @param {number} channel
   * @param {number} generation
   */
  #find(channel, generation) {
    const link = this.#links.get(channel);
    return link !== undefined && link.generation === generation >>> 0 ? link : undefined;
  }

  /**
   * @param {number} type
   * @param {DataView<SharedArrayBuffer>} view
   * @param {number} offset
   * @param {number} length
   */
  #frame(type, view, offset, length) {
    /** @param {number} index */
    const word = (index) => view.getUint32(offset + index * 4, true);
    const channel = word(0);
    const generation = word(1);
    const link = this.#find(channel, generation);
    switch (type) {
      case layout.NET_SEND_CONTROL:
        link?.sendControl(offset + 8, length - 8);
        break;
      case layout.NET_SEND_BLOCK:
        if (link !== undefined && this.#inArena(word(3), word(4))) link.sendBlock(word(2), word(3), word(4));
        else this.#inbox.report(layout.NET_BLOCK_SENT, channel, generation, word(2), 0);
        break;
      case layout.NET_EXPECT:
        this.#expect(link, channel, generation, word(2), word(3), word(4));
        break;
      case layout.NET_UNEXPECT:
        link?.unexpect(word(2));
        break;
      case layout.NET_CLOSE:
        link?.close(bounds.CLOSED_BY_US);
        break;
      case layout.NET_PACE:
        link?.pace(word(2));
        break;
      case layout.NET_ACCEPT:
        link?.accept();
        break;
      default:
        throw new RangeError(`frame type ${type} from the brain`);
    }
  }

  /**
   * @param {Link | undefined} link
   * @param {number} channel
   * @param {number} generation
   * @param {number} request
   * @param {number} offset
   * @param {number} capacity
   */
  #expect(link, channel, generation, request, offset, capacity) {
    if (link !== undefined && this.#inArena(offset, capacity)) {
      link.expect(request, offset, capacity);
      return;
    }
    const reason = link === undefined ? bounds.FAILED_CHANNEL : bounds.FAILED_ARGUMENT;
    this.#inbox.report(layout.NET_BLOCK_FAILED, channel, generation, request, reason);
  }

  /**
   * @param {number} offset
   * @param {number} length
   */
  #inArena(offset, length) {
    return offset >= layout.ARENA_OFFSET && length > 0 && offset + length <= this.#shared.memory.length;
  }
}
