/**
 * Starts the node's workers on one shared memory.
 *
 * Order (architecture.md, Boot): what the browser lacks is said at once; the memory is allocated at its maximum; the kernel
 * and Python's WebAssembly are compiled once and handed to every worker; muscles, io and net workers start in milliseconds,
 * the brain last. Nothing here knows what a vault is.
 */

import { sharedBuffer } from "../shared/buffer.js";
import * as L from "../shared/layout.gen.js";
import { Queue } from "../shared/queue.js";
import { readConfig } from "./config.js";
import { devicePlan, thisDevice } from "./device.js";
import { findRefusal } from "./requirements.js";
import { settings } from "./settings.js";
import { at, ROOT } from "./site.js";

const THREAD_BRAIN = 0;
const THREAD_IO = 1;
const THREAD_NET = 2;
const THREAD_MUSCLES = 3;

/**
 * @typedef {object} Workers
 * @property {() => Worker} startBrain only one brain at a time: it has one stack and one end of each ring
 * @property {(name: string, start: object) => Worker} startCompute
 * @property {(start: object, transfer: Transferable[]) => Worker} startScratch a Python without the shared memory
 * @property {Worker} io
 * @property {Worker} net
 * @property {Worker[]} muscles
 * @property {SharedArrayBuffer} buffer
 */

/** An error with a stable code, as the brain's errors have. */
export class NodeError extends Error {
  /** @param {string} code @param {string} message @param {string[]} [lacks] parts that are missing, as requirements.js names them */
  constructor(code, message, lacks = []) {
    super(message);
    this.name = "NodeError";
    this.code = code;
    this.lacks = lacks;
  }
}

/** @typedef {import("./device.js").Wishes} Wishes */
/** @typedef {{createScriptURL: (url: string) => string}} ScriptPolicy */

/** @returns {ScriptPolicy} */
function scriptPolicy() {
  const rules = {
    createScriptURL: (/** @type {string} */ url) => {
      if (!url.startsWith(ROOT)) throw new TypeError(`not one of our workers: ${url}`);
      return url;
    },
  };
  const factory = /** @type {any} */ (globalThis).trustedTypes;
  return factory ? factory.createPolicy("inos-worker", rules) : rules;
}

const policy = scriptPolicy();

/** A URL that Trusted Types lets workers be made from. @param {string} path below the site's root @returns {string} */
export function workerUrl(path) {
  return policy.createScriptURL(at(path));
}

/** Throws a NodeError that says what this browser or this address lacks. */
export async function requireBrowser() {
  const refusal = await findRefusal();
  if (refusal) throw new NodeError(refusal.code, `missing: ${refusal.lacks.join(", ")}`, refusal.lacks);
}

/** @param {Promise<Response>} response @returns {Promise<WebAssembly.Module>} */
async function compiled(response) {
  try {
    return await WebAssembly.compileStreaming(response);
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) throw new NodeError("Unsupported", error.message, ["wasm"]);
    throw error;
  }
}

/** @param {number[]} tiersBytes largest first @returns {WebAssembly.Memory} zeroed, at its final size */
function allocateMemory(tiersBytes) {
  for (const bytes of tiersBytes) {
    const pages = bytes / L.PAGE_BYTES;
    try {
      return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error; // a smaller tier may fit
    }
  }
  throw new NodeError("OutOfMemory", "the browser refuses even the smallest shared memory");
}

/** @param {WebAssembly.Memory} memory @param {number} muscles @param {string} buildId */
function writeHeader(memory, muscles, buildId) {
  const words = new Uint32Array(memory.buffer, L.REGION_HEADER, L.HEADER_BUILD_ID_OFFSET / 4);
  words[L.HEADER_LAYOUT_VERSION] = L.LAYOUT_VERSION;
  words[L.HEADER_MEMORY_BYTES] = memory.buffer.byteLength;
  words[L.HEADER_ARENA_OFFSET] = L.ARENA_OFFSET;
  words[L.HEADER_ARENA_BYTES] = memory.buffer.byteLength - L.ARENA_OFFSET;
  words[L.HEADER_MUSCLES] = muscles;
  const buffer = sharedBuffer(memory);
  for (const region of [L.REGION_JOBS_URGENT, L.REGION_JOBS_BULK, L.REGION_JOBS_DONE])
    new Queue(buffer, region, 0).init();
  const text = new TextEncoder().encode(buildId.slice(0, 32));
  new Uint8Array(memory.buffer, L.REGION_HEADER + L.HEADER_BUILD_ID_OFFSET, 32).set(text);
  Atomics.store(words, L.HEADER_MAGIC, L.MAGIC); // last: whoever sees it may read the rest
}

/** @param {string} url @returns {Promise<Response>} */
async function fetched(url) {
  let response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw new NodeError("NetworkError", `${url}: ${error}`);
  }
  if (!response.ok) throw new NodeError("NetworkError", `${url}: ${response.status}`);
  return response;
}

/** @param {string} path @param {object} start @param {Transferable[]} [transfer] @param {string} [name] */
function startWorker(path, start, transfer = [], name = path.split("/").at(-2)) {
  const worker = new Worker(workerUrl(path), { type: "module", name });
  worker.postMessage(start, transfer);
  return worker;
}

/** What a node's maker asks for, else what the person has set here, else what the site says. @param {Wishes} given @param {Wishes} site */
function wishes(given, site) {
  return {
    memoryMiB: given.memoryMiB || settings.get("memoryMiB") || site.memoryMiB,
    muscles: given.muscles || settings.get("muscles") || site.muscles,
  };
}

/**
 * @param {Wishes & {folder?: string, alone?: boolean}} [options]
 * @returns {Promise<Workers>}
 */
export async function startWorkers({ folder = "inos-vault", alone = false, ...given } = {}) {
  await requireBrowser();
  const [site, build, kernel, python] = await Promise.all([
    readConfig(),
    fetched(at("build/pyodide/build.json")).then((response) => response.json()),
    compiled(fetched(at("build/kernel.wasm"))),
    compiled(fetched(at("build/pyodide/pyodide.asm.wasm"))),
  ]);
  const { tiersBytes, muscles: count } = devicePlan(thisDevice(), wishes(given, site));
  const memory = allocateMemory(tiersBytes);
  writeHeader(memory, count, String(build.buildId));
  const muscles = Array.from({ length: count }, (_, index) =>
    startWorker("web/worker/muscle/main.js", { memory, kernel, thread: THREAD_MUSCLES + index }),
  );
  const io = startWorker("web/worker/io/main.js", { type: "start", memory, folder, thread: THREAD_IO });
  const net = startWorker("web/worker/net/main.js", { memory, kernel, thread: THREAD_NET });
  const startBrain = () =>
    startWorker("web/worker/brain/main.js", {
      type: "start",
      memory,
      kernel,
      python,
      build,
      base: at("build/pyodide/"),
      thread: THREAD_BRAIN,
      muscles: count,
      alone,
    });
  const startCompute = (/** @type {string} */ name, /** @type {object} */ start) =>
    startWorker(
      "web/worker/compute/main.js",
      { type: "start", memory, kernel, python, build, base: at("build/pyodide/"), name, ...start },
      [],
      name,
    );
  const startScratch = (/** @type {object} */ start, /** @type {Transferable[]} */ transfer) =>
    startWorker(
      "web/worker/scratch/main.js",
      { type: "start", python, build, base: at("build/pyodide/"), ...start },
      transfer,
    );
  return { startBrain, startCompute, startScratch, io, net, muscles, buffer: sharedBuffer(memory) };
}
