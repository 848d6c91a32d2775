/**
 * Bench worker: bytes by way of the server's measuring routes, as pages do it today: fetch and WebSocket.
 *
 * Invariant: what came back, or what the server says it got, is compared with what was sent, off the clock.
 */
import { answer } from "./calls.js";

const POLYNOMIAL = 0xedb88320;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** @param {number} length @param {number} number */
function block(length, number) {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + 65_536)));
  new DataView(bytes.buffer).setUint32(0, number, true);
  return bytes;
}

/** @param {Response} response */
function mustBeOk(response) {
  if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
  return response;
}

/** The checksum of what the source always answers, by length. @type {Map<number, number>} */
const known = new Map();

answer({
  /** Whether this server has the routes. */
  async probe() {
    return (await fetch("/bench/source?bytes=1", { cache: "no-store" })).ok;
  },

  /** GET: milliseconds until all bytes are here, each time. @param {number} length @param {number} count */
  async get(length, count) {
    const times = [];
    for (let number = 0; number < count; number++) {
      const began = performance.now();
      const response = mustBeOk(await fetch(`/bench/source?bytes=${length}`, { cache: "no-store" }));
      const bytes = new Uint8Array(await response.arrayBuffer());
      times.push(performance.now() - began);
      const crc = crc32(bytes);
      if (bytes.length !== length || crc !== (known.get(length) ?? crc)) throw new Error("other bytes than before");
      known.set(length, crc);
    }
    return times;
  },

  /** POST: milliseconds until the server has said how many bytes it has. @param {number} length @param {number} count */
  async post(length, count) {
    const times = [];
    for (let number = 0; number < count; number++) {
      const body = block(length, number);
      const began = performance.now();
      const response = mustBeOk(await fetch("/bench/sink", { method: "POST", body }));
      await response.json();
      times.push(performance.now() - began);
      const seen = await mustBeOk(await fetch("/bench/sink", { cache: "no-store" })).json();
      if (seen.bytes !== length || seen.crc32 !== crc32(body)) throw new Error("the server got something else");
    }
    return times;
  },

  /** There and back over one socket, one message at a time. @param {number} length @param {number} count */
  async echo(length, count) {
    const socket = await openSocket();
    const times = [];
    for (let number = 0; number < count; number++) {
      const body = block(length, number);
      const began = performance.now();
      socket.send(body);
      const back = await nextMessage(socket);
      times.push(performance.now() - began);
      if (back.length !== length || crc32(back) !== crc32(body)) throw new Error("the echo differs");
    }
    socket.close();
    return times;
  },

  /**
   * Messages over one socket and back, `open` of them under way; answers messages a second.
   * @param {number} length @param {number} count @param {number} open
   */
  async stream(length, count, open) {
    const socket = await openSocket();
    const body = block(length, 0);
    const rest = crc32(body.subarray(4));
    const view = new DataView(body.buffer);
    let sent = 0;
    let wrong = 0;
    const send = () => {
      view.setUint32(0, sent++, true);
      socket.send(body);
    };
    const began = performance.now();
    await new Promise((resolve, reject) => {
      let got = 0;
      socket.onclose = () => reject(new Error("the socket was closed"));
      socket.onmessage = ({ data }) => {
        const bytes = new Uint8Array(data);
        if (new DataView(data).getUint32(0, true) !== got || crc32(bytes.subarray(4)) !== rest) wrong++;
        if (++got === count) resolve(undefined);
        else if (sent < count) send();
      };
      while (sent < Math.min(open, count)) send();
    });
    const ms = performance.now() - began;
    socket.onclose = null;
    socket.close();
    if (wrong) throw new Error(`${wrong} messages came back wrong`);
    return (count * 1000) / ms;
  },
});

/** @returns {Promise<WebSocket>} */
function openSocket() {
  const socket = new WebSocket(`${self.location.origin.replace("http", "ws")}/bench/echo`);
  socket.binaryType = "arraybuffer";
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(socket);
    socket.onerror = () => reject(new Error("no socket"));
  });
}

/** @param {WebSocket} socket @returns {Promise<Uint8Array>} */
function nextMessage(socket) {
  return new Promise((resolve, reject) => {
    socket.onmessage = ({ data }) => resolve(new Uint8Array(data));
    socket.onclose = () => reject(new Error("the socket was closed"));
  });
}
