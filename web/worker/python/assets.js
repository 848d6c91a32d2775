/**
 * The files that Python starts from: fetched side by side, each compared with what `build.json` says of it, and taken from a pantry
 * where there is one.
 *
 * An *asset source* is how bytes come in: `fetch` in a browser, a folder in Node's tests. A file that does not match may be a
 * stale copy in the browser's HTTP cache (a new build was installed on the server): it is asked for once more past the cache.
 *
 * A *pantry* has the files of one build from visit to visit. Measured in Chromium 156, the 17 MB come out of the HTTP cache in 120 ms
 * (stored as Brotli; 70 ms if not), out of Cache Storage in 25 ms, out of OPFS in 12 ms. They lie in Cache Storage, where the
 * service worker keeps the whole site anyhow: a second copy would cost 28 MB for those 13 ms.
 */
import { BootError } from "./boot_error.js";

/**
 * @typedef {Uint8Array<ArrayBuffer>} Bytes
 * @typedef {{buildId: string, snapshotKey: string, snapshotHead: string, pyodide: string, python: string, lockInfo: any,
 *   wheels: string[], files: Record<string, {bytes: number, sha256: string}>}} Build the contents of `build.json`
 * @typedef {{indexUrl: string, read: (name: string, fresh: boolean) => Promise<Bytes>,
 *   load: (name: string) => Promise<any>}} AssetSource `load` imports a JavaScript module; `indexUrl` ends with a slash
 * @typedef {{take: (name: string, sha256: string) => Promise<Bytes | undefined>}}
 *   Pantry `take` answers nothing when it has nothing, whatever the reason
 */

/**
 * @param {string} base URL of the build folder
 * @returns {AssetSource}
 */
export function webAssets(base) {
  const indexUrl = new URL(base.endsWith("/") ? base : `${base}/`, globalThis.location.href).href;
  return {
    indexUrl,
    read: async (name, fresh) => {
      const response = await fetch(new URL(name, indexUrl), { cache: fresh ? "reload" : "default" }).catch((error) => {
        throw new BootError("offline", `The file ${name} could not be fetched.`, error);
      });
      if (!response.ok) throw new BootError("missing-asset", `The server has no ${name} (it said ${response.status}).`);
      const data = await response.arrayBuffer().catch((error) => {
        throw new BootError("offline", `The file ${name} broke off.`, error);
      });
      return new Uint8Array(data);
    },
    load: (name) =>
      import(new URL(name, indexUrl).href).catch((error) => {
        throw new BootError("missing-asset", `The file ${name} could not be loaded.`, error);
      }),
  };
}

/** @param {Bytes} data */
async function sha256(data) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {Build} build
 * @param {string} name
 * @param {Bytes} data
 */
async function matches(build, name, data) {
  const { bytes, sha256: expected } = build.files[name];
  return data.length === bytes && (await sha256(data)) === expected;
}

/**
 * @param {AssetSource} source
 * @param {Build} build
 * @param {string} name
 * @returns {Promise<Bytes>}
 */
export async function readChecked(source, build, name) {
  if (!build.files[name]) throw new BootError("missing-asset", `The build has no ${name}.`);
  for (const fresh of [false, true]) {
    const data = await source.read(name, fresh);
    if (await matches(build, name, data)) return data;
  }
  throw new BootError("corrupt-asset", `The file ${name} is damaged or belongs to another build.`);
}

/**
 * The same files in one piece of shared memory, so that any number of workers can be started from one copy.
 *
 * @param {Map<string, Promise<Uint8Array>>} files
 * @returns {Promise<Record<string, Uint8Array>>}
 */
export async function shareFiles(files) {
  const named = await Promise.all([...files].map(async ([name, file]) => ({ name, data: await file })));
  const buffer = new SharedArrayBuffer(named.reduce((sum, { data }) => sum + data.length, 0));
  let offset = 0;
  return Object.fromEntries(
    named.map(({ name, data }) => {
      const view = new Uint8Array(buffer, offset, data.length);
      view.set(data);
      offset += data.length;
      return [name, view];
    }),
  );
}

/**
 * All of `names`, each as a promise of its own, so that whoever needs one waits for that one only.
 *
 * @param {AssetSource} source
 * @param {Build} build
 * @param {string[]} names
 * @param {Pantry} [pantry]
 * @returns {{files: Map<string, Promise<Bytes>>, from: () => "pantry" | "network"}} `network`: at least one came that way
 */
export function gather(source, build, names, pantry) {
  /** @type {"pantry" | "network"} */
  let origin = pantry ? "pantry" : "network";
  const one = async (/** @type {string} */ name) => {
    const listed = build.files[name];
    const data = listed && (await pantry?.take(name, listed.sha256));
    if (data && (await matches(build, name, data))) return data;
    origin = "network";
    return readChecked(source, build, name);
  };
  const files = new Map(
    names.map((name) => {
      const file = one(name);
      file.catch(() => {}); // whoever awaits it hears of it; nobody may be waiting yet
      return [name, file];
    }),
  );
  return { files, from: () => origin };
}
