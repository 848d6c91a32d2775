/**
 * What the net worker measures, stored where everybody can read it: the peer table and the metrics.
 *
 * Nouns: a *row* is one channel's 128 bytes of PEER_TABLE, all u32 words that wrap, written by this thread only.
 *
 * Invariants: every store is atomic; readers may be a heartbeat behind, never wrong.
 */

import {
  METRIC_COPY_BYTES_IN_KIB,
  METRIC_COPY_BYTES_OUT_KIB,
  METRIC_NET_BYTES_IN_KIB,
  METRIC_NET_BYTES_OUT_KIB,
  PEER_BLOCK_BYTES_IN,
  PEER_BUFFERED,
  PEER_BYTES_IN,
  PEER_BYTES_OUT,
  PEER_FRAMES_IN,
  PEER_FRAMES_OUT,
  PEER_GENERATION,
  PEER_LAST_HEARD_MS,
  PEER_ROW_BYTES,
  PEER_RTT_US,
  PEER_STATE,
  REGION_PEER_TABLE,
} from "../../shared/layout.gen.js";
import { Meter, metricWords } from "../../shared/metrics.js";

const KIB = 1024;

/** What PEER_STATE holds. */
export const STATE_NONE = 0;
export const STATE_CONNECTING = 1;
export const STATE_OPEN = 2;
export const STATE_CLOSED = 3;

/** The metrics this thread adds to. */
export class Meters {
  #received;
  #sent;
  #copiedIn;
  #copiedOut;

  /** @param {SharedArrayBuffer} buffer */
  constructor(buffer) {
    const words = metricWords(buffer);
    this.#received = new Meter(words, METRIC_NET_BYTES_IN_KIB, KIB);
    this.#sent = new Meter(words, METRIC_NET_BYTES_OUT_KIB, KIB);
    this.#copiedIn = new Meter(words, METRIC_COPY_BYTES_IN_KIB, KIB);
    this.#copiedOut = new Meter(words, METRIC_COPY_BYTES_OUT_KIB, KIB);
  }

  /** @param {number} bytes that a channel delivered */
  received(bytes) {
    this.#received.add(bytes);
  }

  /** @param {number} bytes handed to a channel */
  sent(bytes) {
    this.#sent.add(bytes);
  }

  /** @param {number} bytes copied into the shared memory */
  copiedIn(bytes) {
    this.#copiedIn.add(bytes);
  }

  /** @param {number} bytes copied out of the shared memory */
  copiedOut(bytes) {
    this.#copiedOut.add(bytes);
  }
}

/** One channel's row of the peer table. */
export class PeerRow {
  #words;

  /**
   * @param {SharedArrayBuffer} buffer
   * @param {number} channel
   * @param {number} generation
   * @param {number} nowMs milliseconds since 1970
   */
  constructor(buffer, channel, generation, nowMs) {
    this.#words = new Int32Array(buffer, REGION_PEER_TABLE + channel * PEER_ROW_BYTES, PEER_ROW_BYTES / 4);
    for (let word = 0; word < this.#words.length; word++) Atomics.store(this.#words, word, 0);
    Atomics.store(this.#words, PEER_GENERATION, generation | 0);
    this.fresh(nowMs);
  }

  /** @param {number} atMs milliseconds since 1970, from when silence counts; stored modulo 2^32 */
  fresh(atMs) {
    Atomics.store(this.#words, PEER_LAST_HEARD_MS, Math.floor(atMs) | 0);
  }

  /** @param {number} state STATE_* */
  state(state) {
    Atomics.store(this.#words, PEER_STATE, state);
  }

  /**
   * @param {number} atMs milliseconds since 1970
   * @param {number} bytes of the message that was heard
   */
  heard(atMs, bytes) {
    this.fresh(atMs);
    Atomics.add(this.#words, PEER_BYTES_IN, bytes);
    Atomics.add(this.#words, PEER_FRAMES_IN, 1);
  }

  /**
   * @param {number} bytes
   * @param {number} buffered what the channel has not sent yet
   */
  sent(bytes, buffered) {
    Atomics.add(this.#words, PEER_BYTES_OUT, bytes);
    Atomics.add(this.#words, PEER_FRAMES_OUT, 1);
    this.buffered(buffered);
  }

  /** @param {number} bytes */
  buffered(bytes) {
    Atomics.store(this.#words, PEER_BUFFERED, bytes);
  }

  /** @param {number} bytes of a wanted block that were stored */
  blockBytes(bytes) {
    Atomics.add(this.#words, PEER_BLOCK_BYTES_IN, bytes);
  }

  /** @param {number} rttMs */
  roundTrip(rttMs) {
    Atomics.store(this.#words, PEER_RTT_US, Math.round(rttMs * 1000));
  }
}
