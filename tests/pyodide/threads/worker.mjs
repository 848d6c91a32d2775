/**
 * Runs one of web/worker's scripts in a Node thread: what a dedicated worker has and Node lacks, and nothing of INOS.
 *
 * `self` with its messages; `fetch` of files; an origin private file system on a folder; IndexedDB as far as a key store
 * needs it (one store in memory; CryptoKeys stay what they are). A file named `refuse` in the folder makes every write fail
 * as a full disk does.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  writeSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parentPort, Worker, workerData } from "node:worker_threads";

const scope = /** @type {any} */ (globalThis);
const port = /** @type {import("node:worker_threads").MessagePort} */ (parentPort);
const root = new URL("../../../", import.meta.url);

/** A FileSystemSyncAccessHandle on a file. */
class AccessHandle {
  #fd;
  #folder;

  /** @param {string} folder @param {string} name */
  constructor(folder, name) {
    this.#folder = folder;
    const path = join(folder, name);
    this.#fd = openSync(path, existsSync(path) ? "r+" : "w+");
  }

  /** @param {Uint8Array} view @param {{at: number}} where */
  read(view, { at }) {
    return readSync(this.#fd, view, 0, view.length, at);
  }

  /** @param {Uint8Array} view @param {{at: number}} where */
  write(view, { at }) {
    if (existsSync(join(this.#folder, "refuse"))) throw new DOMException("no room", "QuotaExceededError");
    return writeSync(this.#fd, view, 0, view.length, at);
  }

  flush() {
    fsyncSync(this.#fd);
  }

  /** @param {number} size */
  truncate(size) {
    ftruncateSync(this.#fd, size);
  }

  getSize() {
    return fstatSync(this.#fd).size;
  }

  close() {
    closeSync(this.#fd);
  }
}

class FileHandle {
  #folder;
  #name;

  /** @param {string} folder @param {string} name */
  constructor(folder, name) {
    this.#folder = folder;
    this.#name = name;
  }

  async createSyncAccessHandle() {
    return new AccessHandle(this.#folder, this.#name);
  }
}

/** @param {string} path @returns {object} a FileSystemDirectoryHandle */
function directory(path) {
  mkdirSync(path, { recursive: true });
  return {
    getDirectoryHandle: async (/** @type {string} */ name) => directory(join(path, name)),
    getFileHandle: async (/** @type {string} */ name, /** @type {{create?: boolean}} */ { create = false } = {}) => {
      if (!create && !existsSync(join(path, name))) throw new DOMException(name, "NotFoundError");
      return new FileHandle(path, name);
    },
    keys: () => readdirSync(path)[Symbol.iterator](),
  };
}

/** @param {unknown} [result] @returns {any} an IDBRequest that succeeds soon */
function request(result) {
  const asked = { result, onsuccess: () => {} };
  queueMicrotask(() => asked.onsuccess());
  return asked;
}

/** @returns {object} an IDBFactory of one database with one store */
function keyStore() {
  const kept = new Map();
  const objectStore = () => ({
    get: (/** @type {string} */ name) => request(kept.get(name)),
    add: (/** @type {unknown} */ value, /** @type {string} */ name) => void kept.set(name, value),
  });
  const transaction = () => {
    const made = { objectStore, oncomplete: () => {} };
    queueMicrotask(() => made.oncomplete());
    return made;
  };
  return { open: () => request({ transaction, createObjectStore: () => {} }) };
}

/** A worker that a worker starts: the same for it, with the part of the interface that is used. */
class NestedWorker {
  #thread;
  onmessage = (/** @type {{data: any}} */ _event) => {};
  onerror = (/** @type {any} */ _event) => {};

  /** @param {string} url */
  constructor(url) {
    const script = fileURLToPath(url).slice(fileURLToPath(root).length);
    this.#thread = new Worker(new URL(import.meta.url), { workerData: { ...workerData, script } });
    this.#thread.on("message", (data) => this.onmessage({ data }));
    this.#thread.on("error", (error) => this.onerror(error));
  }

  /** @param {any} message */
  postMessage(message) {
    this.#thread.postMessage(message);
  }

  terminate() {
    this.#thread.terminate();
  }
}

scope.Worker = NestedWorker;
scope.fetch = async (/** @type {any} */ input) => {
  const url = new URL(String(input?.url ?? input), root);
  if (url.protocol !== "file:") throw new TypeError(`nothing here may ask the network for ${url}`);
  return new Response(await readFile(fileURLToPath(url)));
};
// Pyodide and Emscripten look at these: they shall start as in a browser's worker, by fetch and not by files.
Object.assign(process, { browser: true, type: "renderer" });
scope.WorkerGlobalScope = { [Symbol.hasInstance]: (/** @type {unknown} */ object) => object === scope };
scope.self = scope;
scope.location = root;
scope.indexedDB = keyStore();
scope.FileSystemFileHandle = FileHandle;
Object.defineProperty(scope, "navigator", {
  configurable: true,
  value: {
    storage: { getDirectory: async () => directory(workerData.folder) },
    // There is no other tab: whoever asks holds the lock.
    locks: {
      request: async (/** @type {string} */ _name, /** @type {object} */ _options, /** @type {any} */ held) => held(),
    },

    hardwareConcurrency: 2,
    userAgent: "Node.js",
  },
});
scope.postMessage = (/** @type {unknown} */ message, /** @type {any} */ options) =>
  port.postMessage(message, options?.transfer ?? options ?? []);
Object.defineProperty(scope, "onmessage", {
  set: (/** @type {(event: {data: unknown}) => void} */ listener) => port.on("message", (data) => listener({ data })),
});

await import(pathToFileURL(fileURLToPath(new URL(workerData.script, root))).href);
