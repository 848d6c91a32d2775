/**
 * What the rows measure with: workers that are called like objects, and what this page has to offer.
 *
 * Nouns: a *line* calls the methods of one bench worker; a *capability* is something that may be missing (libraries, the
 * server's measuring routes, a node).
 * Invariants: every worker started here is ended with its family; a worker's error is the caller's error.
 */
import { workerUrl } from "../boot.js";

/** @typedef {import("./run.js").RunOptions} RunOptions */

const MIB_DEFAULT = 12; // about what this site ships
const MIB_QUICK = 4;

/** Calls into one worker; calls are answered in order, several may be open. */
export class Line {
  #worker;
  /** @type {PromiseWithResolvers<any>[]} */ #waiting = [];

  /** @param {string} path below /web/worker/bench */
  constructor(path) {
    const name = path.replace(".js", "");
    this.#worker = new Worker(workerUrl(`/web/worker/bench/${path}`), { type: "module", name: `bench ${name}` });
    this.#worker.onmessage = ({ data }) => {
      const waiting = this.#waiting.shift();
      if (data.error) waiting?.reject(new Error(`${name}: ${data.error}`));
      else waiting?.resolve(data.value);
    };
    this.#worker.onerror = (event) => {
      for (const waiting of this.#waiting.splice(0)) waiting.reject(new Error(`${name}: ${event.message}`));
    };
  }

  /** @param {string} method @param {...any} given @returns {Promise<any>} */
  call(method, ...given) {
    return this.callWith([], method, ...given);
  }

  /** @param {Transferable[]} transfer @param {string} method @param {...any} given @returns {Promise<any>} */
  callWith(transfer, method, ...given) {
    const waiting = Promise.withResolvers();
    waiting.promise.catch(() => {}); // a stop ends workers whose answers nobody awaits any more
    this.#waiting.push(waiting);
    this.#worker.postMessage({ method, given }, transfer);
    return waiting.promise;
  }

  end() {
    this.#worker.terminate();
    for (const waiting of this.#waiting.splice(0)) waiting.reject(new Error("the worker was ended"));
  }
}

/** One call of `runRows`: its wishes, its workers, what it found. */
export class Bench {
  /** @type {Line[]} */ #lines = [];
  /** @type {Worker[]} */ #workers = [];
  /** @type {(id: string, part: number, text: string) => void} */ onProgress = () => {};

  /** @param {RunOptions & {quick: boolean, runs: number}} options */
  constructor(options) {
    this.options = options;
    this.quick = options.quick;
    this.runs = options.runs;
    this.signal = options.signal;
    /** The node of this page, if it has one. @type {any} */
    this.node = /** @type {any} */ (globalThis).inos ?? null;
  }

  /** A new worker; it ends with the family. @param {string} path below /web/worker/bench */
  line(path) {
    const line = new Line(path);
    this.#lines.push(line);
    return line;
  }

  /** A worker of the product, told how to start; it ends with the family. @param {string} path @param {object} start */
  worker(path, start) {
    const worker = new Worker(workerUrl(path), { type: "module", name: `bench ${path.split("/").at(-2)}` });
    worker.postMessage(start);
    this.#workers.push(worker);
    return worker;
  }

  /** Throws when the caller no longer wants results. @param {string} id @param {number} part @param {string} text */
  progress(id, part, text) {
    this.signal?.throwIfAborted();
    this.onProgress(id, part, text);
  }

  /**
   * Ask the command that drives this page for what only it can measure; undefined in a visitor's browser.
   * @param {"native" | "pss" | "pssNow"} what @param {...any} given
   * @returns {Promise<any>}
   */
  async host(what, ...given) {
    const call = /** @type {any} */ (globalThis)[`inosBench_${what}`];
    return (await call?.(...given)) ?? undefined;
  }

  /** Text and binaries. @returns {Promise<Uint8Array<ArrayBuffer>>} */
  async data() {
    const { data, mib = this.quick ? MIB_QUICK : MIB_DEFAULT } = this.options;
    const length = mib * 1048576;
    if (data) return new Uint8Array(await data.slice(0, length).arrayBuffer());
    const line = this.line("data.js");
    return line.call("assemble", length);
  }

  endWorkers() {
    for (const line of this.#lines.splice(0)) line.end();
    for (const worker of this.#workers.splice(0)) worker.terminate();
  }
}
