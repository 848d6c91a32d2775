/**
 * A node for the rows that need one, on a vault folder of its own: the visitor's vault is never opened.
 *
 * Invariants: the folder is emptied before and after; it is `globalThis.inos` only while the rows run; whatever goes wrong,
 * its workers are ended.
 */

import { InosNode } from "../../node.js";

const FOLDER = "inos-bench";
const scope = /** @type {{inos?: InosNode}} */ (globalThis);

export class OwnNode {
  #node;

  /** @param {InosNode} node */
  constructor(node) {
    this.#node = node;
  }

  static async open() {
    await removeFolder();
    const node = new InosNode({ folder: FOLDER });
    scope.inos = node;
    const own = new OwnNode(node);
    try {
      await node.ready;
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
  await root.removeEntry(FOLDER, { recursive: true }).catch((error) => {
    if (error?.name !== "NotFoundError") throw error;
  });
}
