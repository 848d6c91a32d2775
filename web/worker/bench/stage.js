/**
 * Bench worker: a stage of the pipeline. As *inbox* it stands for the net worker: it writes messages into the shared memory;
 * as *process* it hashes each in place and passes it on to the page. Or the same by messages.
 *
 * Nouns: a *slot* is room for one message in the arena; a *descriptor* says where a message lies: 12 bytes, and its hash.
 * Invariants: the one copy of a message's bytes is counted in the metrics block; a slot is written again only after the page
 * has let go of it.
 */
import { sharedBuffer } from "../../shared/buffer.js";
import { Epoch } from "../../shared/epochs.js";
import { startKernel } from "../../shared/kernel.js";
import * as L from "../../shared/layout.gen.js";
import { RingReader, RingWriter } from "../../shared/ring.js";
import { answer, now } from "./calls.js";

const TYPE = 1;
const HASH_BYTES = 32;
const SLOTS = 64;
const LOST_MS = 20_000;
const KIB = 1024;

/** @type {import("../../shared/kernel.js").Kernel} */
let kernel;
/** @type {Uint8Array<SharedArrayBuffer>} */
let bytes;
/** @type {Int32Array<SharedArrayBuffer>} */
let words;
/** @type {RingWriter} */
let out;
/** @type {RingReader} */
let inbox;
/** @type {Epoch} */
let came;
/** Published by the page when it has let go of messages. @type {Epoch} */
let shown;
let hash = 0;
let room = 0;

/** @param {number} length @returns {Uint32Array<ArrayBuffer>} word 0 is for the serial number */
function template(length) {
  const made = new Uint32Array(length / 4);
  for (let i = 1; i < made.length; i++) made[i] = Math.imul(i, 0x9e3779b1);
  return made;
}

answer({
  /** @param {WebAssembly.Memory} memory @param {WebAssembly.Module} module @param {"inbox" | "process"} stage @param {number} length */
  async start(memory, module, stage, length) {
    kernel = await startKernel(module, memory, stage === "inbox" ? 0 : 1);
    const buffer = sharedBuffer(memory);
    bytes = new Uint8Array(buffer);
    words = new Int32Array(buffer);
    came = new Epoch(buffer, L.EPOCH_NET_INBOX);
    shown = new Epoch(buffer, L.EPOCH_NET_OUTBOX);
    hash = kernel.arena_alloc(HASH_BYTES);
    room = kernel.arena_alloc(stage === "inbox" ? SLOTS * length : length);
    if (hash === 0 || room === 0) throw new Error("no room in the arena");
    if (stage === "inbox") out = new RingWriter(buffer, L.REGION_NET_INBOX, L.REGION_NET_INBOX_BYTES, [came]);
    else {
      inbox = new RingReader(buffer, L.REGION_NET_INBOX, L.REGION_NET_INBOX_BYTES);
      out = new RingWriter(buffer, L.REGION_EVENTS, L.REGION_EVENTS_BYTES, [new Epoch(buffer, L.EPOCH_EVENTS)]);
    }
  },

  /** Answers when it began. @param {number} length @param {number} count */
  receive(length, count) {
    const message = template(length);
    const body = new Uint8Array(message.buffer);
    const first = shown.load();
    const copied = L.REGION_METRICS / 4 + L.METRIC_COPY_BYTES_IN_KIB;
    const began = now();
    for (let serial = 0; serial < count; serial++) {
      for (let seen = shown.load(); serial - ((seen - first) | 0) >= SLOTS; seen = shown.load()) {
        if (!shown.wait(seen, LOST_MS)) throw new Error("the page shows nothing");
      }
      message[0] = serial;
      const at = room + (serial % SLOTS) * length;
      bytes.set(body, at);
      Atomics.add(words, copied, length / KIB);
      if (!out.push(TYPE, at, length, serial)) throw new Error("the inbox is full of descriptors");
    }
    return began;
  },

  /** @param {number} count */
  process(count) {
    for (let passed = 0; passed < count; ) {
      const seen = came.load();
      const frames = inbox.drain((_type, view, offset) => {
        const [at, length, serial] = [0, 4, 8].map((step) => view.getUint32(offset + step, true));
        kernel.blake3_hash(at, length, hash);
        if (!out.push(TYPE, at, length, serial, bytes.subarray(hash, hash + HASH_BYTES)))
          throw new Error("the outbox is full");
      });
      passed += frames;
      if (frames === 0 && !came.wait(seen, LOST_MS)) throw new Error("the inbox stays empty");
    }
  },

  /** The same by messages: post `count`, at most SLOTS not yet shown. @param {MessagePort} to @param {MessagePort} back @param {number} length @param {number} count @param {boolean} transfers */
  async post(to, back, length, count, transfers) {
    const message = template(length);
    let open = 0;
    /** @type {PromiseWithResolvers<void>} */
    let more = Promise.withResolvers();
    back.onmessage = () => {
      open--;
      more.resolve();
    };
    const began = now();
    for (let serial = 0; serial < count; serial++) {
      while (open >= SLOTS) {
        more = Promise.withResolvers();
        await more.promise;
      }
      open++;
      message[0] = serial;
      const posted = transfers ? message.slice() : message;
      to.postMessage({ serial, body: posted }, transfers ? [posted.buffer] : []);
    }
    return began;
  },

  /** And hash each, and post it on. @param {MessagePort} from @param {MessagePort} to @param {boolean} transfers */
  pass(from, to, transfers) {
    from.onmessage = ({ data: { serial, body } }) => {
      bytes.set(new Uint8Array(body.buffer), room); // the kernel hashes in its own memory
      kernel.blake3_hash(room, body.byteLength, hash);
      const made = Uint8Array.from(bytes.subarray(hash, hash + HASH_BYTES));
      to.postMessage({ serial, body, hash: made }, transfers ? [body.buffer] : []);
    };
  },

  /** How many of the hashes, by serial number, are those of the messages. @param {Uint8Array} hashes @param {number} length */
  verified(hashes, length) {
    const message = template(length);
    let good = 0;
    for (let serial = 0; serial * HASH_BYTES < hashes.length; serial++) {
      message[0] = serial;
      bytes.set(new Uint8Array(message.buffer), room);
      kernel.blake3_hash(room, length, hash);
      const got = hashes.subarray(serial * HASH_BYTES, (serial + 1) * HASH_BYTES);
      if (got.every((byte, i) => byte === bytes[hash + i])) good++;
    }
    return good;
  },
});
