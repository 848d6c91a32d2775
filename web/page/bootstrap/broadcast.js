/**
 * Meeting without any server: nodes of one origin in one browser, over a BroadcastChannel.
 *
 * Nouns: a *neighbour* is another page of this browser that is in a room of ours.
 * Invariants: up only while somebody else has shown up in a room, so that nobody waits for nobody; what is not a message of ours
 * is ignored, since any script of this origin may write here; payloads are sealed and checked by the brain like the server's.
 */

import { PAYLOAD_BYTES_MAX } from "./rendezvous.js";

const CHANNEL = "inos-meet-1";

/**
 * @typedef {{op: "here" | "hello" | "bye", room: string} | {op: "signal", room: string, payload: Uint8Array}} Message
 *   here: I came into the room, who else is in it? hello: I am.
 */

/** @implements {Strategy} @typedef {import("./strategies.js").Strategy} Strategy */
export class Broadcast {
  #callbacks;
  #channel;
  /** @type {Map<string, boolean>} by room, whether somebody else was heard there */ #rooms = new Map();

  /** @param {import("./strategies.js").Callbacks} callbacks @param {BroadcastChannel} [channel] */
  constructor(callbacks, channel = new BroadcastChannel(CHANNEL)) {
    this.#callbacks = callbacks;
    this.#channel = channel;
    channel.onmessage = (event) => this.#message(event.data);
  }

  get up() {
    return [...this.#rooms.values()].includes(true);
  }

  /** @param {string} room */
  join(room) {
    if (this.#rooms.has(room)) return;
    this.#rooms.set(room, false);
    this.#post({ op: "here", room });
  }

  /** @param {string} room */
  leave(room) {
    if (!this.#rooms.delete(room)) return;
    this.#post({ op: "bye", room });
    this.#callbacks.onState(this.up);
  }

  /** @param {string} room @param {Uint8Array} payload @returns {boolean} */
  send(room, payload) {
    if (!this.#rooms.get(room) || payload.length > PAYLOAD_BYTES_MAX) return false;
    this.#post({ op: "signal", room, payload });
    return true;
  }

  close() {
    for (const room of [...this.#rooms.keys()]) this.leave(room);
    this.#channel.close();
  }

  /** @param {Message} message */
  #post(message) {
    this.#channel.postMessage(message);
  }

  /** @param {any} message */
  #message(message) {
    const { op, room, payload } = message ?? {};
    const heard = this.#rooms.get(room);
    if (heard === undefined) return;
    if (op === "here") this.#post({ op: "hello", room });
    if ((op === "here" || op === "hello") && !heard) {
      this.#rooms.set(room, true);
      this.#callbacks.onState(true);
      this.#callbacks.onJoined(room, 2);
    }
    const fits = payload instanceof Uint8Array && payload.length > 0 && payload.length <= PAYLOAD_BYTES_MAX;
    if (op === "signal" && fits) this.#callbacks.onSignal(room, payload);
  }
}
