/**
 * What a person gives and takes: sources (dropped Files) and sinks (a page's buffer, a download).
 *
 * Invariants: bytes go straight between the arena and the outside in one copy; a sink answers a write only when it has room
 * for more, so a slow download holds back the brain; an aborted sink never looks complete.
 */

import * as L from "../../shared/layout.gen.js";

const NOT_FOUND = /** @type {number} */ (L.STATUS.NotFound);
const LOST = /** @type {number} */ (L.STATUS.StorageLost);

/** @typedef {{status: number, value: number}} Outcome */

export class Sources {
  /** @type {Map<number, Blob>} */ #blobs = new Map();
  /** @type {Uint8Array} */ #bytes;

  /** @param {SharedArrayBuffer} buffer */
  constructor(buffer) {
    this.#bytes = new Uint8Array(buffer);
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
      const part = await blob.slice(offset, offset + length).arrayBuffer();
      this.#bytes.set(new Uint8Array(part), at);
      return { status: 0, value: part.byteLength };
    } catch {
      return { status: LOST, value: 0 }; // the file on disk changed or went away since it was dropped
    }
  }
}

/**
 * @typedef {object} Sink
 * @property {(offset: number, bytes: Uint8Array) => Promise<void> | void} write takes a shared view; copies what it keeps
 * @property {(complete: boolean) => void} close
 */

/** A sink that collects everything for the page. */
export class BufferSink {
  /** @type {Uint8Array<ArrayBuffer>} */ #out;
  #send;

  /** @param {number} length @param {(message: object, transfer: Transferable[]) => void} send @param {number} id */
  constructor(length, send, id) {
    this.#out = new Uint8Array(length);
    this.#send = (/** @type {boolean} */ complete) =>
      send(
        { type: "sink-closed", id, complete, bytes: complete ? this.#out : null },
        complete ? [this.#out.buffer] : [],
      );
  }

  /** @param {number} offset @param {Uint8Array} bytes */
  write(offset, bytes) {
    this.#out.set(bytes, offset);
  }

  /** @param {boolean} complete */
  close(complete) {
    this.#send(complete);
  }
}

/** A sink that feeds the service worker's download stream; the other side of the port asks for more by `pull`. */
export class DownloadSink {
  #port;
  #pulls = 0;
  /** @type {((value: void) => void) | null} */ #wake = null;
  #cancelled = false;

  /** @param {MessagePort} port */
  constructor(port) {
    this.#port = port;
    port.onmessage = (event) => {
      if (event.data === "cancel") this.#cancelled = true;
      else this.#pulls++;
      this.#wake?.();
      this.#wake = null;
    };
  }

  /** @param {number} _offset @param {Uint8Array} bytes */
  async write(_offset, bytes) {
    while (this.#pulls === 0 && !this.#cancelled) {
      await new Promise((/** @type {(value: void) => void} */ resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#cancelled) throw new DOMException("the download was cancelled", "AbortError");
    this.#pulls--;
    const copy = bytes.slice(); // one copy out: streams refuse shared views
    this.#port.postMessage(copy, [copy.buffer]);
  }

  /** @param {boolean} complete */
  close(complete) {
    this.#port.postMessage(complete ? "end" : "abort");
    this.#port.close();
  }
}
