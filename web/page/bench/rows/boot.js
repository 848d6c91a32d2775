/**
 * Bench page: starts Python in fresh workers, restored, cold or stock, and says how long each took.
 *
 *     await measureBoot("restored" | "cold" | "stock", ["asyncio", "msgspec", "cbor2"])
 *
 * One worker at a time; it is ended before the next. The interpreter is compiled once, as INOS's page does it; what that
 * takes is told apart as `compileMs`, and counted by no kind but stock, which compiles for itself.
 */

/** @typedef {{kind: string, startedMs: number, readyMs: number, how: string, why?: string, from?: string, stages: {name: string, ms: number}[]}} Measured */

const BASE = "/build/pyodide/";
const scope = /** @type {any} */ (globalThis);
const policy = scope.trustedTypes?.createPolicy("inos-worker", { createScriptURL: (/** @type {string} */ url) => url });
/** @type {string[]} */
scope.cspReports = [];
addEventListener("securitypolicyviolation", (event) =>
  scope.cspReports.push(`${event.violatedDirective} ${event.blockedURI}`),
);

const began = performance.now();
const [build, module] = await Promise.all([
  fetch(`${BASE}build.json`).then((response) => response.json()),
  WebAssembly.compileStreaming(fetch(`${BASE}pyodide.asm.wasm`)),
]);
scope.compileMs = performance.now() - began;

/**
 * @param {"restored" | "cold" | "stock"} kind
 * @param {string[]} imports
 * @returns {Promise<Measured>}
 */
scope.measureBoot = (kind, imports) =>
  new Promise((resolve, reject) => {
    const url = new URL("boot_worker.js", import.meta.url).href;
    const worker = new Worker(policy ? policy.createScriptURL(url) : url, { type: "module" });
    worker.onmessage = ({ data }) => {
      worker.terminate();
      if (data.error) reject(new Error(data.error));
      else resolve(data);
    };
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage({ kind, imports, base: BASE, build, module });
  });
scope.benchReady = true;
