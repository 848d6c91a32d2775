/**
 * Row vault.open: how long a vault of 100,000 blocks takes to open: keys, superblocks, log, index, segments.
 *
 * The vault is filled by writing its index, not 100 GB of data: a checkpoint of 100,000 block entries in 1,000 files, and a segment
 * that is as long as they say. Then nodes of their own open it, one after the other; `openMs` is the brain's part of a start.
 */
import { InosNode } from "../../node.js";

/** @typedef {import("../lab.js").Bench} Bench */
/** @typedef {import("../result.js").Figures} Figures */

const FOLDER = "inos-bench-open";
const FILES = 1_000;
const FILL = `
import os
from inos.ports import FileTruncate
from inos.vault import ops
index, per_file = vault._index, blocks // files
await FileTruncate("seg-0000", 128 * blocks)
for n in range(blocks):
    ids = [os.urandom(32) for _ in range(4)]
    index.add(ops.pack_entry(*ids, ops.Place(100, 120, 1, 6, 1, 0, 0, 128 * n)))
for k in range(files):
    runs = ops.pack_runs(range(k * per_file, (k + 1) * per_file))
    ids = [os.urandom(32) for _ in range(3)]
    index.add_root(ops.Root(ids[0], ids[1], f"file {k}", "", 1 << 20, 1 << 20, per_file, per_file, 1, 0, ids[2], None, runs))
vault._segments.place_all(index.entries.values())
await vault.compact()
len(index.entries)
`;

/** @param {number} blocks */
async function fill(blocks) {
  const node = new InosNode({ folder: FOLDER, muscles: 1 });
  await node.ready;
  const made = await node.python(`blocks, files = ${blocks}, ${FILES}\n${FILL}`);
  await node.close();
  if (made !== blocks) throw new Error(`${made} blocks instead of ${blocks}`);
}

/** @param {number} blocks @returns {Promise<number>} milliseconds */
async function open(blocks) {
  const node = new InosNode({ folder: FOLDER, muscles: 1 });
  const { openMs } = await node.ready;
  const stats = await node.stats();
  await node.close();
  if (stats.blocks !== blocks || stats.lostBlocks !== 0) throw new Error("the vault did not open whole");
  return openMs;
}

async function clear() {
  const root = await navigator.storage.getDirectory();
  await root.removeEntry(FOLDER, { recursive: true }).catch(() => {});
}

/** @type {import("../run.js").Measure} */
export async function measure(bench, _wanted, figures) {
  const blocks = bench.quick ? 10_000 : 100_000;
  await clear();
  try {
    await fill(blocks);
    const samples = [];
    for (let run = 0; run < bench.runs; run++) {
      bench.progress("vault.open", run / bench.runs, `${blocks} blocks, run ${run + 1} of ${bench.runs}`);
      samples.push(await open(blocks));
    }
    figures["vault.open"] = { samples, notes: [`${blocks} blocks in ${FILES} files`] };
  } finally {
    await clear();
  }
}
