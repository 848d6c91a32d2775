/**
 * A node for the rows that need one, on a vault folder of its own: the visitor's vault is never opened.
 *
 * Invariants: the folder is emptied before and after; it is `globalThis.inos` only while the rows run; whatever goes wrong,
 * its workers are ended.
 */

import { InosNode } from "../../node.js";

const FOLDER = "inos-bench";
/** The browser lets a file go a moment after the worker that held it was ended. */
const REMOVE_TRIES_MAX = 50;
const REMOVE_PAUSE_MS = 100;
const scope = /** @type {{inos?: InosNode}} */ (globalThis);

export class OwnNode {
  #node;

  /** @param {InosNode} node */
  constructor(node) {
    this.#node = node;
  }

  /** @param {AbortSignal} signal */
  static async open(signal) {
    await removeFolder();
    const node = new InosNode({ folder: FOLDER });
    scope.inos = node;
    const own = new OwnNode(node);
    try {
      const stopped = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      await Promise.race([node.ready, stopped]);
    } catch (error) {
      await own.close();
      throw error;
    }
    return own;
  }

  async close() {
    scope.inos = undefined;
    await this.#node.close();
    await removeFolder();
  }
}

/** What an earlier run left, or this one. */
async function removeFolder() {
  const root = await navigator.storage.getDirectory();
  for (let tries = 1; ; tries++) {
    try {
      return await root.removeEntry(FOLDER, { recursive: true });
    } catch (error) {
      const name = error instanceof DOMException ? error.name : "";
      if (name === "NotFoundError") return;
      if (name !== "NoModificationAllowedError" || tries === REMOVE_TRIES_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, REMOVE_PAUSE_MS));
    }
  }
}
