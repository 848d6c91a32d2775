/**
 * The io worker: executes the brain's read, write and flush descriptors against OPFS, Files and downloads.
 *
 * Frames come from IO_QUEUE and are answered in IO_DONE, each with its request number. Bulk bytes never leave the arena
 * except into or out of the file itself. The store's logic is in Python; nothing is decided here.
 */

import { sharedBuffer } from "../../shared/buffer.js";
import { Epoch, LOOK_AGAIN_MS } from "../../shared/epochs.js";
import * as L from "../../shared/layout.gen.js";
import { Meter, metricWords } from "../../shared/metrics.js";
import { failure, requireApi } from "../../shared/require_api.js";
import { RingReader, RingWriter } from "../../shared/ring.js";
import { Files } from "./files.js";
import { VaultLock } from "./lock.js";
import { BufferSink, DownloadSink, Sources } from "./streams.js";

/** @typedef {{status: number, value: number}} Outcome */

const DONE_FRAME = 1;
const KIB = 1024;
/** Which word counts the bytes of an operation. @type {ReadonlyArray<[op: number, metric: number]>} */
const COUNTED = [
  [L.IO_READ, L.METRIC_DISK_BYTES_READ_KIB],
  [L.IO_WRITE, L.METRIC_DISK_BYTES_WRITTEN_KIB],
  [L.IO_READ_SOURCE, L.METRIC_COPY_BYTES_IN_KIB],
  [L.IO_WRITE_SINK, L.METRIC_COPY_BYTES_OUT_KIB],
];
const TOO_LARGE = { status: /** @type {number} */ (L.STATUS.LimitExceeded), value: 0 };
const STOPPED = { status: /** @type {number} */ (L.STATUS.Cancelled), value: 0 };

class IoWorker {
  #memory;
  #files;
  #sources;
  /** @type {Map<number, import("./streams.js").Sink>} */ #sinks = new Map();
  #queue;
  #done;
  #answer = new DataView(new ArrayBuffer(16));
  #wake;
  /** @type {Map<number, Meter>} */ #meters;
  #lock;

  /** @param {WebAssembly.Memory} memory @param {string} folder */
  constructor(memory, folder) {
    const buffer = sharedBuffer(memory);
    this.#memory = new Uint8Array(buffer);
    this.#files = new Files(buffer, folder);
    this.#lock = new VaultLock(
      folder,
      () => self.postMessage({ type: "lock", state: "asked" }),
      () => {
        this.#files.closeAll(); // the tab that took the lock needs the handles
        self.postMessage({ type: "lock", state: "lost" });
      },
    );
    this.#sources = new Sources(buffer);
    this.#queue = new RingReader(buffer, L.REGION_IO_QUEUE, L.REGION_IO_QUEUE_BYTES);
    this.#done = new RingWriter(buffer, L.REGION_IO_DONE, L.REGION_IO_DONE_BYTES, [
      new Epoch(buffer, L.EPOCH_IO_DONE),
      new Epoch(buffer, L.EPOCH_BRAIN),
    ]);
    this.#wake = new Epoch(buffer, L.EPOCH_IO_QUEUE);
    const words = metricWords(buffer);
    this.#meters = new Map(COUNTED.map(([op, metric]) => [op, new Meter(words, metric, KIB)]));
  }

  async loop() {
    for (;;) {
      const seen = this.#wake.load();
      this.#queue.drain((type, view, offset) => this.#run(type, view, offset));
      await this.#wake.waitAsync(seen, LOOK_AGAIN_MS);
    }
  }

  /** @param {number} op @param {DataView} view @param {number} offset */
  #run(op, view, offset) {
    const request = view.getUint32(offset, true);
    const number = view.getUint32(offset + 4, true);
    const position = view.getFloat64(offset + 8, true);
    const at = view.getUint32(offset + 16, true);
    const length = view.getUint32(offset + 20, true);
    const done = (/** @type {Outcome} */ outcome) => this.#finish(op, request, outcome);
    switch (op) {
      case L.IO_READ_SOURCE:
        this.#sources.read(number, position, at, length).then(done);
        return;
      case L.IO_WRITE_SINK:
        this.#writeSink(number, position, at, length).then(done, (error) =>
          done(error instanceof RangeError ? TOO_LARGE : STOPPED),
        );
        return;
      case L.IO_CLOSE_SINK:
        this.#sinks.get(number)?.close(length === 1);
        this.#sinks.delete(number);
        done({ status: 0, value: 0 });
        return;
      case L.IO_LIST_SEGMENTS:
        this.#files.listSegments(at, length).then(done);
        return;
      case L.IO_CLOSE_SOURCE:
        this.#sources.remove(number);
        done({ status: 0, value: 0 });
        return;
      default:
        this.#files.run(number, { op, offset: position, at, length }, done);
    }
  }

  /** @param {number} number @param {number} position @param {number} at @param {number} length */
  async #writeSink(number, position, at, length) {
    const sink = this.#sinks.get(number);
    if (!sink) return { status: /** @type {number} */ (L.STATUS.NotFound), value: 0 };
    await sink.write(position, this.#memory.subarray(at, at + length));
    return { status: 0, value: length };
  }

  /** @param {number} op @param {number} request @param {Outcome} outcome */
  #finish(op, request, { status, value }) {
    this.#meters.get(op)?.add(value);
    this.#answer.setUint32(0, request, true);
    this.#answer.setInt32(4, status, true);
    this.#answer.setFloat64(8, value, true);
    // The brain keeps fewer requests open than the ring has room for answers, so a full ring is a bug, not a state.
    if (!this.#done.push(DONE_FRAME, new Uint8Array(this.#answer.buffer))) throw new Error("IO_DONE is full");
  }

  /** @param {boolean} held */
  #tellLock(held) {
    this.#files.setHeld(held);
    self.postMessage({ type: "lock", state: held ? "held" : "busy" });
  }

  /** @param {any} message from the page */
  async command(message) {
    const post = (/** @type {object} */ out, /** @type {Transferable[]} */ transfer) =>
      self.postMessage(out, { transfer });
    switch (message.type) {
      case "source":
        this.#sources.add(message.id, message.blob);
        post({ type: "registered", id: message.id }, []);
        return;
      case "forget-source":
        this.#sources.remove(message.id);
        return;
      case "sink":
        this.#sinks.set(
          message.id,
          message.port
            ? new DownloadSink(message.port)
            : new BufferSink(message.length, post, message.id, message.lengthMax),
        );
        post({ type: "registered", id: message.id }, []);
        return;
      case "abort-sink":
        this.#sinks.get(message.id)?.abort();
        return;
      case "acquire":
        this.#tellLock(await this.#lock.acquire());
        return;
      case "take-over":
        this.#tellLock(await this.#lock.takeOver());
        return;
      case "abort-sinks": // a paused download must not hold the vault
        for (const sink of this.#sinks.values()) sink.abort();
        return;
      case "release":
        await this.#files.closeAll();
        this.#lock.release();
        self.postMessage({ type: "lock", state: "released" });
        return;
    }
  }
}

/** @type {IoWorker | null} */
let worker = null;
const fail = (/** @type {unknown} */ error) => self.postMessage(failure(error));

/** @param {{memory: WebAssembly.Memory, folder: string}} start */
async function begin({ memory, folder }) {
  requireApi("createSyncAccessHandle" in FileSystemFileHandle.prototype, "no synchronous access to the private files");
  worker = new IoWorker(memory, folder);
  await worker.loop();
}

self.onmessage = (event) => {
  if (event.data.type === "start") begin(event.data).catch(fail);
  else worker?.command(event.data).catch(fail);
};
