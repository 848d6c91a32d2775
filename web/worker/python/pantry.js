/**
 * Keeps the files that Python starts from in the origin private file system, as one file named by the build.
 *
 * It is a copy and no more: any failure (private window, no room, no such API) means that the files are fetched again.
 * A file is written whole or not at all, since a writable takes effect when it is closed.
 */

/** @typedef {import("./assets.js").Bytes} Bytes */

const FOLDER = "inos-boot";
/** A disk that takes longer than this (50 ms are usual) is slower than the network, or stuck. */
const TAKE_MS_MAX = 1_500;

/** @returns {import("./assets.js").Pantry} */
export function opfsPantry() {
  const folder = async () => (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
  return {
    async take(buildId) {
      const read = async () => {
        const handle = await (await folder()).getFileHandle(buildId);
        // A File needs no lock, unlike a sync access handle: two tabs can start at once.
        return new Uint8Array(await (await handle.getFile()).arrayBuffer());
      };
      /** @type {Promise<undefined>} */
      const late = new Promise((resolve) => setTimeout(resolve, TAKE_MS_MAX));
      return Promise.race([read().catch(() => undefined), late]);
    },
    async keep(buildId, parts) {
      try {
        const place = await folder();
        for await (const name of place.keys()) if (name !== buildId) await place.removeEntry(name);
        const writable = await (await place.getFileHandle(buildId, { create: true })).createWritable();
        for (const part of parts) await writable.write(part);
        await writable.close();
      } catch {
        // Next time from the network, then.
      }
    },
  };
}
