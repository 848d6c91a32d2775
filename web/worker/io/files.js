/**
 * The vault's files as OPFS sync access handles, by number.
 *
 * Nouns: a *handle number* names a file (see `fileName`); an *operation* is read, write, flush, truncate, size, close.
 * Invariants: operations on one file happen in the order given; at most HANDLES_OPEN_MAX handles are open; file names are
 * ours alone. A handle that went invalid is opened once more, then the operation fails as StorageLost.
 * Must not know what the bytes mean.
 */

import * as L from "../../shared/layout.gen.js";

const FIXED_NAMES = ["sb0", "sb1", "log-a", "log-b", "keys", "kept"];
const SEGMENT_HANDLE = 16;
const HANDLES_OPEN_MAX = 48; // phones get slow near 64

/** @param {number} handle @returns {string} */
export function fileName(handle) {
  if (handle < FIXED_NAMES.length) return /** @type {string} */ (FIXED_NAMES[handle]);
  return `seg-${String(handle - SEGMENT_HANDLE).padStart(4, "0")}`;
}

/** @param {unknown} error @returns {number} a status code */
export function storageStatus(error) {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  if (name === "QuotaExceededError") return /** @type {number} */ (L.STATUS.StorageFull);
  if (name === "NoModificationAllowedError") return /** @type {number} */ (L.STATUS.StorageBusy);
  if (name === "SecurityError" || name === "NotAllowedError") return /** @type {number} */ (L.STATUS.StorageDenied);
  if (name === "NS_ERROR_FAILURE") return /** @type {number} */ (L.STATUS.StorageFull); // Firefox, truncate over quota
  return /** @type {number} */ (L.STATUS.StorageLost);
}

/** @typedef {{op: number, offset: number, at: number, length: number}} Operation */
/** @typedef {{status: number, value: number}} Outcome */
/** @typedef {{handle: FileSystemSyncAccessHandle | null, chain: Promise<unknown> | null, usedAt: number}} OpenFile */

/** @type {Outcome} */
const BUSY = { status: /** @type {number} */ (L.STATUS.StorageBusy), value: 0 };

export class Files {
  /** @type {Map<number, OpenFile>} */ #open = new Map();
  /** @type {Promise<FileSystemDirectoryHandle> | null} */ #directory = null;
  /** @type {Uint8Array} */ #bytes;
  #clock = 0;
  #held = false;
  #folder;

  /** @param {SharedArrayBuffer} buffer @param {string} folder name of the vault's directory */
  constructor(buffer, folder) {
    this.#bytes = new Uint8Array(buffer);
    this.#folder = folder;
  }

  /**
   * Run one operation; `done` is called at once where the handle is open, later where it must be opened first.
   * @param {number} number @param {Operation} operation @param {(outcome: Outcome) => void} done
   */
  run(number, operation, done) {
    if (!this.#held) {
      done(BUSY);
      return;
    }
    const file = this.#open.get(number) ?? { handle: null, chain: null, usedAt: 0 };
    this.#open.set(number, file);
    file.usedAt = ++this.#clock;
    if (file.handle && !file.chain) {
      const outcome = this.#attempt(file.handle, operation);
      if (outcome !== "invalid") {
        if (operation.op === L.IO_CLOSE) this.#open.delete(number);
        done(outcome);
        return;
      }
      file.handle = null;
    }
    const chained = (file.chain ?? Promise.resolve()).then(async () => done(await this.#slow(number, file, operation)));
    file.chain = chained;
    chained.finally(() => {
      if (file.chain === chained) file.chain = null;
    });
  }

  /** Without the lock every operation is refused. @param {boolean} held */
  setHeld(held) {
    this.#held = held;
  }

  /** Close every handle and refuse what comes, also what already waits. */
  async closeAll() {
    this.#held = false;
    await Promise.allSettled([...this.#open.values()].map((file) => file.chain));
    for (const file of this.#open.values()) file.handle?.close();
    this.#open.clear();
  }

  /** @param {number} number @param {OpenFile} file @param {Operation} operation @returns {Promise<Outcome>} */
  async #slow(number, file, operation) {
    if (operation.op === L.IO_CLOSE) {
      file.handle?.close();
      this.#open.delete(number);
      return { status: 0, value: 0 };
    }
    for (let tries = 0; tries < 2; tries++) {
      if (!this.#held) return BUSY;
      try {
        file.handle ??= await this.#openHandle(number);
      } catch (error) {
        return { status: storageStatus(error), value: 0 };
      }
      const outcome = this.#attempt(file.handle, operation);
      if (outcome !== "invalid") return outcome;
      file.handle = null;
    }
    return { status: /** @type {number} */ (L.STATUS.StorageLost), value: 0 };
  }

  /** @param {number} number */
  async #openHandle(number) {
    const directory = await this.#vaultDirectory();
    this.#closeColdest();
    const entry = await directory.getFileHandle(fileName(number), { create: true });
    return entry.createSyncAccessHandle();
  }

  #vaultDirectory() {
    this.#directory ??= navigator.storage
      .getDirectory()
      .then((root) => root.getDirectoryHandle(this.#folder, { create: true }));
    return this.#directory;
  }

  /** The numbers of the segment files that exist, as u32 at `at`. @param {number} at @param {number} length @returns {Promise<Outcome>} */
  async listSegments(at, length) {
    if (!this.#held) return BUSY;
    const view = new DataView(this.#bytes.buffer, at, length);
    let bytes = 0;
    try {
      for await (const name of (await this.#vaultDirectory()).keys()) {
        const number = /^seg-(\d{4,5})$/.exec(name)?.[1];
        if (number === undefined) continue;
        if (bytes + 4 <= length) view.setUint32(bytes, Number(number), true);
        bytes += 4;
      }
    } catch (error) {
      return { status: storageStatus(error), value: 0 };
    }
    return { status: 0, value: bytes };
  }

  #closeColdest() {
    const open = [...this.#open].filter(([number, file]) => file.handle && !file.chain && number >= SEGMENT_HANDLE);
    if (open.length < HANDLES_OPEN_MAX) return;
    open.sort((a, b) => a[1].usedAt - b[1].usedAt);
    const [number, file] = /** @type {[number, OpenFile]} */ (open[0]);
    file.handle?.close();
    this.#open.delete(number);
  }

  /** @param {FileSystemSyncAccessHandle} handle @param {Operation} operation @returns {Outcome | "invalid"} */
  #attempt(handle, { op, offset, at, length }) {
    try {
      switch (op) {
        case L.IO_READ:
          return { status: 0, value: handle.read(this.#bytes.subarray(at, at + length), { at: offset }) };
        case L.IO_WRITE:
          return this.#write(handle, offset, at, length);
        case L.IO_FLUSH:
          handle.flush();
          return { status: 0, value: 0 };
        case L.IO_TRUNCATE:
          handle.truncate(offset);
          return { status: 0, value: 0 };
        case L.IO_SIZE:
          return { status: 0, value: handle.getSize() };
        case L.IO_CLOSE:
          handle.close();
          return { status: 0, value: 0 };
        default:
          return { status: /** @type {number} */ (L.STATUS.BadArgument), value: 0 };
      }
    } catch (error) {
      if (error instanceof DOMException && error.name === "InvalidStateError") return "invalid";
      return { status: storageStatus(error), value: 0 };
    }
  }

  /** @param {FileSystemSyncAccessHandle} handle @param {number} offset @param {number} at @param {number} length */
  #write(handle, offset, at, length) {
    let written = 0;
    while (written < length) {
      const now = handle.write(this.#bytes.subarray(at + written, at + length), { at: offset + written });
      // Firefox answers 0 instead of throwing when the quota is reached.
      if (now === 0) return { status: /** @type {number} */ (L.STATUS.StorageFull), value: written };
      written += now;
    }
    return { status: 0, value: written };
  }
}
