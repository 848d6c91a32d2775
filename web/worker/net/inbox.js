/**
 * The way from the net worker to the brain: the NET_INBOX ring, and a backlog for when it is full.
 *
 * Nouns: a *report* answers something the brain asked for (a block done, a channel closed), so the brain bounds how
 * many there are and none is refused; an *offer* is a peer's message, refused when that peer's part of the backlog is
 * full.
 *
 * Invariants: order is kept; nothing is dropped without the caller knowing; the backlog is bounded by the number of
 * channels times BACKLOG_BYTES_MAX, plus the reports.
 */

import { NET_CONTROL } from "../../shared/layout.gen.js";
import { BACKLOG_BYTES_MAX, BACKLOG_RETRY_MS } from "./bounds.js";

// What keeping a message costs beside its bytes (objects, views), so that a flood of tiny ones is bounded too.
const KEEPING_BYTES = 256;

/** @typedef {import("../../shared/ring.js").RingWriter} RingWriter */
/** Who an offer is charged to. @typedef {{channel: number, generation: number, backlogBytes: number}} Sender */
/** @typedef {{type: number, parts: (number | Uint8Array)[], sender: Sender | null, bytes: number}} Waiting */

/** The inbox's producer end. */
export class Inbox {
  #ring;
  #later;
  /** @type {Waiting[]} */
  #backlog = [];

  /**
   * @param {RingWriter} ring
   * @param {(callback: () => void, delayMs: number) => unknown} later setTimeout
   */
  constructor(ring, later) {
    this.#ring = ring;
    this.#later = later;
  }

  /** Frames that wait for room. */
  get waiting() {
    return this.#backlog.length;
  }

  /**
   * @param {number} type NET_*
   * @param {...number} words
   */
  report(type, ...words) {
    if (this.#backlog.length === 0 && this.#ring.push(type, ...words)) return;
    this.#wait({ type, parts: words, sender: null, bytes: 0 });
  }

  /**
   * @param {Sender} sender
   * @param {Uint8Array} message a control message; it is ours to keep
   * @returns {boolean} false: refused, the peer sends faster than the brain reads
   */
  offer(sender, message) {
    const parts = [sender.channel, sender.generation, message];
    if (this.#backlog.length === 0 && this.#ring.push(NET_CONTROL, ...parts)) return true;
    const bytes = message.length + KEEPING_BYTES;
    if (sender.backlogBytes + bytes > BACKLOG_BYTES_MAX) return false;
    sender.backlogBytes += bytes;
    this.#wait({ type: NET_CONTROL, parts, sender, bytes });
    return true;
  }

  /** @param {Waiting} frame */
  #wait(frame) {
    this.#backlog.push(frame);
    if (this.#backlog.length === 1) this.#later(() => this.#retry(), BACKLOG_RETRY_MS);
  }

  #retry() {
    let moved = 0;
    for (const { type, parts, sender, bytes } of this.#backlog) {
      if (!this.#ring.push(type, ...parts)) break;
      if (sender !== null) sender.backlogBytes -= bytes;
      moved++;
    }
    this.#backlog.splice(0, moved);
    if (this.#backlog.length > 0) this.#later(() => this.#retry(), BACKLOG_RETRY_MS);
  }
}
