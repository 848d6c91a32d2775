/**
 * Row vault.shrink: what idle time saves by sealing chunks again with Brotli's best quality.
 *
 * The file is put as ever, then the vault tidies up at once (without waiting for the file to be ten minutes old), then the file is read
 * and compared. The figure is the part of the stored bytes that went.
 */

/** @typedef {import("../lab.js").Bench} Bench */

const BYTES_MAX = 8 * 1024 * 1024; // Brotli's best makes about half a MiB a second of a core

/** @type {import("../run.js").Measure} */
export async function measure(bench, _wanted, figures) {
  if (!bench.node) {
    figures["vault.shrink"] = { samples: [], notes: ["this page has no node"] };
    return;
  }
  await bench.node.ready;
  const data = (await bench.data()).subarray(0, bench.quick ? BYTES_MAX / 8 : BYTES_MAX);
  bench.progress("vault.shrink", 0, `${data.length >> 20} MiB`);
  const put = await bench.node.put(new Blob([data]), { name: "bench-shrink" });
  try {
    const before = await bench.node.stats();
    await bench.node.python("vault.upkeep._age_min_s = -1");
    const began = performance.now();
    await bench.node.tidy();
    const ms = performance.now() - began;
    const after = await bench.node.stats();
    const back = await bench.node.get(put.root);
    if (
      back.length !== data.length ||
      back.some((/** @type {number} */ byte, /** @type {number} */ at) => byte !== data[at])
    )
      throw new Error("what came back is not what was put");
    const saved = before.liveBytes - after.liveBytes;
    figures["vault.shrink"] = {
      samples: [(100 * saved) / before.liveBytes],
      notes: [`${(data.length / 1048.576 / ms).toFixed(2)} MiB/s, to the last check of what was sealed`],
      details: { rawBytes: data.length, storedBytes: before.liveBytes, savedBytes: saved },
    };
  } finally {
    await bench.node.remove(put.root);
  }
}
