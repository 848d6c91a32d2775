/**
 * The files that Python starts from, out of what the service worker keeps (`static/sw.js`): one copy on the disk serves both.
 *
 * Read here from the cache itself, not through the worker: of 28 MB the way through the worker took 166 ms in a busy Chromium,
 * this one 65. Nothing is written here. Any failure (private window, no worker yet, another build) means that a file is fetched.
 */

/** @typedef {import("./assets.js").Bytes} Bytes */

const CACHE_PREFIX = "inos-site ";
const HASH = "X-Inos-Hash"; // as sw.js writes it
/** A disk that takes longer than this (50 ms are usual) is slower than the network, or stuck. */
const TAKE_MS_MAX = 1_500;

/** @param {string} indexUrl of the build folder @returns {import("./assets.js").Pantry} */
export function sitePantry(indexUrl) {
  return {
    async take(name, sha256) {
      /** @type {Promise<undefined>} */
      const late = new Promise((resolve) => setTimeout(resolve, TAKE_MS_MAX));
      return Promise.race([read(new URL(name, indexUrl).href, sha256).catch(() => undefined), late]);
    },
  };
}

/** @param {string} url @param {string} sha256 @returns {Promise<Bytes | undefined>} */
async function read(url, sha256) {
  for (const name of await caches.keys()) {
    if (!name.startsWith(CACHE_PREFIX)) continue;
    const found = await (await caches.open(name)).match(url);
    if (found?.headers.get(HASH) === sha256) return new Uint8Array(await found.arrayBuffer());
  }
  return undefined;
}
