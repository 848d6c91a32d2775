/**
 * What Pyodide does out of the box with the files from npm, to compare with: source standard library, its own lock file,
 * wheels by URL, interpreter compiled in the worker. Our own Python is the same archive in both.
 */
import { webAssets } from "../python/assets.js";
import { quietImportScripts } from "../python/seams.js";

/** @typedef {import("../python/assets.js").Build} Build */

/**
 * @param {{base: string, build: Build, registerModules?: Record<string, object>, imports?: string[]}} options
 * @returns {Promise<{pyodide: any, startedMs: number, readyMs: number}>} `readyMs` includes `startedMs`
 */
export async function stockBoot({ base, build, registerModules = {}, imports = [] }) {
  const began = performance.now();
  const restoreImportScripts = quietImportScripts();
  const { indexUrl, load, read } = webAssets(base);
  try {
    const { loadPyodide } = await load("pyodide.mjs");
    const inos = read("../inos.zip", false);
    const pyodide = await loadPyodide({
      indexURL: indexUrl,
      packageBaseUrl: indexUrl,
      stdLibURL: `${indexUrl}stock/python_stdlib.zip`,
      lockFileURL: `${indexUrl}stock/pyodide-lock.json`,
    });
    const startedMs = performance.now() - began;
    const wheels = build.wheels.map((name) => indexUrl + name);
    await pyodide.loadPackage(wheels, { messageCallback: () => {} });
    pyodide.unpackArchive(await inos, "zip", { extractDir: "/lib/python3.14/site-packages" });
    for (const [name, value] of Object.entries(registerModules)) pyodide.registerJsModule(name, value);
    for (const name of imports) pyodide.pyimport(name).destroy();
    return { pyodide, startedMs, readyMs: performance.now() - began };
  } finally {
    restoreImportScripts();
  }
}
