/**
 * The heartbeat of one link: pings and pongs on its real-time channel, which is unordered and never sends twice, so that
 * they never wait behind bulk.
 *
 * Nouns: the *pace* is how often we ping, as the brain asks; the *brain's age* is how long ago a node's Python last turned.
 *
 * Invariants: pings are answered here, however busy Python is, and the answer says how busy that is; what the peer may make
 * us send is bounded, and nothing is sent into a channel that takes nothing. Nobody is accused here: times are stamped, and
 * the brain decides.
 */

import { WIRE_PING, WIRE_PONG } from "../../shared/layout.gen.js";
import * as bounds from "./bounds.js";

const BRAIN_AGE_MS_MAX = 0xffff_ffff;

/** One link's. */
export class Heartbeat {
  #shared;
  #row;
  #dc;
  #paceMs = bounds.PACE_MS;
  #dueMs = 0;
  #pings = 0;
  #windowMs = 0;
  /** @type {number[]} */
  #open = [];

  /**
   * @param {import("./link.js").Shared} shared
   * @param {import("./meters.js").PeerRow} row
   * @param {RTCDataChannel} dc the real-time channel
   */
  constructor(shared, row, dc) {
    this.#shared = shared;
    this.#row = row;
    this.#dc = dc;
    dc.binaryType = "arraybuffer";
  }

  /** @param {number} intervalMs */
  pace(intervalMs) {
    this.#paceMs = Math.min(Math.max(intervalMs, bounds.PACE_MS_MIN), bounds.PACE_MS_MAX);
    this.#dueMs = Math.min(this.#dueMs, this.#shared.now() + this.#paceMs);
  }

  /** Ping, if it is time. @param {number} nowMs */
  tick(nowMs) {
    if (nowMs < this.#dueMs || this.#dc.readyState !== "open") return;
    this.#dueMs = Math.max(this.#dueMs + this.#paceMs, nowMs + this.#paceMs / 2);
    const ping = new Uint8Array(bounds.PING_BYTES);
    ping[0] = WIRE_PING;
    new DataView(ping.buffer).setFloat64(1, nowMs, true);
    if (!this.#send(ping)) return;
    this.#open.push(nowMs);
    if (this.#open.length > bounds.PINGS_OPEN_MAX) this.#open.shift();
    this.#row.pinged();
  }

  /**
   * A message of the real-time channel.
   * @param {Uint8Array<ArrayBuffer>} message
   * @returns {string} why the link must close; empty: it goes on
   */
  message(message) {
    if (message[0] === WIRE_PING && message.length === bounds.PING_BYTES) return this.#ping(message);
    if (message[0] === WIRE_PONG && message.length === bounds.PONG_BYTES) return this.#pong(message);
    return bounds.CLOSED_VIOLATION;
  }

  close() {
    this.#dc.onmessage = this.#dc.onclose = null;
    this.#dc.close();
  }

  /** @param {Uint8Array<ArrayBuffer>} ping @returns {string} */
  #ping(ping) {
    const nowMs = this.#shared.now();
    if (nowMs - this.#windowMs >= bounds.PING_WINDOW_MS) [this.#windowMs, this.#pings] = [nowMs, 0];
    if (++this.#pings > bounds.PINGS_PER_WINDOW_MAX) return bounds.CLOSED_FLOOD;
    const pong = new Uint8Array(bounds.PONG_BYTES);
    pong.set(ping);
    pong[0] = WIRE_PONG;
    new DataView(pong.buffer).setUint32(9, Math.min(this.#shared.brainAgeMs(), BRAIN_AGE_MS_MAX), true);
    this.#send(pong);
    return "";
  }

  /** @param {Uint8Array<ArrayBuffer>} pong @returns {string} */
  #pong(pong) {
    const view = new DataView(pong.buffer);
    const index = this.#open.indexOf(view.getFloat64(1, true));
    if (index < 0) return ""; // older than we remember, or a second time
    const sentMs = /** @type {number} */ (this.#open[index]);
    this.#open.splice(0, index + 1);
    this.#row.ponged(this.#shared.now() - sentMs, view.getUint32(9, true));
    return "";
  }

  /** @param {Uint8Array<ArrayBuffer>} message @returns {boolean} */
  #send(message) {
    if (this.#dc.bufferedAmount > bounds.BUFFERED_REALTIME_BYTES) return false; // nothing gets out: do not add to it
    try {
      this.#dc.send(message);
    } catch {
      return false; // it is closing: its close event ends the link
    }
    this.#row.sent(message.length);
    this.#shared.meters.sent(message.length);
    return true;
  }
}
