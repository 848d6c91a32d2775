/** What the boot tests share: the build that the set-up made, read from its folder, with ways to spoil it. */
import { readFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { BootError } from "../../web/worker/python/boot_error.js";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const OUT = `${process.env.INOS_PYODIDE_BUILD ?? `${ROOT}static/build/pyodide`}/`;

/** @typedef {import("../../web/worker/python/assets.js").Bytes} Bytes */

/** @returns {Promise<import("../../web/worker/python/assets.js").Build>} */
export async function readBuild() {
  const text = await readFile(`${OUT}build.json`, "utf8").catch((error) => {
    throw new Error("Python's files are not built: the set-up (run by `npm test`) makes them", { cause: error });
  });
  return JSON.parse(text);
}

/**
 * @param {(name: string, data: Bytes, fresh: boolean) => Bytes} [spoil]
 * @returns {import("../../web/worker/python/assets.js").AssetSource & {reads: string[]}}
 */
export function folderAssets(spoil = (_, data) => data) {
  /** @type {string[]} */
  const reads = [];
  return {
    reads,
    indexUrl: OUT,
    read: async (name, fresh) => {
      reads.push(name);
      return spoil(name, new Uint8Array(await readFile(OUT + name)), fresh);
    },
    load: (name) => import(pathToFileURL(OUT + name).href),
  };
}

/**
 * @param {string} wanted
 * @param {(data: Bytes) => Bytes} change
 * @returns {(name: string, data: Bytes) => Bytes}
 */
export const spoiling = (wanted, change) => (name, data) => (name === wanted ? change(data) : data);

/** @param {Bytes} data */
export function flipMiddleBit(data) {
  data[data.length >> 1] ^= 1;
  return data;
}

/** @returns {never} */
export function gone() {
  throw new BootError("missing-asset", "The server has no such file (it said 404).");
}
