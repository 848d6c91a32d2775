/**
 * A thread with Python booted as in the browser (web/worker/python/boot.js), the checkout mounted, and pytest.
 *
 * Runs `workerData.args` and posts `{passed, failed}`. With `workerData.machine`, Python also gets `inos_js` as the brain has
 * it, on that machine's shared memory, and `inos_test`: waiting and draining, which the brain's loop does otherwise. This
 * thread may block, since muscles and io are threads of their own.
 */

import { readFile } from "node:fs/promises";
import { parentPort, workerData } from "node:worker_threads";
import { atomicsBridge, waitBridge } from "../../../web/shared/atomics_bridge.js";
import { Epoch } from "../../../web/shared/epochs.js";
import { startKernel } from "../../../web/shared/kernel.js";
import * as L from "../../../web/shared/layout.gen.js";
import { drains, ioBridge, jobBridge, netBridge } from "../../../web/worker/brain/bridge.js";
import { bootPython } from "../../../web/worker/python/boot.js";
import { folderAssets, ROOT, readBuild } from "../../js/boot_fixture.js";
import { makeMemory, THREAD_BRAIN } from "../machine.mjs";
import { nodeCrypto } from "../node_crypto.mjs";

const SITE_PACKAGES = "/lib/python3.14/site-packages";
const REGION_PATH = "/inos/region";
const QUIET_PATH = "/inos/quiet";
const { args, machine, wheels } = workerData;
const quiet = new SharedArrayBuffer(L.ARENA_OFFSET + 2 ** 20); // no thread uses it but those a test starts
const own = makeMemory(L.MEMORY_TIERS_BYTES[2], 0);
const crypto = nodeCrypto(await startKernel(workerData.kernel, own.memory, 0), own.memory);

/** @returns {Promise<Record<string, object>>} */
async function machineModules() {
  if (!machine) return {};
  const { memory } = machine;
  const kernel = await startKernel(workerData.kernel, memory, THREAD_BRAIN);
  const brain = new Epoch(memory.buffer, L.EPOCH_BRAIN);
  return {
    inos_js: {
      ...atomicsBridge(memory.buffer),
      ...waitBridge(memory.buffer),
      ...jobBridge(memory.buffer, kernel, THREAD_BRAIN),
      ...ioBridge(memory.buffer),
      ...netBridge(memory.buffer),
    },
    inos_test: {
      region_path: REGION_PATH,
      quiet_path: QUIET_PATH,
      quiet: { ...atomicsBridge(quiet), ...waitBridge(quiet) },
      /** Starts one of tests/js/threads on the quiet memory. */
      peer: (/** @type {string} */ script, /** @type {any} */ ...numbers) =>
        parentPort?.postMessage({ peer: { script, workerData: { buffer: quiet, numbers } } }),
      seen: () => brain.load(),
      wait: (/** @type {number} */ seen, /** @type {number} */ timeoutMs) => brain.wait(seen, timeoutMs),
      drains: (/** @type {any} */ on_io, /** @type {any} */ on_net, /** @type {any} */ on_control) =>
        drains(memory.buffer, { on_io: on_io.copy(), on_net: on_net.copy(), on_control: on_control.copy() }),
      source: (/** @type {number} */ id, /** @type {any} */ data) => {
        const view = data.getBuffer("u8");
        parentPort?.postMessage({ io: { type: "source", id, blob: new Blob([view.data.slice()]) } });
        view.release();
      },
      arena_check: kernel.arena_check,
    },
  };
}

const { pyodide } = await bootPython({
  base: "",
  build: await readBuild(),
  source: folderAssets(),
  registerModules: { node_crypto: crypto, ...(await machineModules()) },
});
// A thread's stdout has no descriptor, which is what Pyodide writes to on Node.
const say = { batched: (/** @type {string} */ line) => parentPort?.postMessage({ line }) };
pyodide.setStdout(say);
pyodide.setStderr(say);
pyodide.mountNodeFS("/checkout", ROOT);
for (const wheel of wheels)
  pyodide.unpackArchive(new Uint8Array(await readFile(wheel)), "wheel", { extractDir: SITE_PACKAGES });
if (machine) {
  pyodide.FS.mkdirTree("/inos");
  pyodide.FS.writeFile(REGION_PATH, new Uint8Array(machine.memory.buffer), { canOwn: true });
  pyodide.FS.writeFile(QUIET_PATH, new Uint8Array(quiet), { canOwn: true });
}
pyodide.runPython(`import sys; sys.path.insert(0, "/checkout/tests/pyodide"); sys.dont_write_bytecode = True`);
const drive = pyodide.pyimport("drive");
const [passed, failed] = drive.run(pyodide.toPy(args)).toJs();
parentPort?.postMessage({ passed, failed });
