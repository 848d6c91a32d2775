/**
 * One data channel of the net worker: what it receives, what it sends, whether it lives.
 *
 * Nouns: a link is *connecting* until its channel opens, then *open*, then *closed* for good; it is *accepted* when the
 * brain has authenticated the peer.
 *
 * Two channels: the ordered one carries control and data, the real-time one pings and pongs (heartbeat.js).
 *
 * Invariants: a message is checked for its length first, then for its type, then taken; before `accept` only control
 * messages, pings and pongs are; what is not allowed closes the link, and so does the end of either channel. Exactly one OPENED at most and exactly one CLOSED
 * are reported, and every block given to `sendBlock` is answered by one BLOCK_SENT, before the CLOSED. Nothing is
 * decided here that the protocol does not fix: who is worth talking to is the brain's business.
 */

import {
  DATA_HEADER_BYTES,
  MESSAGE_DATA_BYTES_MAX,
  NET_BLOCK_DONE,
  NET_BLOCK_FAILED,
  NET_BLOCK_SENT,
  NET_CLOSED,
  NET_OPENED,
  WIRE_CONTROL,
  WIRE_DATA,
} from "../../shared/layout.gen.js";
import * as bounds from "./bounds.js";
import { Heartbeat } from "./heartbeat.js";
import { PeerRow, STATE_CLOSED, STATE_CONNECTING, STATE_OPEN } from "./meters.js";
import { Sends } from "./sends.js";
import { Wants } from "./wants.js";

/**
 * What all links share.
 * @typedef {object} Shared
 * @property {SharedArrayBuffer} buffer
 * @property {Uint8Array} memory
 * @property {import("./wants.js").Arena} arena
 * @property {import("./inbox.js").Inbox} inbox
 * @property {import("./meters.js").Meters} meters
 * @property {() => number} now milliseconds since 1970
 * @property {() => number} brainAgeMs how long ago our Python last turned
 * @property {Uint8Array<ArrayBuffer>} scratch where fragments are put together
 * @property {() => void} pump send what can be sent, of all links in turn
 * @property {(link: Link, reason: string) => void} closed
 */

/** A channel's life. */
export class Link {
  /** Bytes of this peer in the inbox's backlog; the inbox counts them. */
  backlogBytes = 0;

  #shared;
  #dc;
  #row;
  #wants;
  #sends;
  #heartbeat;
  #open = false;
  #closed = false;
  #accepted = false;
  #messageBytesMax = MESSAGE_DATA_BYTES_MAX;
  #heardMs = 0;

  /**
   * @param {Shared} shared
   * @param {number} channel
   * @param {number} generation
   * @param {RTCDataChannel} dc
   * @param {RTCDataChannel} realtime
   */
  constructor(shared, channel, generation, dc, realtime) {
    this.#shared = shared;
    this.channel = channel;
    this.generation = generation;
    this.#dc = dc;
    this.#row = new PeerRow(shared.buffer, channel, generation, shared.now());
    this.#row.state(STATE_CONNECTING);
    this.#wants = new Wants(shared.memory, shared.arena);
    this.#sends = new Sends(shared.memory);
    this.#heartbeat = new Heartbeat(shared, this.#row, realtime);
    dc.binaryType = "arraybuffer";
    dc.bufferedAmountLowThreshold = bounds.BUFFERED_LOW_BYTES;
    dc.onopen = () => this.#opened();
    dc.onmessage = (event) => this.#message(event.data);
    dc.onbufferedamountlow = () => this.#shared.pump();
    dc.onclose = realtime.onclose = () => this.close(bounds.CLOSED_BY_PEER);
    realtime.onmessage = (event) => this.#realtime(event.data);
    if (dc.readyState === "open") this.#opened();
    if (dc.readyState === "closing" || dc.readyState === "closed") this.close(bounds.CLOSED_BY_PEER);
  }

  get isClosed() {
    return this.#closed;
  }

  // --- what the brain asks for ---------------------------------------------------------------------------------------

  /** The peer is authenticated: data may flow. */
  accept() {
    this.#accepted = true;
  }

  /** @param {number} intervalMs between two pings */
  pace(intervalMs) {
    this.#heartbeat.pace(intervalMs);
  }

  /** @param {number} bytes the longest message that both ends take */
  limit(bytes) {
    this.#messageBytesMax = Math.min(Math.max(bytes, bounds.MESSAGE_EARLY_BYTES_MAX), bounds.MESSAGE_SENT_BYTES_MAX);
  }

  /**
   * @param {number} offset of the message in the shared memory
   * @param {number} length
   */
  sendControl(offset, length) {
    this.#sends.addControl(offset, length);
    this.#row.queued(this.#sends.controlBytes, this.#sends.blocks);
    this.#shared.meters.copiedOut(length);
    if (this.#sends.controlBytes > bounds.CONTROL_QUEUE_BYTES_MAX) this.close(bounds.CLOSED_SLOW);
  }

  /**
   * @param {number} request
   * @param {number} offset
   * @param {number} length
   */
  sendBlock(request, offset, length) {
    this.#sends.addBlock(request, offset, length);
    this.#row.queued(this.#sends.controlBytes, this.#sends.blocks);
  }

  /**
   * @param {number} request
   * @param {number} offset
   * @param {number} capacity
   */
  expect(request, offset, capacity) {
    if (!this.#wants.expect(request, offset, capacity)) {
      this.#report(NET_BLOCK_FAILED, request, bounds.FAILED_ARGUMENT);
    }
  }

  /** Every EXPECT is answered once, also one taken back: only then may its buffer be used again. @param {number} request */
  unexpect(request) {
    if (this.#wants.forget(request)) this.#report(NET_BLOCK_FAILED, request, bounds.FAILED_TAKEN_BACK);
  }

  /**
   * End it, whatever its state; the first reason counts.
   * @param {string} reason
   */
  close(reason) {
    if (this.#closed) return;
    this.#closed = true;
    const dc = this.#dc;
    dc.onopen = dc.onmessage = dc.onbufferedamountlow = dc.onclose = null;
    dc.close();
    this.#heartbeat.close();
    this.#wants.clear();
    for (const request of this.#sends.clear()) this.#report(NET_BLOCK_SENT, request, 0);
    this.#row.state(STATE_CLOSED);
    this.#row.buffered(0);
    this.#row.queued(0, 0);
    this.#report(NET_CLOSED);
    this.#shared.closed(this, reason);
  }

  // --- sending -------------------------------------------------------------------------------------------------------

  /**
   * Send all control messages and one fragment, as far as the channel's buffer allows.
   * @returns {boolean} whether a fragment was sent, so that there may be more to do
   */
  sendSome() {
    if (!this.#open || this.#closed) return false;
    const dc = this.#dc;
    while (this.#sends.hasControl && dc.bufferedAmount < bounds.BUFFERED_CONTROL_BYTES) {
      const message = this.#sends.takeControl();
      if (message === undefined || !this.#send(message)) return false;
    }
    if (dc.bufferedAmount <= bounds.BUFFERED_LOW_BYTES) {
      for (const request of this.#sends.takeHandedOver()) this.#report(NET_BLOCK_SENT, request, 1);
    }
    if (!this.#sends.hasBlocks || dc.bufferedAmount >= bounds.BUFFERED_HIGH_BYTES) return false;
    const scratch = this.#shared.scratch;
    const length = this.#sends.takeFragment(scratch, this.#messageBytesMax);
    this.#shared.meters.copiedOut(length - DATA_HEADER_BYTES);
    return this.#send(scratch.subarray(0, length));
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} message
   * @returns {boolean}
   */
  #send(message) {
    try {
      this.#dc.send(message);
    } catch {
      this.close(bounds.CLOSED_BY_PEER); // closing already, or its buffer is full: this channel is of no more use
      return false;
    }
    this.#row.sent(message.length);
    this.#row.buffered(this.#dc.bufferedAmount);
    this.#row.queued(this.#sends.controlBytes, this.#sends.blocks);
    this.#shared.meters.sent(message.length);
    return true;
  }

  // --- living --------------------------------------------------------------------------------------------------------

  #opened() {
    if (this.#open || this.#closed) return;
    this.#open = true;
    this.#heardMs = this.#shared.now();
    this.#row.fresh(this.#heardMs);
    this.#row.state(STATE_OPEN);
    this.#report(NET_OPENED);
    this.#shared.pump();
  }

  /**
   * Ping if it is time, or give up.
   * @param {boolean} fresh we slept ourselves: the peer gets a new window
   */
  tick(fresh) {
    if (!this.#open || this.#closed) return;
    const now = this.#shared.now();
    if (fresh) this.#heardMs = now;
    if (now - this.#heardMs > bounds.SILENCE_MS_MAX) {
      this.close(bounds.CLOSED_SILENT);
      return;
    }
    this.#heartbeat.tick(now);
    this.#row.buffered(this.#dc.bufferedAmount);
  }

  // --- receiving -----------------------------------------------------------------------------------------------------

  /** @param {unknown} data */
  #message(data) {
    const bytesMax = this.#accepted ? bounds.MESSAGE_BYTES_MAX : bounds.MESSAGE_EARLY_BYTES_MAX;
    if (!(data instanceof ArrayBuffer) || data.byteLength === 0 || data.byteLength > bytesMax) {
      this.close(bounds.CLOSED_VIOLATION);
      return;
    }
    this.#taken(new Uint8Array(data), (message) => this.#dispatch(message));
  }

  /** @param {unknown} data */
  #realtime(data) {
    if (!(data instanceof ArrayBuffer) || data.byteLength > bounds.PONG_BYTES) this.close(bounds.CLOSED_VIOLATION);
    else this.#taken(new Uint8Array(data), (message) => this.#heartbeat.message(message));
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} message
   * @param {(message: Uint8Array<ArrayBuffer>) => string} take answers why the link must close; empty: it goes on
   */
  #taken(message, take) {
    this.#heardMs = this.#shared.now();
    this.#row.heard(this.#heardMs, message.length);
    this.#shared.meters.received(message.length);
    const refusal = take(message);
    if (refusal !== "") this.close(refusal);
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} message
   * @returns {string} why the link must close; empty: it goes on
   */
  #dispatch(message) {
    const type = message[0];
    if (type === WIRE_CONTROL && message.length <= bounds.MESSAGE_EARLY_BYTES_MAX) {
      this.#shared.meters.copiedIn(message.length - 1);
      return this.#shared.inbox.offer(this, message.subarray(1)) ? "" : bounds.CLOSED_FLOOD;
    }
    if (type === WIRE_DATA && this.#accepted && message.length >= bounds.DATA_MESSAGE_BYTES_MIN) {
      return this.#data(message);
    }
    return bounds.CLOSED_VIOLATION;
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} message
   * @returns {string}
   */
  #data(message) {
    const view = new DataView(message.buffer, 0, DATA_HEADER_BYTES);
    const request = view.getUint32(4, true);
    const fragment = message.subarray(DATA_HEADER_BYTES);
    if (view.getUint32(0, true) !== WIRE_DATA) return bounds.CLOSED_VIOLATION;
    const outcome = this.#wants.take(request, view.getUint32(8, true), view.getUint32(12, true), fragment);
    if (outcome.kind === "flood") return bounds.CLOSED_FLOOD;
    if (outcome.kind === "failed") this.#report(NET_BLOCK_FAILED, request, outcome.reason);
    if (outcome.kind === "stored" || outcome.kind === "done") {
      this.#row.blockBytes(fragment.length);
      this.#shared.meters.copiedIn(fragment.length);
    }
    if (outcome.kind === "done") this.#report(NET_BLOCK_DONE, request, outcome.length);
    return "";
  }

  /**
   * @param {number} type
   * @param {...number} words
   */
  #report(type, ...words) {
    this.#shared.inbox.report(type, this.channel, this.generation, ...words);
  }
}
