/**
 * The rendezvous client: sealed signals to and from the members of rooms, over one WebSocket.
 *
 * Nouns: a *room* is 64 hex characters; a *signal* is an opaque payload of at most PAYLOAD_BYTES_MAX, which every other
 * member of the room gets. A frame on the wire is the room's 32 bytes and the signal.
 *
 * Invariants: the socket exists only while a room is wanted; after each connect all wanted rooms are joined before any
 * signal goes; signals that wait when the socket drops are dropped (they are stale: `onJoined` says that it is time to
 * signal again); we stay under the server's rate, so that it never has to drop for us; every queue is bounded.
 * What a signal says is not known here.
 */

import { ROOMS_PER_SOCKET_MAX, SIGNAL_BYTES_MAX } from "../../shared/layout.gen.js";

export const SUBPROTOCOL = "inos.rendezvous.v1";
const ROOM_BYTES = 32;
/** The longest signal: the server takes frames of SIGNAL_BYTES_MAX, room included. */
export const PAYLOAD_BYTES_MAX = SIGNAL_BYTES_MAX - ROOM_BYTES;

/** Three quarters of what the server allows (20 a second, 40 at once): clocks and queues on the way differ. */
const MESSAGES_PER_S = 15;
const MESSAGES_BURST = 30;
const QUEUE_FRAMES_MAX = 128;

/** Reconnecting: doubled after each failure, and between half and all of it is waited. */
const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 30_000;
/** A socket that does not open or answer a join for this long is given up. */
const CONNECT_MS_MAX = 10_000;

const OPEN = 1;

/**
 * @typedef {object} Callbacks
 * @property {(room: string, payload: Uint8Array) => void} onSignal
 * @property {(room: string, members: number) => void} onJoined members counts us
 * @property {(up: boolean) => void} onState
 * @property {(code: string, room: string | undefined) => void} [onError] the server refused something
 *
 * @typedef {object} Ports what tests replace
 * @property {(url: string) => WebSocket} connect
 * @property {() => number} nowMs monotonic
 */

/** @type {Ports} */
const PORTS = { connect: (url) => new WebSocket(url, SUBPROTOCOL), nowMs: () => performance.now() };

/** The one rendezvous of a page. */
export class Rendezvous {
  #url;
  #callbacks;
  #ports;
  /** @type {Set<string>} */
  #rooms = new Set();
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {(string | Uint8Array<ArrayBuffer>)[]} */
  #queue = [];
  #tokens = MESSAGES_BURST;
  #tokensMs = 0;
  #backoffMs = BACKOFF_MS_MIN;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #paced;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #patience;
  #up = false;

  /**
   * @param {string | URL} url ws: or wss:
   * @param {Callbacks} callbacks
   * @param {Partial<Ports>} [ports]
   */
  constructor(url, callbacks, ports = {}) {
    this.#url = String(url);
    this.#callbacks = callbacks;
    this.#ports = { ...PORTS, ...ports };
    globalThis.addEventListener?.("online", () => this.wake());
  }

  /** Whether signals can go now. */
  get up() {
    return this.#up;
  }

  /**
   * Want a room; `onJoined` follows, now and after every reconnect.
   * @param {string} room 64 lower-case hex characters
   */
  join(room) {
    if (!/^[0-9a-f]{64}$/.test(room)) throw new RangeError("a room is 64 hex characters");
    if (this.#rooms.has(room)) return;
    if (this.#rooms.size >= ROOMS_PER_SOCKET_MAX) throw new RangeError("too many rooms");
    this.#rooms.add(room);
    if (this.#socket === null) this.wake();
    else if (this.#socket.readyState === OPEN) this.#enqueue(JSON.stringify({ join: room }));
  }

  /** @param {string} room */
  leave(room) {
    if (!this.#rooms.delete(room)) return;
    if (this.#rooms.size === 0) this.close();
    else if (this.#socket?.readyState === OPEN) this.#enqueue(JSON.stringify({ leave: room }));
  }

  /**
   * Send a signal to the other members of a room.
   * @param {string} room
   * @param {Uint8Array} payload
   * @returns {boolean} false when it cannot go: too long, not in the room, not connected, too many waiting
   */
  send(room, payload) {
    if (payload.length === 0 || payload.length > PAYLOAD_BYTES_MAX) return false;
    if (!this.#rooms.has(room) || this.#socket?.readyState !== OPEN) return false;
    const frame = new Uint8Array(ROOM_BYTES + payload.length);
    frame.set(roomBytes(room));
    frame.set(payload, ROOM_BYTES);
    return this.#enqueue(frame);
  }

  /** Connect now if a room is wanted, without waiting for the next attempt. */
  wake() {
    if (this.#rooms.size === 0 || this.#socket !== null) return;
    clearTimeout(this.#retry);
    this.#open();
  }

  /** Forget all rooms and disconnect. */
  close() {
    this.#rooms.clear();
    clearTimeout(this.#retry);
    this.#drop();
  }

  #open() {
    /** @type {WebSocket} */
    let socket;
    try {
      socket = this.#ports.connect(this.#url);
    } catch {
      this.#again();
      return;
    }
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened();
    socket.onmessage = (event) => this.#message(event.data);
    socket.onclose = () => this.#lost();
    this.#patience = setTimeout(() => this.#lost(), CONNECT_MS_MAX);
  }

  #opened() {
    this.#tokens = MESSAGES_BURST;
    this.#tokensMs = this.#ports.nowMs();
    this.#queue = [];
    this.#setUp(true);
    for (const room of this.#rooms) this.#enqueue(JSON.stringify({ join: room }));
  }

  #lost() {
    this.#drop();
    this.#again();
  }

  #again() {
    clearTimeout(this.#retry);
    const waitMs = this.#backoffMs * (0.5 + Math.random() / 2);
    this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_MS_MAX);
    this.#retry = setTimeout(() => this.wake(), waitMs);
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#queue = [];
    clearTimeout(this.#paced);
    clearTimeout(this.#patience);
    this.#paced = undefined;
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.#setUp(false);
  }

  /** @param {boolean} up */
  #setUp(up) {
    if (this.#up === up) return;
    this.#up = up;
    this.#callbacks.onState(up);
  }

  /**
   * @param {string | Uint8Array<ArrayBuffer>} frame
   * @returns {boolean}
   */
  #enqueue(frame) {
    // Joins and leaves are bounded by the rooms; only signals can be too many.
    if (typeof frame !== "string" && this.#queue.length >= QUEUE_FRAMES_MAX) return false;
    this.#queue.push(frame);
    if (this.#paced === undefined) this.#flush();
    return true;
  }

  #flush() {
    this.#paced = undefined;
    const nowMs = this.#ports.nowMs();
    this.#tokens = Math.min(MESSAGES_BURST, this.#tokens + ((nowMs - this.#tokensMs) / 1000) * MESSAGES_PER_S);
    this.#tokensMs = nowMs;
    while (this.#queue.length > 0 && this.#tokens >= 1) {
      const frame = this.#queue.shift();
      this.#tokens--;
      if (frame !== undefined) this.#socket?.send(frame);
    }
    if (this.#queue.length > 0) this.#paced = setTimeout(() => this.#flush(), 1000 / MESSAGES_PER_S);
  }

  /** @param {unknown} data */
  #message(data) {
    if (data instanceof ArrayBuffer) {
      if (data.byteLength <= ROOM_BYTES || data.byteLength > SIGNAL_BYTES_MAX) return;
      const room = roomHex(new Uint8Array(data, 0, ROOM_BYTES));
      if (this.#rooms.has(room)) this.#callbacks.onSignal(room, new Uint8Array(data, ROOM_BYTES));
      return;
    }
    const { joined, members, error, room } = parseControl(data);
    if (typeof joined === "string" && typeof members === "number") {
      clearTimeout(this.#patience);
      this.#backoffMs = BACKOFF_MS_MIN;
      if (this.#rooms.has(joined)) this.#callbacks.onJoined(joined, members);
    } else if (typeof error === "string") {
      clearTimeout(this.#patience);
      this.#callbacks.onError?.(error, typeof room === "string" ? room : undefined);
    }
  }
}

/**
 * @param {unknown} text
 * @returns {Record<string, unknown>} empty when it is not a JSON object
 */
function parseControl(text) {
  if (typeof text !== "string" || text.length > SIGNAL_BYTES_MAX) return {};
  try {
    const message = JSON.parse(text);
    return message !== null && typeof message === "object" ? message : {};
  } catch {
    return {};
  }
}

/** @param {string} room */
function roomBytes(room) {
  return Uint8Array.from({ length: ROOM_BYTES }, (_, index) =>
    Number.parseInt(room.slice(index * 2, index * 2 + 2), 16),
  );
}

/** @param {Uint8Array} bytes */
function roomHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
