/**
 * What a person gives and takes: sources (dropped Files) and sinks (a page's buffer, a download).
 *
 * Invariants: bytes go straight between the arena and the outside in one copy; a sink answers a write only when it has room
 * for more, so a slow download holds back the brain; an aborted sink never looks complete.
 */

import * as L from "../../shared/layout.gen.js";

const NOT_FOUND = /** @type {number} */ (L.STATUS.NotFound);
/** What a Blob's stream hands over at a time is up to 2 MiB in Chromium, 64 KiB in Firefox. */
const COPY_BYTES = 1 << 20;
const BUFFER_BYTES_MAX = 2 ** 31 - 1;
const SPARE_MAX = 4;
const LOST = /** @type {number} */ (L.STATUS.StorageLost);

/** @typedef {{status: number, value: number}} Outcome */

export class Sources {
  /** @type {Map<number, Blob>} */ #blobs = new Map();
  /** @type {Uint8Array} */ #bytes;
  /** @type {ArrayBuffer[]} */ #spare = [];

  #patienceMs;

  /** @param {SharedArrayBuffer} buffer @param {number} [patienceMs] with a stream that says nothing */
  constructor(buffer, patienceMs = 10_000) {
    this.#bytes = new Uint8Array(buffer);
    this.#patienceMs = patienceMs;
  }

  /** @param {number} id @param {Blob} blob */
  add(id, blob) {
    this.#blobs.set(id, blob);
  }

  /** @param {number} id */
  remove(id) {
    this.#blobs.delete(id);
  }

  /** @param {number} id @param {number} offset @param {number} at @param {number} length @returns {Promise<Outcome>} */
  async read(id, offset, at, length) {
    const blob = this.#blobs.get(id);
    if (!blob) return { status: NOT_FOUND, value: 0 };
    try {
      const target = this.#bytes.subarray(at, at + length);
      return { status: 0, value: await this.#copy(blob.slice(offset, offset + length), target) };
    } catch {
      return { status: LOST, value: 0 }; // the file on disk changed or went away since it was dropped
    }
  }

  /**
   * Through one small buffer that goes back and forth: `arrayBuffer()` of every part left 160 MiB of garbage behind a
   * 512 MiB file before it was collected. A stream that says nothing for long is given up, and the part read that other way:
   * a put was seen to wait for ever, and nothing else in it could.
   * @param {Blob} part @param {Uint8Array} target @returns {Promise<number>} bytes copied
   */
  async #copy(part, target) {
    const reader = byteReader(part.stream());
    let buffer = this.#spare.pop() ?? new ArrayBuffer(COPY_BYTES);
    let copied = 0;
    for (;;) {
      const read = await inTime(reader.read(new Uint8Array(buffer)), this.#patienceMs);
      if (read === LATE) {
        reader.cancel().catch(() => {});
        const whole = await inTime(part.arrayBuffer(), this.#patienceMs);
        if (whole === LATE) throw new Error("the file does not answer");
        target.set(new Uint8Array(whole));
        return whole.byteLength;
      }
      const { value, done } = read;
      if (value) {
        target.set(value, copied);
        copied += value.length;
        buffer = value.buffer;
      }
      if (done) break;
    }
    if (buffer.byteLength === COPY_BYTES && this.#spare.length < SPARE_MAX) this.#spare.push(buffer);
    return copied;
  }
}

const LATE = Symbol("late");

/**
 * What is promised, or LATE.
 * @template T @param {Promise<T>} promised @param {number} patienceMs @returns {Promise<T | typeof LATE>}
 */
async function inTime(promised, patienceMs) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {Promise<typeof LATE>} */
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve(LATE), patienceMs);
  });
  try {
    return await Promise.race([promised, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A reader that fills the buffer it is given; where a Blob's stream has none (older Safari), an ordinary one. @param {ReadableStream} stream */
function byteReader(stream) {
  try {
    return stream.getReader({ mode: "byob" });
  } catch {
    const reader = stream.getReader();
    return { read: (/** @type {Uint8Array} */ _buffer) => reader.read(), cancel: () => reader.cancel() };
  }
}

/**
 * @typedef {object} Sink
 * @property {(offset: number, bytes: Uint8Array) => Promise<void> | void} write takes a shared view; copies what it keeps
 * @property {(complete: boolean) => void} close
 * @property {() => void} abort whoever waits in `write` is told, and later writes fail
 */

/** A sink that collects everything for the page; what room it takes, it takes with the first bytes: whoever writes learns if there is none. */
export class BufferSink {
  /** @type {Uint8Array<ArrayBuffer>} */ #out = new Uint8Array();
  #send;
  #length;
  #lengthMax;

  #end = 0;

  /**
   * @param {number} length that is expected; it grows if more comes @param {(message: object, transfer: Transferable[]) => void} send
   * @param {number} id @param {number} [lengthMax] beyond which writes fail with a RangeError, as where the browser gives no more
   */
  constructor(length, send, id, lengthMax = BUFFER_BYTES_MAX) {
    this.#length = length;
    this.#lengthMax = lengthMax;
    this.#send = (/** @type {boolean} */ complete) =>
      send(
        { type: "sink-closed", id, complete, bytes: complete ? this.#out.subarray(0, this.#end) : null },
        complete ? [this.#out.buffer] : [],
      );
  }

  /** @param {number} offset @param {Uint8Array} bytes */
  write(offset, bytes) {
    this.#end = offset + bytes.length;
    if (this.#end > this.#lengthMax) throw new RangeError("more than is kept in memory");
    if (this.#end > this.#out.length) {
      const grown = new Uint8Array(Math.min(Math.max(this.#end, this.#length, 2 * this.#out.length), this.#lengthMax));
      grown.set(this.#out);
      this.#out = grown;
    }
    this.#out.set(bytes, offset);
  }

  /** @param {boolean} complete */
  close(complete) {
    this.#send(complete);
  }

  abort() {}
}

/** A sink that feeds the service worker's download stream; the other side of the port asks for more by an empty buffer. */
export class DownloadSink {
  #port;
  /** @type {ArrayBuffer | null} */ #room = null;
  /** @type {((value: void) => void) | null} */ #wake = null;
  #cancelled = false;

  /** @param {MessagePort} port */
  constructor(port) {
    this.#port = port;
    port.onmessage = (event) => {
      if (event.data === "cancel") this.abort();
      else this.#room = event.data;
      this.#wake?.();
      this.#wake = null;
    };
  }

  /** The person or the page stopped it: a paused download must hold up nobody. */
  abort() {
    this.#cancelled = true;
    this.#wake?.();
    this.#wake = null;
  }

  /** @param {number} _offset @param {Uint8Array} bytes */
  async write(_offset, bytes) {
    for (let at = 0; at < bytes.length; ) at += await this.#piece(bytes.subarray(at));
  }

  /** @param {Uint8Array} bytes @returns {Promise<number>} how many of them there was room for */
  async #piece(bytes) {
    while (!this.#room && !this.#cancelled) {
      await new Promise((/** @type {(value: void) => void} */ resolve) => {
        this.#wake = resolve;
      });
    }
    if (!this.#room || this.#cancelled) throw new DOMException("the download was cancelled", "AbortError");
    const piece = new Uint8Array(this.#room, 0, Math.min(bytes.length, this.#room.byteLength));
    piece.set(bytes.subarray(0, piece.length)); // one copy out: streams refuse shared views
    this.#room = null;
    const { length } = piece; // none is left once it is transferred
    this.#port.postMessage(piece, [piece.buffer]);
    return length;
  }

  /** @param {boolean} complete */
  close(complete) {
    this.#port.postMessage(complete ? "end" : "abort");
    this.#port.close();
  }
}
