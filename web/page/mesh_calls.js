/**
 * The node's calls about the mesh: rooms, topics, keys.
 *
 * Nouns: a *room link* is a URL or its `#inosr1.` fragment; a *topic* is a name on which everybody in the room may say something;
 * a *key* is 64 hex digits under which nodes are found.
 * Invariants: bytes of topics are Uint8Arrays here; a listener hears what others publish from when `subscribe` resolved until `stop`.
 */

import { ConsoleCalls } from "./console_calls.js";

/** @typedef {import("./file_calls.js").Line} Line */
/** @typedef {{topic: string, from: string, data: Uint8Array}} Delivery */
/**
 * @typedef {object} Room
 * @property {string} id
 * @property {string} link empty for the origin's public room
 * @property {boolean} isPublic
 * @property {string} node our own id
 * @property {{id: string, state: string, rttMs: number | null, heardMs: number | null, brainMs: number | null}[]} members
 *   those we have a link with
 * @property {number} signals that we sent through the rendezvous server
 */

export class MeshCalls extends ConsoleCalls {
  /** @type {() => Line} */ #line;
  /** @type {Map<string, Set<(delivery: Delivery) => void>>} */ #topics = new Map();

  /** @internal @param {() => Line} line @param {(path: string) => string} scriptUrl */
  constructor(line, scriptUrl) {
    super(line, scriptUrl);
    this.#line = line;
    globalThis.document?.addEventListener("visibilitychange", () => this.#tellCondition());
    if (globalThis.document) this.#begin();
  }

  async #begin() {
    await null; // the node is being made
    try {
      await this.#line().ready;
      if (document.hidden) await this.#tellCondition();
      const { quota = 0 } = await navigator.storage.estimate();
      await this.#line().call("allow_bytes", { quota });
    } catch {
      // the node's own failure, which is said elsewhere
    }
  }

  /** A hidden page is slower to answer: others are told, and are patient. */
  async #tellCondition() {
    const condition = document.hidden ? "hidden" : "shown";
    await this.#line()
      .call("condition", { condition })
      .catch(() => {}); // the node's own failure, which is said elsewhere
  }

  /** Enter a room: of a link, or else the origin's public one. @param {string} [roomLink] @returns {Promise<Room>} */
  async join(roomLink = "") {
    return withUrl(await this.#line().call("join", { link: roomLink }));
  }

  /** Leave a private room for the public one, and do not come back to it after a reload. @returns {Promise<Room>} */
  async leaveRoom() {
    return this.join();
  }

  /** The room we are in, and who we have links with there. @returns {Promise<Room | null>} */
  async room() {
    const room = await this.#line().call("room");
    return room && withUrl(room);
  }

  /** The link to a new private room; whoever has it may join. @returns {Promise<string>} */
  async newRoom() {
    return here(await this.#line().call("new_room"));
  }

  /**
   * A text (a link to this page) with which one other joins this room within ten minutes, without any server: they pass it to
   * `answerInvitation` and bring the reply back to `takeReply`.
   * @returns {Promise<string>}
   */
  async invite() {
    return here(await this.#line().call("invite"));
  }

  /** Join by an invitation. @param {string} text @returns {Promise<string>} the reply, for whoever invited us */
  async answerInvitation(text) {
    return this.#line().call("answer_invitation", { text });
  }

  /** The reply to our invitation: resolves once the newcomer is linked. @param {string} text */
  async takeReply(text) {
    await this.#line().call("take_reply", { text });
  }

  /** Say something to everybody in the room who subscribed to the topic; gives the message's id.
   * @param {string} topic @param {Uint8Array | string} data up to 16 KiB @returns {Promise<string>} */
  async publish(topic, data) {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    return this.#line().call("publish", { topic, data: toBase64(bytes) });
  }

  /** @param {string} topic @param {(delivery: Delivery) => void} listener @returns {Promise<() => void>} stops listening */
  async subscribe(topic, listener) {
    const listeners = this.#topics.get(topic) ?? new Set();
    this.#topics.set(topic, listeners);
    listeners.add(listener);
    await this.#line().call("subscribe", { topic });
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0) return;
      this.#topics.delete(topic);
      this.#line().call("unsubscribe", { topic });
    };
  }

  /** @internal @param {{topic: string, from: string, data: string}} event of the brain */
  onTopic({ topic, from, data }) {
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    for (const listener of [...(this.#topics.get(topic) ?? [])]) listener({ topic, from, data: bytes });
  }

  /** How many copies of a file there are, and shall be. @param {string} root
   * @returns {Promise<{live: number, wanted: number, safe: boolean}>} */
  async copies(root) {
    return this.#line().call("copies", { root });
  }

  /** How many copies there shall be: of one file, or of all. @param {number} copies 1: only here @param {string} [root] */
  async setReplication(copies, root) {
    await this.#line().call("set_replication", root === undefined ? { copies } : { copies, root });
  }

  /** Resolves once a file has as many copies as make it safe. @param {string} root */
  async safe(root) {
    await this.#line().call("safe", { root });
  }

  /** Be found under a key, until `withdraw`. @param {string} key */
  async provide(key) {
    await this.#line().call("provide", { key });
  }

  /** Be found under it no more. @param {string} key */
  async withdraw(key) {
    await this.#line().call("withdraw", { key });
  }

  /** Who provides a key. @param {string} key @returns {Promise<{id: string, expiresMs: number}[]>} */
  async findProviders(key) {
    return this.#line().call("find_providers", { key });
  }
}

/** @param {string} fragment */
function here(fragment) {
  return `${location.origin}${location.pathname}${fragment}`;
}

/** @param {Room} room */
function withUrl(room) {
  return { ...room, link: room.link && here(room.link) };
}

/** @param {Uint8Array} bytes */
function toBase64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}
