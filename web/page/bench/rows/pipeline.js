/**
 * Row pipeline: inbox, process, outbox, page. The page is a stage: it takes descriptors by waitAsync and looks at the bytes
 * where they lie.
 */

import { sharedBuffer } from "../../../shared/buffer.js";
import { Epoch } from "../../../shared/epochs.js";
import * as L from "../../../shared/layout.gen.js";
import { RingReader } from "../../../shared/ring.js";
import { at } from "../../site.js";
import { rounded } from "../stats.js";

/** @typedef {import("../lab.js").Bench} Bench */
/** @typedef {import("../lab.js").Line} Line */
/** @typedef {import("../result.js").Figures} Figures */

const MEMORY_BYTES = 32 << 20;
const MESSAGE_BYTES = 65_536;
const HASH_BYTES = 32;
const MESSAGES = 12_000;
const MESSAGES_QUICK = 1000;
const LOST_MS = 25_000;

/** What the page does with a message: looks at every word of it. @param {Uint32Array} words */
function sumOf(words) {
  let sum = 0;
  for (let i = 0; i < words.length; i++) sum = (sum + words[i]) | 0;
  return sum;
}

const wanted = (() => {
  const words = new Uint32Array(MESSAGE_BYTES / 4);
  for (let i = 1; i < words.length; i++) words[i] = Math.imul(i, 0x9e3779b1);
  return sumOf(words);
})();

/** What the page has seen of a run: a hash for every serial number, in order. */
class Shown {
  /** @param {number} count */
  constructor(count) {
    this.count = count;
    this.seen = 0;
    this.hashes = new Uint8Array(count * HASH_BYTES);
  }

  /** @param {number} serial @param {Uint32Array} words @param {Uint8Array} hash */
  show(serial, words, hash) {
    if (serial !== this.seen || sumOf(words) !== ((wanted + serial) | 0))
      throw new Error(`message ${serial} came damaged`);
    this.hashes.set(hash, serial * HASH_BYTES);
    this.seen++;
    return this.seen === this.count;
  }
}

/** @param {number} count @param {number} began @param {number} ended */
const rate = (count, began, ended) => (count * MESSAGE_BYTES) / 1048.576 / (ended - began);

const now = () => performance.timeOrigin + performance.now();

class Stages {
  #memory = new WebAssembly.Memory({
    initial: MEMORY_BYTES / L.PAGE_BYTES,
    maximum: MEMORY_BYTES / L.PAGE_BYTES,
    shared: true,
  });
  #reader;
  #words;

  /** @param {Bench} bench */
  constructor(bench) {
    this.inbox = bench.line("stage.js");
    this.process = bench.line("stage.js");
    const buffer = sharedBuffer(this.#memory);
    this.#reader = new RingReader(buffer, L.REGION_EVENTS, L.REGION_EVENTS_BYTES);
    this.#words = new Uint32Array(buffer);
  }

  async start() {
    const kernel = await WebAssembly.compileStreaming(fetch(at("build/kernel.wasm")));
    await this.inbox.call("start", this.#memory, kernel, "inbox", MESSAGE_BYTES);
    await this.process.call("start", this.#memory, kernel, "process", MESSAGE_BYTES);
  }

  /** KiB copied so far, in and out, by the metrics block. */
  copiedKib() {
    const metrics = L.REGION_METRICS / 4;
    return [L.METRIC_COPY_BYTES_IN_KIB, L.METRIC_COPY_BYTES_OUT_KIB].map((word) =>
      Atomics.load(this.#words, metrics + word),
    );
  }

  /** By pointers. @param {number} count */
  async shared(count) {
    const buffer = /** @type {SharedArrayBuffer} */ (this.#words.buffer);
    const [came, letGo] = [new Epoch(buffer, L.EPOCH_EVENTS), new Epoch(buffer, L.EPOCH_NET_OUTBOX)];
    const shown = new Shown(count);
    const given = [this.inbox.call("receive", MESSAGE_BYTES, count), this.process.call("process", count)];
    while (shown.seen < count) {
      const seen = came.load();
      this.#reader.drain((_type, view, offset) => {
        const [at, length, serial] = [0, 4, 8].map((step) => view.getUint32(offset + step, true));
        const hash = new Uint8Array(view.buffer, offset + 12, HASH_BYTES);
        shown.show(serial, this.#words.subarray(at / 4, (at + length) / 4), hash);
        letGo.publish();
      });
      if (shown.seen === count) break;
      if (!(await came.waitAsync(seen, LOST_MS))) await Promise.all(given); // throws what stopped a stage
    }
    const ended = now();
    const [began] = await Promise.all(given);
    await this.#mustBeRight(shown);
    return rate(count, began, ended);
  }

  /** By messages. @param {number} count @param {boolean} transfers */
  async posted(count, transfers) {
    const [first, second, back] = [new MessageChannel(), new MessageChannel(), new MessageChannel()];
    const shown = new Shown(count);
    await this.process.callWith([first.port2, second.port1], "pass", first.port2, second.port1, transfers);
    /** @type {PromiseWithResolvers<number>} */
    const all = Promise.withResolvers();
    second.port2.onmessage = ({ data: { serial, body, hash } }) => {
      try {
        if (shown.show(serial, body, hash)) all.resolve(now());
        back.port2.postMessage(serial);
      } catch (error) {
        all.reject(error);
      }
    };
    const ports = [first.port1, back.port1];
    const [began, ended] = await Promise.all([
      this.inbox.callWith(ports, "post", ...ports, MESSAGE_BYTES, count, transfers),
      all.promise,
    ]);
    await this.#mustBeRight(shown);
    return rate(count, began, ended);
  }

  /** @param {Shown} shown */
  async #mustBeRight(shown) {
    const good = await this.inbox.call("verified", shown.hashes, MESSAGE_BYTES);
    if (good !== shown.count) throw new Error(`${good} of ${shown.count} hashes are right`);
  }
}

/** @type {import("../run.js").Measure} */
export async function measure(bench, _wanted, figures) {
  const stages = new Stages(bench);
  await stages.start();
  const count = bench.quick ? MESSAGES_QUICK : MESSAGES;
  /** @type {Record<string, number[]>} */
  const made = { shared: [], postMessage: [], "postMessage.transfer": [] };
  let copies = 0;
  for (let run = -1; run < bench.runs; run++) {
    bench.progress("pipeline", Math.max(0, run) / bench.runs, `run ${run + 1} of ${bench.runs}`);
    const before = stages.copiedKib();
    const shared = await stages.shared(count);
    const [copiedIn, copiedOut] = stages.copiedKib().map((kib, i) => kib - before[i]);
    copies = ((copiedIn + copiedOut) * 1024) / (count * MESSAGE_BYTES);
    const posted = await stages.posted(count, false);
    const transferred = await stages.posted(count, true);
    if (run < 0) continue;
    made.shared.push(shared);
    made.postMessage.push(posted);
    made["postMessage.transfer"].push(transferred);
  }
  const { shared, ...baselines } = made;
  figures.pipeline = {
    samples: shared,
    baselines,
    missed: `The one copy that remains is the network's: browsers hand a message over in memory of its own; hashing and looking at every word bound the rest.`,
    notes: [
      `${copies.toFixed(2)} copies of each byte by the metrics block: the one from the network's message into shared memory; by messages it is copied at least three times`,
    ],
    details: { messageBytes: MESSAGE_BYTES, messagesPerRun: count, copiesPerByte: rounded(copies) },
  };
}
