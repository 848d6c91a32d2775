/**
 * The scratch worker: a Python of its own for the console. It may block; it has neither the shared memory nor the node.
 *
 * From the page: {type: "start", ...} once, then everything over the port. To the page: {type: "running"} or
 * {type: "failed", message}. The page ends it.
 * Invariant: wheels come over the port or from this server (micropip itself, and the index if one is allowed): the content security
 * policy of this worker is that of the page.
 */

import { takenSignal } from "../compute/signal.js";
import { BootError, bootPython } from "../python/boot.js";
import { servePort } from "../python/console_port.js";

/**
 * @typedef {{type: "start", python: WebAssembly.Module, build: import("../python/boot.js").Build, base: string, port: MessagePort,
 *   interrupts: Int32Array, indexUrl: string}} ScratchStart
 */

const MICROPIP = new URL("../../../build/micropip/", import.meta.url).href;

/** @param {any} pyodide */
async function loadMicropip(pyodide) {
  const about = await (await fetched(`${MICROPIP}wheel.json`)).json();
  const wheel = new Uint8Array(await (await fetched(`${MICROPIP}${about.file}`)).arrayBuffer());
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", wheel));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (sha256 !== about.sha256) throw new BootError("corrupt-asset", "The file of micropip is damaged.");
  pyodide.unpackArchive(wheel, "wheel");
}

/** @param {string} url */
async function fetched(url) {
  const response = await fetch(url).catch((error) => {
    throw new BootError("offline", `The file ${url} could not be fetched.`, error);
  });
  if (!response.ok) throw new BootError("missing-asset", `The server has no ${url} (it said ${response.status}).`);
  return response;
}

/** @param {ScratchStart} start */
async function begin(start) {
  const { pyodide } = await bootPython({ base: start.base, build: start.build, module: start.python });
  pyodide.setInterruptBuffer(takenSignal(start.interrupts));
  const scratch = pyodide.pyimport("inos_web.console.scratch");
  const still = new Int32Array(new SharedArrayBuffer(4)); // nobody wakes it
  const pause = (/** @type {number} */ ms) => {
    Atomics.wait(still, 0, 0, ms);
    pyodide.checkInterrupt();
  };
  servePort(
    start.port,
    (post) => scratch.open_in_scratch(post, () => loadMicropip(pyodide), start.indexUrl, pause),
    (run) => run(),
  );
  self.postMessage({ type: "running" });
}

self.onmessage = ({ data }) => {
  begin(data).catch((error) => self.postMessage({ type: "failed", message: String(error?.message ?? error) }));
};
