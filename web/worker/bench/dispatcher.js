/**
 * Bench worker: gives jobs to muscles through the queue of the shared memory, or tasks to workers by messages, and verifies
 * every answer.
 *
 * Nouns: a *task* hashes one block and answers the hash; before each the block's first word becomes the task's serial
 * number, so that no answer fits another task. *Open* tasks are given and not yet answered.
 * Invariants: as many tasks are open as there are blocks; an answer to a task that is not open is an error; all answers are
 * compared with their hashes after the clock has stopped; waiting is Atomics.wait or the event loop.
 */
import { sharedBuffer } from "../../shared/buffer.js";
import { Epoch } from "../../shared/epochs.js";
import { startKernel } from "../../shared/kernel.js";
import * as L from "../../shared/layout.gen.js";
import { Queue } from "../../shared/queue.js";
import { answer } from "./calls.js";

const THREAD = 0; // muscles have the next ones
const LOST_MS = 20_000;
const HASH_BYTES = 32;
const KIND_CHUNK = 1;
const QUALITY = 6;

/** @type {import("../../shared/kernel.js").Kernel} */
let kernel;
/** @type {Uint8Array<SharedArrayBuffer>} */
let bytes;
/** @type {Queue} */
let bulk;
/** @type {Queue} */
let done;
/** @type {Epoch} */
let jobs;
/** @type {Epoch} */
let finished;
/** @type {{at: number, length: number}[]} */
let blocks = [];
let slot = 0;
/** @type {MessagePort[]} */
let ports = [];

/** @param {number} length */
function alloc(length) {
  const at = kernel.arena_alloc(length);
  if (at === 0) throw new Error(`no room for ${length} bytes`);
  return at;
}

/** @param {number} at @param {number} serial */
function setSerial(at, serial) {
  new DataView(bytes.buffer).setUint32(at, serial, true);
}

/** @param {number} id of the job and of its block @param {Record<number, number>} fields by JOB_* */
function submit(id, fields) {
  const words = new Uint32Array(bytes.buffer, L.REGION_JOB_TABLE + id * L.JOB_BYTES, L.JOB_BYTES / 4);
  words.fill(0);
  words[L.JOB_SRC] = blocks[id].at;
  words[L.JOB_SRC_LEN] = blocks[id].length;
  words[L.JOB_RESULT] = L.REGION_JOB_RESULTS + id * L.RESULT_BYTES;
  for (const [word, value] of Object.entries(fields)) words[Number(word)] = value;
  if (!bulk.push(id)) throw new Error("the queue of jobs is full");
  jobs.publish();
}

/** Hand over ids of finished jobs until `onDone` has seen `count` of them. @param {number} count @param {(id: number) => void} onDone */
function collect(count, onDone) {
  for (let left = count; left > 0; ) {
    const seen = finished.load();
    const id = done.pop();
    if (id < 0) {
      if (!finished.wait(seen, LOST_MS)) throw new Error("no job comes back");
      continue;
    }
    const status = new Int32Array(bytes.buffer, L.REGION_JOB_TABLE + id * L.JOB_BYTES)[L.JOB_STATUS];
    if (status !== 0) throw new Error(`job ${id} answered ${status}`);
    onDone(id);
    left--;
  }
}

/** Tasks that are open, and the answers of those that were. */
class Ledger {
  #answers;
  #blocks;
  /** @type {number[]} */ #open;
  #next = 0;

  /** @param {number} count tasks in all @param {{at: number, length: number}[]} over */
  constructor(count, over) {
    this.#answers = new Uint8Array(count * HASH_BYTES);
    this.#blocks = new Uint8Array(count);
    this.#open = over.map(() => -1);
    this.count = count;
    this.answered = 0;
  }

  /** The next task on a block; false if all were given. @param {number} block */
  open(block) {
    if (this.#next === this.count) return false;
    this.#open[block] = this.#next;
    this.#blocks[this.#next] = block;
    setSerial(blocks[block].at, this.#next++);
    return true;
  }

  /** @param {number} block @param {Uint8Array} hash */
  close(block, hash) {
    const serial = this.#open[block];
    if (serial < 0) throw new Error(`block ${block} was answered twice`);
    this.#open[block] = -1;
    this.#answers.set(hash, serial * HASH_BYTES);
    this.answered++;
  }

  /** How many tasks have their own hash as answer. */
  verified() {
    const hash = alloc(HASH_BYTES);
    let good = 0;
    for (let serial = 0; serial < this.#next; serial++) {
      const { at, length } = blocks[this.#blocks[serial]];
      setSerial(at, serial);
      kernel.blake3_hash(at, length, hash);
      const got = this.#answers.subarray(serial * HASH_BYTES, (serial + 1) * HASH_BYTES);
      if (got.every((byte, i) => byte === bytes[hash + i])) good++;
    }
    kernel.arena_release(hash);
    return good;
  }
}

/** @param {Ledger} ledger @param {number} ms */
const outcome = (ledger, ms) => ({ ms, tasks: ledger.count, answered: ledger.answered, verified: ledger.verified() });

answer({
  /** Lays out a new memory. @param {WebAssembly.Memory} memory @param {WebAssembly.Module} module */
  async start(memory, module) {
    kernel = await startKernel(module, memory, THREAD);
    const buffer = sharedBuffer(memory);
    bytes = new Uint8Array(buffer);
    for (const region of [L.REGION_JOBS_URGENT, L.REGION_JOBS_BULK, L.REGION_JOBS_DONE])
      new Queue(buffer, region, THREAD).init();
    bulk = new Queue(buffer, L.REGION_JOBS_BULK, THREAD);
    done = new Queue(buffer, L.REGION_JOBS_DONE, THREAD);
    jobs = new Epoch(buffer, L.EPOCH_JOBS);
    finished = new Epoch(buffer, L.EPOCH_JOBS_DONE);
    slot = alloc(L.KEY_SLOT_BYTES);
    const secret = alloc(HASH_BYTES);
    bytes.fill(7, secret, secret + HASH_BYTES);
    kernel.keys_derive(secret, slot);
  },

  /** The blocks that tasks and jobs are about. @param {Uint8Array[]} given */
  take(given) {
    for (const { at } of blocks) kernel.arena_release(at);
    blocks = given.map((block) => {
      const at = alloc(block.length);
      bytes.set(block, at);
      return { at, length: block.length };
    });
  },

  /** Hashing tasks by the queue, all blocks open at once. @param {number} count */
  hashByQueue(count) {
    const ledger = new Ledger(count, blocks);
    const began = performance.now();
    blocks.forEach((_, id) => {
      if (ledger.open(id)) submit(id, { [L.JOB_OP]: L.OP_HASH });
    });
    collect(count, (id) => {
      const result = L.REGION_JOB_RESULTS + id * L.RESULT_BYTES + L.RESULT_BID;
      ledger.close(id, bytes.subarray(result, result + HASH_BYTES));
      if (ledger.open(id)) submit(id, { [L.JOB_OP]: L.OP_HASH });
    });
    return outcome(ledger, performance.now() - began);
  },

  /** Ways to workers that hash. @param {MessagePort[]} given */
  adopt(...given) {
    ports = given;
  },

  /** The same tasks by messages to workers. @param {number} count @param {boolean} transfers */
  hashByMessages(count, transfers) {
    const ledger = new Ledger(count, blocks);
    const { promise, resolve, reject } = Promise.withResolvers();
    const began = performance.now();
    const give = (/** @type {number} */ id) => {
      if (!ledger.open(id)) return;
      const { at, length } = blocks[id];
      const block = bytes.slice(at, at + length); // a message of its own: what is posted must not be shared
      ports[id % ports.length].postMessage({ id, block }, transfers ? [block.buffer] : []);
    };
    for (const port of ports) {
      port.onmessage = ({ data }) => {
        try {
          ledger.close(data.id, data.hash);
        } catch (error) {
          reject(error);
        }
        if (ledger.answered === count) resolve(outcome(ledger, performance.now() - began));
        else give(data.id);
      };
    }
    blocks.forEach((_, id) => {
      give(id);
    });
    return promise;
  },

  /** What a put does to chunks, all of them once, at most JOBS_MAX open. Answers ms and the bytes of all blocks made. */
  seal() {
    let [next, made] = [0, 0];
    const result = new Uint32Array(bytes.buffer, L.REGION_JOB_RESULTS);
    const fields = { [L.JOB_OP]: L.OP_SEAL, [L.JOB_KEYS]: slot, [L.JOB_ARG0]: KIND_CHUNK, [L.JOB_ARG1]: QUALITY };
    const began = performance.now();
    while (next < Math.min(blocks.length, L.JOBS_MAX)) submit(next++, fields);
    collect(blocks.length, (id) => {
      const record = (id * L.RESULT_BYTES) / 4;
      made += result[record + L.RESULT_BYTES_LEN / 4];
      kernel.arena_release(result[record + L.RESULT_BYTES_OFFSET / 4]);
    });
    return { ms: performance.now() - began, made };
  },
});
