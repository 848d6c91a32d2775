/**
 * What Pyodide's loader takes from the worker's globals, replaced for the length of one start.
 *
 * Pyodide 314 has no option for a precompiled module or for a standard library already in memory, so its calls are answered
 * here instead:
 *   - `fetch` of the standard library and of `pyodide.asm.wasm`: the bytes we have; an empty answer, since the module is there;
 *   - `WebAssembly.instantiateStreaming` (Node: `instantiate`): an instance of the posted module;
 *   - `importScripts`: the loader calls it with a `data:` URL to find out whether the worker is a classic one. In a module
 *     worker the call throws anyhow, but the content security policy reports it first. Throwing at once tells the same.
 * Every other call goes through to the original. All is put back when the start ends, whichever way.
 *
 * A failed instance makes the loader print a warning and wait for ever; here the start fails instead.
 */

/** Answered by the `fetch` seam only: no server knows it. */
export const STDLIB_URL = "inos://python_stdlib.zip";
const WASM_NAME = "pyodide.asm.wasm";

/**
 * @template T
 * @param {{module: WebAssembly.Module, stdlib: Promise<Uint8Array>}} given
 * @param {Promise<unknown>} needed its failure ends the start
 * @param {() => Promise<T>} start
 * @returns {Promise<T>}
 */
export async function withSeams({ module, stdlib }, needed, start) {
  const scope = /** @type {any} */ (globalThis);
  const { fetch } = scope;
  const { instantiate, instantiateStreaming } = WebAssembly;
  /** @type {(error: unknown) => void} */
  let fail = () => {};
  const failed = new Promise((_, reject) => {
    fail = reject;
  });
  needed.catch(fail);
  // A library that does not come never comes: the loader would go on without it.
  const library = () => stdlib.catch(forever);

  /** @param {any} input @param {any} [options] */
  scope.fetch = (input, options) => {
    const url = String(input?.url ?? input);
    if (url === STDLIB_URL) return Promise.resolve({ ok: true, arrayBuffer: library });
    if (url.endsWith(`/${WASM_NAME}`)) return Promise.resolve({ ok: true });
    return fetch(input, options);
  };
  /** @param {any} original @returns {any} */
  const shared = (original) => async (/** @type {any} */ source, /** @type {any} */ imports) => {
    if (!imports?.env?.Jsv_GetError_import) return original.call(WebAssembly, source, imports);
    try {
      return { module, instance: await instantiate(module, imports) };
    } catch (error) {
      fail(error);
      throw error;
    }
  };
  WebAssembly.instantiate = shared(instantiate);
  WebAssembly.instantiateStreaming = shared(instantiateStreaming);
  const restoreImportScripts = quietImportScripts();
  try {
    return await /** @type {Promise<T>} */ (Promise.race([start(), failed]));
  } finally {
    scope.fetch = fetch;
    Object.assign(WebAssembly, { instantiate, instantiateStreaming });
    restoreImportScripts();
  }
}

/** @returns {Promise<never>} for a loader that must not go on */
export const forever = () => new Promise(() => {});

/** @returns {() => void} puts the original back */
export function quietImportScripts() {
  const scope = /** @type {any} */ (globalThis);
  if (typeof scope.importScripts !== "function") return () => {};
  const own = Object.getOwnPropertyDescriptor(scope, "importScripts");
  scope.importScripts = () => {
    throw new TypeError("module workers have no importScripts");
  };
  return () => {
    if (own) Object.defineProperty(scope, "importScripts", own);
    else delete scope.importScripts;
  };
}
