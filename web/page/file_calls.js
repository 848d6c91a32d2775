/**
 * The node's calls about files and folders: in, out, names, versions, the archive.
 *
 * Nouns: a *path* is names joined by `/` below a folder's root; a *row* is what the brain is told of one file of a folder.
 * Invariants: bytes go between a File and the io worker without passing through here, except what `get` returns; a folder's files go
 * to the io worker as one Blob in the order of their names, so that many small ones are one read.
 */

import { NodeError } from "./boot.js";
import { Downloads } from "./downloads.js";
import { MEMORY_DOWNLOAD_BYTES_MAX, requireRoom, saveBytes, tooLarge } from "./memory_download.js";

/** @typedef {{onProgress?: (progress: any) => void, signal?: AbortSignal}} Options */
/** @typedef {{path: string, file: File | Blob | null}} FolderItem  without a file: an empty folder */
/**
 * @typedef {object} Line  what the calls need of the node
 * @property {Promise<unknown>} ready
 * @property {(method: string, args?: object) => Promise<any>} call
 * @property {(method: string, args: object, options: Options) => Promise<any>} operation
 * @property {(message: {id: number, type: string} & Record<string, any>, transfer?: Transferable[]) => Promise<void>} register
 * @property {(message: object) => void} io
 * @property {() => {brain: Worker | null, startScratch?: (start: object, transfer: Transferable[]) => Worker}} python
 */

const BUFFER_BYTES_MAX = 2 ** 31 - 1;

export class FileCalls {
  /** @type {() => Line} */ #line;
  #streams = 0;
  /** @type {Map<number, PromiseWithResolvers<Uint8Array<ArrayBuffer>>>} */ #buffers = new Map();
  #downloads;

  /** @internal @param {() => Line} line @param {(path: string) => string} scriptUrl */
  constructor(line, scriptUrl) {
    this.#line = line;
    this.#downloads = new Downloads(scriptUrl);
  }

  /**
   * Store a file; resolves when it is durable. `replaces` is the root of which it is the next version.
   * @param {File | Blob | Uint8Array} data @param {Options & {name?: string, replaces?: string}} [options]
   * @returns {Promise<import("./ui/types.js").PutResult>}
   */
  async put(data, { name, replaces, onProgress, signal } = {}) {
    const blob = data instanceof Blob ? data : new Blob([/** @type {BlobPart} */ (data)]);
    const file = /** @type {File} */ (blob);
    return this.#withSource(blob, onProgress, (source) => {
      const args = {
        source,
        size: blob.size,
        name: name ?? file.name ?? "unnamed",
        media_type: blob.type,
        mtime_ms: file.lastModified ?? Date.now(),
        replaces: replaces ?? null,
      };
      return this.#line().operation("put", args, { onProgress, signal });
    });
  }

  /**
   * Many files as one folder, which is one root.
   * @param {FolderItem[]} items @param {Options & {name: string, replaces?: string}} options
   */
  async putFolder(items, { name, replaces, onProgress, signal }) {
    const sorted = items
      .map((item) => ({ ...item, names: item.path.split("/") }))
      .sort((a, b) => byNames(a.names, b.names));
    const rows = sorted.map(({ path, file }) => [
      path,
      file ? file.size : null,
      /** @type {File} */ (file)?.lastModified ?? null,
      file?.type ?? "",
    ]);
    const blob = new Blob(sorted.flatMap(({ file }) => (file ? [file] : [])));
    return this.#withSource(blob, onProgress, (source) =>
      this.#line().operation("put_folder", { source, name, rows, replaces: replaces ?? null }, { onProgress, signal }),
    );
  }

  /** What a folder holds. @param {string} root @param {string} [path] */
  async entries(root, path = "") {
    return this.#line().call("entries", { root, path });
  }

  /**
   * A file's bytes; a folder's are those of a .zip.
   * @param {string} rootOrLink @param {Options & {path?: string}} [options] @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async get(rootOrLink, { path = "", ...options } = {}) {
    const file = await this.#resolve(rootOrLink, path, options);
    if (file.size > BUFFER_BYTES_MAX) throw new NodeError("LimitExceeded", "too large for memory: use save()");
    const id = ++this.#streams;
    const buffer = Promise.withResolvers();
    this.#buffers.set(id, buffer);
    try {
      await this.#line().register({ type: "sink", id, length: file.kind === "folder" ? 0 : file.size });
      await this.#line().operation("get", { root: file.root, sink: id, path }, options);
      return await buffer.promise;
    } finally {
      this.#buffers.delete(id);
    }
  }

  /** What a link names, by its manifest alone. @param {string} link */
  async look(link) {
    return this.#line().call("look", { link: fragmentOf(link) });
  }

  /**
   * A part of a file, without the rest of it: the middle of a film, the index at the end of an archive. Of a link's file no more is
   * fetched than that.
   * @param {string} rootOrLink @param {number} offset @param {number} length @param {Options & {path?: string}} [options]
   * @returns {Promise<Uint8Array>}
   */
  async readRange(rootOrLink, offset, length, { path = "", ...options } = {}) {
    if (length > BUFFER_BYTES_MAX) throw new NodeError("LimitExceeded", "too large for memory: read less at a time");
    const id = ++this.#streams;
    const buffer = Promise.withResolvers();
    this.#buffers.set(id, buffer);
    const isLink = rootOrLink.includes("#");
    const file = isLink ? { link: fragmentOf(rootOrLink) } : { root: rootOrLink, path };
    try {
      await this.#line().register({ type: "sink", id, length });
      await this.#line().operation(isLink ? "read_range" : "get", { ...file, sink: id, offset, length }, options);
      return await buffer.promise;
    } finally {
      this.#buffers.delete(id);
    }
  }

  /** As a download; a folder as one .zip. @param {string} rootOrLink @param {Options & {path?: string}} [options] */
  async save(rootOrLink, { path = "", ...options } = {}) {
    const file = await this.#resolve(rootOrLink, path, options);
    const isFolder = file.kind === "folder";
    const named = isFolder ? { name: `${file.name}.zip`, size: null, mediaType: "application/zip" } : file;
    await this.#download(named, options, (sink) =>
      this.#line().operation("get", { root: file.root, sink, path }, options),
    );
  }

  /** Another name for a file or folder, or for something in a folder. @param {string} root @param {string} name @param {{path?: string}} [where] */
  async rename(root, name, { path = "" } = {}) {
    return this.#line().call("rename", { root, name, path });
  }

  /** With all its versions; or one thing in a folder. @param {string} root @param {{path?: string}} [where] */
  async remove(root, { path = "" } = {}) {
    if (path) return this.#line().call("remove_entry", { root, path });
    await this.#line().call("remove", { root });
  }

  /** How many files a folder holds, in all the folders in it. @param {string} root @returns {Promise<number>} */
  async countFiles(root) {
    return this.#line().call("count_files", { root });
  }

  /** What takes room, by file. @returns {Promise<{root: string, freedBytes: number, olderBytes: number}[]>} */
  async space() {
    return this.#line().call("space");
  }

  /** The versions of a file or folder, newest first. @param {string} root */
  async versions(root) {
    return this.#line().call("versions", { root });
  }

  /** Make an older version the current one. @param {string} root */
  async restore(root) {
    return this.#line().call("restore", { root });
  }

  /** Drop one older version. @param {string} root */
  async forget(root) {
    await this.#line().call("forget", { root });
  }

  /** What has these words in its name or path. @param {string} text */
  async find(text) {
    return this.#line().call("find", { text });
  }

  /** The whole vault as one file, a download. @param {Options & {passphrase: string, name?: string}} options */
  async exportArchive({ passphrase, name = "vault.inos", ...options }) {
    await this.#line().ready;
    return this.#download({ name, size: null, mediaType: "application/octet-stream" }, options, (sink) =>
      this.#line().operation("export_archive", { sink, passphrase }, options),
    );
  }

  /**
   * What such a file holds, into this vault.
   * @param {File | Blob} file @param {Options & {passphrase: string}} options
   */
  async importArchive(file, { passphrase, ...options }) {
    return this.#withSource(file, options.onProgress, (source) =>
      this.#line().operation("import_archive", { source, size: file.size, passphrase }, options),
    );
  }

  /** @internal A buffer that the page waits for is full. @param {{id: number, complete: boolean, bytes: Uint8Array<ArrayBuffer>}} message */
  onSinkClosed({ id, complete, bytes }) {
    if (complete) this.#buffers.get(id)?.resolve(bytes);
  }

  // --- inside --------------------------------------------------------------------------------------------------------

  /** @param {Blob} blob @param {Options["onProgress"]} onProgress @param {(source: number) => Promise<any>} run */
  async #withSource(blob, onProgress, run) {
    const id = ++this.#streams;
    onProgress?.({ stage: "waiting", bytes: 0, total: blob.size, rate: 0, secondsLeft: null });
    await this.#line().ready;
    try {
      await this.#line().register({ type: "source", id, blob });
      return await run(id);
    } finally {
      this.#line().io({ type: "forget-source", id });
    }
  }

  /** @param {{name: string, size: number | null, mediaType: string}} file @param {Options} options @param {(sink: number) => Promise<any>} run */
  async #download(file, { signal }, run) {
    const worker = await this.#downloads.worker();
    if (!worker) return this.#downloadFromMemory(file, run);
    const download = await this.#downloads.open(worker, file);
    const id = ++this.#streams;
    try {
      await this.#line().register({ type: "sink", id, port: download.port }, [download.port]);
      signal?.addEventListener("abort", () => this.#line().io({ type: "abort-sink", id }));
      return await run(id);
    } finally {
      download.end();
    }
  }

  /** @param {{name: string, size: number | null}} file @param {(sink: number) => Promise<any>} run */
  async #downloadFromMemory({ name, size }, run) {
    requireRoom(size);
    const id = ++this.#streams;
    const buffer = Promise.withResolvers();
    this.#buffers.set(id, buffer);
    try {
      await this.#line().register({ type: "sink", id, length: size ?? 0, lengthMax: MEMORY_DOWNLOAD_BYTES_MAX });
      const done = await run(id).catch((error) => {
        throw error.code === "LimitExceeded" ? tooLarge() : error; // the sink was full
      });
      saveBytes(await buffer.promise, name);
      return done;
    } finally {
      this.#buffers.delete(id);
    }
  }

  /** A root's name and size; a link is fetched into the vault first. @param {string} rootOrLink @param {string} path @param {Options} options */
  async #resolve(rootOrLink, path, options) {
    if (!rootOrLink.includes("#")) return this.#line().call("stat", { root: rootOrLink, path });
    const file = await this.fetch(rootOrLink, options);
    return path ? this.#line().call("stat", { root: file.root, path }) : file;
  }

  /** Bring what a link names into this vault, from whoever has it.
   * @param {string} link @param {Options} [options] @returns {Promise<import("./ui/types.js").FetchResult>} */
  async fetch(link, options = {}) {
    return this.#line().operation("fetch", { link: fragmentOf(link) }, options);
  }
}

/** @param {string} link a URL or its fragment */
function fragmentOf(link) {
  const at = link.indexOf("#");
  return at < 0 ? link : link.slice(at);
}

/** Folder by folder, each in the order of its names. @param {string[]} a @param {string[]} b */
function byNames(a, b) {
  for (let at = 0; at < a.length && at < b.length; at++) {
    const [x, y] = [/** @type {string} */ (a[at]), /** @type {string} */ (b[at])];
    if (x !== y) return x < y ? -1 : 1;
  }
  return a.length - b.length;
}
