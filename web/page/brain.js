/**
 * The page's line to the brain: calls by message, happenings by the event ring.
 *
 * Nouns: a *call* has a method and plain arguments and is answered once; an *operation* is a long call with progress, and
 * its number is also how it is cancelled.
 * Invariants: the page never blocks and never looks into the arena.
 */

import { Epoch } from "../shared/epochs.js";
import * as L from "../shared/layout.gen.js";
import { RingReader } from "../shared/ring.js";
import { NodeError } from "./boot.js";

/** @typedef {{resolve: (value: any) => void, reject: (error: Error) => void}} Waiting */

export class BrainLine {
  #worker;
  /** @type {Map<number, Waiting>} */ #calls = new Map();
  #serial = 0;

  /** @param {Worker} worker @param {SharedArrayBuffer} buffer @param {(event: any) => void} onEvent */
  constructor(worker, buffer, onEvent) {
    this.#worker = worker;
    this.#listen(buffer, onEvent);
  }

  /** @param {string} method @param {object} [args] @param {number} [id] an operation's number @returns {Promise<any>} */
  call(method, args = {}, id = this.nextId()) {
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#worker.postMessage({ type: "call", id, method, args: JSON.stringify(args) });
    });
  }

  nextId() {
    return ++this.#serial;
  }

  /** @param {{id: number, ok: boolean, json: string}} reply */
  onReply({ id, ok, json }) {
    const waiting = this.#calls.get(id);
    this.#calls.delete(id);
    const value = JSON.parse(json);
    if (ok) waiting?.resolve(value);
    else waiting?.reject(new NodeError(value.code, value.message));
  }

  /** The brain is gone: nothing will be answered. @param {NodeError} error */
  fail(error) {
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }

  /** @param {SharedArrayBuffer} buffer @param {(event: any) => void} onEvent */
  async #listen(buffer, onEvent) {
    const ring = new RingReader(buffer, L.REGION_EVENTS, L.REGION_EVENTS_BYTES);
    const epoch = new Epoch(buffer, L.EPOCH_EVENTS);
    const decoder = new TextDecoder();
    for (;;) {
      const seen = epoch.load();
      ring.drain((_type, view, offset, length) => {
        const copy = new Uint8Array(length); // TextDecoder refuses shared views
        copy.set(new Uint8Array(view.buffer, view.byteOffset + offset, length));
        try {
          onEvent(JSON.parse(decoder.decode(copy)));
        } catch (error) {
          console.error(error); // a listener's mistake must not end the line
        }
      });
      await epoch.waitAsync(seen);
    }
  }
}
