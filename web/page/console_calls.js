/**
 * The node's calls about Python consoles: a port to one beside the node, and to one in a worker of its own.
 *
 * Nouns: the *interrupts* are one word of shared memory of their own: SIGNAL in it raises KeyboardInterrupt in what a person typed.
 * Invariant: only this page's own script can call these; no address, link or message of another page leads here.
 */

import { VaultCalls } from "./vault_calls.js";

/** @typedef {import("./file_calls.js").Line} Line */
/** @typedef {{port: MessagePort, interrupts: Int32Array, worker?: Worker}} ConsoleEnd */

export class ConsoleCalls extends VaultCalls {
  /** @type {() => Line} */ #line;
  #isOpen = false;

  /** @internal @param {() => Line} line @param {(path: string) => string} scriptUrl */
  constructor(line, scriptUrl) {
    super(line, scriptUrl);
    this.#line = line;
  }

  /** A console beside the node: one for the page's life. @returns {Promise<ConsoleEnd>} */
  async openConsole() {
    await this.#line().ready;
    if (this.#isOpen) throw new TypeError("the node has one console");
    this.#isOpen = true;
    const { here, there, interrupts } = ends();
    this.#line().python().brain?.postMessage({ type: "console", port: there, interrupts }, [there]);
    return { port: here, interrupts };
  }

  /** A console in a worker of its own, which whoever opened it ends. @param {string} [indexUrl] @returns {Promise<ConsoleEnd>} */
  async openScratch(indexUrl = "") {
    await this.#line().ready;
    const { here, there, interrupts } = ends();
    const worker = this.#line().python().startScratch?.({ port: there, interrupts, indexUrl }, [there]);
    if (!worker) throw new TypeError("the node is closed");
    return { port: here, interrupts, worker };
  }
}

function ends() {
  const { port1: here, port2: there } = new MessageChannel();
  return { here, there, interrupts: new Int32Array(new SharedArrayBuffer(4)) };
}
