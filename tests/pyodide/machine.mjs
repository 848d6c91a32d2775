/**
 * A node's shared memory and its threads in Node: the files of `web/worker`, unchanged, on `node:worker_threads`.
 *
 * Every thread runs `threads/worker.mjs`, which gives a worker script what it expects of a browser; page/boot.js does the same
 * work with real Workers. Must not know what the tests ask of the node.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import * as L from "../../web/shared/layout.gen.js";
import { Queue } from "../../web/shared/queue.js";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const THREAD = new URL("./threads/worker.mjs", import.meta.url);
export const THREAD_BRAIN = 0;
const THREAD_MUSCLES = 3;

export async function compileKernel() {
  return WebAssembly.compile(await readFile(`${ROOT}static/build/kernel.wasm`));
}

/** @param {number} bytes @param {number} muscles */
export function makeMemory(bytes, muscles) {
  const pages = bytes / L.PAGE_BYTES;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const buffer = /** @type {SharedArrayBuffer} */ (/** @type {unknown} */ (memory.buffer));
  const words = new Uint32Array(buffer, L.REGION_HEADER, L.HEADER_BUILD_ID_OFFSET / 4);
  words[L.HEADER_LAYOUT_VERSION] = L.LAYOUT_VERSION;
  words[L.HEADER_MEMORY_BYTES] = bytes;
  words[L.HEADER_ARENA_OFFSET] = L.ARENA_OFFSET;
  words[L.HEADER_ARENA_BYTES] = bytes - L.ARENA_OFFSET;
  words[L.HEADER_MUSCLES] = muscles;
  for (const region of [L.REGION_JOBS_URGENT, L.REGION_JOBS_BULK, L.REGION_JOBS_DONE])
    new Queue(buffer, region, 0).init();
  words[L.HEADER_MAGIC] = L.MAGIC;
  return { memory, buffer };
}

export class Machine {
  /** @type {Worker[]} */ #threads = [];
  /** @type {Worker[]} */ muscles = [];
  /** @type {((reason: Error) => void)[]} */ #onDeath = [];

  /** @param {{kernel: WebAssembly.Module, muscles: number, folder: string, memoryBytes: number}} options */
  constructor({ kernel, muscles, folder, memoryBytes }) {
    this.kernel = kernel;
    this.folder = folder;
    const { memory, buffer } = makeMemory(memoryBytes, muscles);
    this.memory = memory;
    this.buffer = buffer;
    this.io = this.start("io/main.js", { type: "start", memory, folder: "vault" });
    /** Resolves when the io worker holds the vault's lock; before that it refuses every file. */
    this.ready = this.tell({});
    for (let index = 0; index < muscles; index++) {
      this.muscles.push(this.start("muscle/main.js", { memory, kernel, thread: THREAD_MUSCLES + index }));
    }
  }

  /**
   * A message to the io worker; resolves when it was heard. Messages and the brain's frames come by different ways and nothing
   * puts them in order, so asking for the lock, which is answered, comes after it.
   * @param {{type?: string}} message
   * @returns {Promise<void>}
   */
  tell(message) {
    const heard = new Promise((/** @type {(value: void) => void} */ resolve) => {
      const listen = (/** @type {any} */ answer) => {
        if (answer.state !== "held") return;
        this.io.off("message", listen);
        resolve();
      };
      this.io.on("message", listen);
    });
    if (message.type) this.io.postMessage(message);
    this.io.postMessage({ type: "acquire" });
    return heard;
  }

  /** @param {string} script below web/worker @param {object} first message */
  start(script, first) {
    const worker = new Worker(THREAD, { workerData: { script: `web/worker/${script}`, folder: this.folder } });
    worker.on("error", (error) => this.died(error));
    worker.on("message", (message) => {
      if (message?.type === "failed") this.died(new Error(`${script}: ${message.message}`));
    });
    worker.postMessage(first);
    this.#threads.push(worker);
    return worker;
  }

  /** A thread ended that should not have. @param {Error} error */
  died(error) {
    for (const tell of this.#onDeath) tell(error);
    if (this.#onDeath.length === 0) throw error;
  }

  /** @param {(reason: Error) => void} tell */
  onDeath(tell) {
    this.#onDeath.push(tell);
  }

  async stop() {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }
}
