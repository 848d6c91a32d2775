/**
 * Keeps the files that Python starts from in the origin private file system, as one file named by the build.
 *
 * It is a copy and no more: any failure (private window, no room, no such API) means that the files are fetched again.
 * A file is written whole or not at all, since a writable takes effect when it is closed.
 */

/** @typedef {import("./assets.js").Bytes} Bytes */

const FOLDER = "inos-boot";

/** @returns {import("./assets.js").Pantry} */
export function opfsPantry() {
  const folder = async () => (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
  return {
    async take(buildId) {
      try {
        const handle = await (await folder()).getFileHandle(buildId);
        // A File needs no lock, unlike a sync access handle: two tabs can start at once.
        return new Uint8Array(await (await handle.getFile()).arrayBuffer());
      } catch {
        return undefined;
      }
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
