/**
 * What the net worker measures, stored where everybody can read it: the peer table and the metrics.
 *
 * Nouns: a *row* is one channel's 128 bytes of PEER_TABLE, all u32 words that wrap, written by this thread only.
 *
 * Invariants: every store is atomic; readers may be a heartbeat behind, never wrong.
 */

import {
  METRIC_BRAIN_TURNS,
  METRIC_COPY_BYTES_IN_KIB,
  METRIC_COPY_BYTES_OUT_KIB,
  METRIC_NET_BYTES_IN_KIB,
  METRIC_NET_BYTES_OUT_KIB,
  PEER_BLOCK_BYTES_IN,
  PEER_BLOCKS_QUEUED,
  PEER_BRAIN_AGE_MS,
  PEER_BUFFERED,
  PEER_BYTES_IN,
  PEER_BYTES_OUT,
  PEER_CONTROL_QUEUED,
  PEER_FRAMES_IN,
  PEER_FRAMES_OUT,
  PEER_GENERATION,
  PEER_LAST_HEARD_MS,
  PEER_PINGS_OUT,
  PEER_PONGS_IN,
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

/** How long ago Python last turned, seen from here: it counts its turns where everybody can read. */
export class BrainWatch {
  #words;
  #now;
  #turns;
  #sinceMs;

  /** @param {SharedArrayBuffer} buffer @param {() => number} now milliseconds */
  constructor(buffer, now) {
    this.#words = metricWords(buffer);
    this.#now = now;
    this.#turns = Atomics.load(this.#words, METRIC_BRAIN_TURNS);
    this.#sinceMs = now();
  }

  /** Milliseconds; as exact as this is called often. */
  ageMs() {
    const turns = Atomics.load(this.#words, METRIC_BRAIN_TURNS);
    if (turns !== this.#turns) [this.#turns, this.#sinceMs] = [turns, this.#now()];
    return Math.max(0, Math.round(this.#now() - this.#sinceMs));
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

  /** @param {number} bytes */
  sent(bytes) {
    Atomics.add(this.#words, PEER_BYTES_OUT, bytes);
    Atomics.add(this.#words, PEER_FRAMES_OUT, 1);
  }

  /** @param {number} controlBytes @param {number} blocks that wait for the channel */
  queued(controlBytes, blocks) {
    Atomics.store(this.#words, PEER_CONTROL_QUEUED, controlBytes);
    Atomics.store(this.#words, PEER_BLOCKS_QUEUED, blocks);
  }

  /** @param {number} bytes that the channel has not sent yet */
  buffered(bytes) {
    Atomics.store(this.#words, PEER_BUFFERED, bytes);
  }

  /** @param {number} bytes of a wanted block that were stored */
  blockBytes(bytes) {
    Atomics.add(this.#words, PEER_BLOCK_BYTES_IN, bytes);
  }

  pinged() {
    Atomics.add(this.#words, PEER_PINGS_OUT, 1);
  }

  /** @param {number} rttMs @param {number} brainAgeMs as the peer says */
  ponged(rttMs, brainAgeMs) {
    Atomics.store(this.#words, PEER_RTT_US, Math.round(rttMs * 1000));
    Atomics.store(this.#words, PEER_BRAIN_AGE_MS, brainAgeMs | 0);
    Atomics.add(this.#words, PEER_PONGS_IN, 1);
  }
}
