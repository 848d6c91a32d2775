/**
 * What the page does for Python: the verbs of `globalThis.inos` that a console beside the node may call, and wheels for a scratch worker.
 *
 * Invariants: only what is listed here is called; a scratch worker gets wheels and nothing else, since what is installed there may
 * be a stranger's.
 */

import { words } from "../../words.js";

/** @typedef {import("./session.js").Answer} Answer */

/** Each verb and its arguments, in the page's order. */
export const VERBS = /** @type {Record<string, string[]>} */ ({
  list: [],
  share: ["root"],
  fetch: ["link"],
  remove: ["root"],
  rename: ["root", "name"],
  versions: ["root"],
  check: ["level"],
  peers: [],
  room: [],
  join: ["link"],
  invite: [],
  copies: ["root"],
  stats: [],
});
const CANCELLABLE = new Set(["fetch", "check"]);
const WHEEL_BYTES_MAX = 64 * 2 ** 20;
const FETCH_TIMEOUT_MS = 30_000;

/** An error that Python shall raise. */
class Refused extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** @param {any} node @returns {Answer} */
export function forNode(node) {
  return async (what, args, bytes, signal) => {
    if (what === "put") {
      const blob = new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (bytes ?? new Uint8Array())], {
        type: args.mediaType,
      });
      return { value: await node.put(blob, { name: args.name, signal }) };
    }
    if (what === "get") return { bytes: await node.get(args.root, { path: args.path, signal }) };
    if (!Object.hasOwn(VERBS, what)) throw new Refused("BadArgument", `the page does not do this: ${what}`);
    const given = VERBS[what].map((name) => args[name]);
    if (CANCELLABLE.has(what)) given.push({ signal });
    return { value: await node[what](...given) };
  };
}

/** @param {any} node @param {Map<string, File>} handed wheels that the person chose here @returns {Answer} */
export function forScratch(node, handed) {
  return async (what, { where }, _bytes, signal) => {
    const file = handed.get(String(where));
    if (file && what === "wheelName") return { value: file.name };
    if (file && what === "wheel") return { bytes: new Uint8Array(await file.arrayBuffer()) };
    const { root, name } = await findWheel(node, String(where));
    if (what === "wheelName") return { value: name };
    if (what === "wheel") return { bytes: await node.get(root, { signal }) };
    throw new Refused("BadArgument", words.python.noNode);
  };
}

/** @param {any} node @param {string} where a file's name, or a link @returns {Promise<{root: string, name: string}>} */
async function findWheel(node, where) {
  const isLink = where.includes("#inos");
  const found = isLink ? await node.look(where) : await named(node, where); // nothing else comes into the vault
  if (!found) throw new Refused("NotFound", words.python.noSuchWheel(where));
  if (found.kind !== "file" || !found.name.endsWith(".whl"))
    throw new Refused("BadArgument", words.python.notAWheel(found.name));
  if (found.size > WHEEL_BYTES_MAX) throw new Refused("LimitExceeded", `${found.name}: ${found.size} bytes`);
  return isLink ? fetched(node, where) : found;
}

/** The newest file of this name. @param {any} node @param {string} name */
async function named(node, name) {
  const files = await node.list();
  return files.find((/** @type {any} */ file) => file.kind === "file" && file.name === name);
}

/** @param {any} node @param {string} link */
async function fetched(node, link) {
  return node.fetch(link, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
}
