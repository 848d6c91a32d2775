/** What the mesh looks like from this node, for people: the brain's part, and what only the page knows (bytes from the server). */

/** @typedef {import("./ui/types.js").MeshView} MeshView */

/** @param {MeshView | null} seen by the brain, without the server's part @returns {MeshView | null} */
export function meshView(seen) {
  if (seen === null) return null;
  const server = serverBytes();
  const all = seen.bytes.direct + server;
  return { ...seen, bytes: { ...seen.bytes, server, peersShare: all > 0 ? seen.bytes.direct / all : null } };
}

/** Everything that this page loaded over the network, the page itself included; what a cache gave counts nothing. */
function serverBytes() {
  const loaded = /** @type {PerformanceResourceTiming[]} */ ([
    ...performance.getEntriesByType("navigation"),
    ...performance.getEntriesByType("resource"),
  ]);
  return loaded.reduce((sum, { transferSize }) => sum + transferSize, 0);
}
