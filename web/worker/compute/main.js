/**
 * A compute worker: a Python of its own on the shared memory, which runs one source and may block.
 *
 * From the page: {type: "start", ...} once; {type: "interrupt"} when it is to stop. To the page: {type: "alive"} once its lock is
 * held, which the browser takes away when this thread ends, however it does; {type: "running"}; then one of
 * {type: "done", text}, {type: "failed", text}, {type: "interrupted", text} or {type: "crashed", text}. The page ends it.
 */

import { sharedBuffer } from "../../shared/buffer.js";
import { startKernel } from "../../shared/kernel.js";
import * as L from "../../shared/layout.gen.js";
import { bootPython } from "../python/boot.js";
import { computeBridge } from "./bridge.js";
import { takenSignal } from "./signal.js";

/**
 * @typedef {{type: "start", memory: WebAssembly.Memory, kernel: WebAssembly.Module, python: WebAssembly.Module,
 *   build: import("../python/boot.js").Build, base: string, files: Record<string, Uint8Array>, lock: string, slot: number,
 *   name: string, source: string, args: string}} ComputeStart
 */

const REGION_PATH = "/inos/region";

/** @type {() => void} */
let interrupt = () => {};

/** @param {string} name resolves when the lock is held; it stays so */
function hold(name) {
  return new Promise((resolve, reject) => {
    const held = () => {
      resolve(undefined);
      return new Promise(() => {});
    };
    navigator.locks.request(name, { mode: "exclusive" }, held).catch(reject);
  });
}

/** @param {ComputeStart} start */
async function begin(start) {
  const { memory, slot } = start;
  const buffer = sharedBuffer(memory);
  const [kernel] = await Promise.all([
    startKernel(start.kernel, memory, L.THREAD_COMPUTE + slot),
    hold(start.lock).then(() => self.postMessage({ type: "alive" })),
  ]);
  /** @type {any} */
  let pyodide = null;
  const bridge = computeBridge(buffer, kernel, slot, () => pyodide.checkInterrupt());
  const signal = new Int32Array(buffer, L.REGION_COMPUTE + slot * L.COMPUTE_BYTES + 4 * L.COMPUTE_INTERRUPT, 1);
  const booted = await bootPython({
    base: start.base,
    build: start.build,
    module: start.python,
    files: start.files,
    registerModules: {
      inos_js: {
        ...bridge,
        region_path: REGION_PATH,
        // The outcome is known: what comes now would hit the wrong code.
        unarm: () => pyodide.setInterruptBuffer(undefined),
        ended: (/** @type {string} */ type, /** @type {string} */ text) => self.postMessage({ type, text }),
      },
    },
  });
  pyodide = booted.pyodide;
  pyodide.FS.mkdirTree("/inos");
  pyodide.FS.writeFile(REGION_PATH, new Uint8Array(buffer), { canOwn: true });
  const worker = pyodide.pyimport("inos_web.worker");
  interrupt = () => {
    // Python is idle. What it has not seen until now, it shall not see in the middle of being cancelled.
    Atomics.store(signal, 0, 0);
    worker.cancel();
  };
  pyodide.setInterruptBuffer(takenSignal(signal));
  self.postMessage({ type: "running" });
  worker.run(start.name, start.source, start.args);
}

self.onmessage = ({ data }) => {
  if (data.type === "interrupt") interrupt();
  else begin(data).catch((error) => self.postMessage({ type: "crashed", text: String(error?.stack ?? error) }));
};
