/**
 * Row vault.folder_10k: many small files as one folder, until they are durable; and what they take on the disk.
 *
 * The files are made before the clock starts. Random bytes do not compress, so the ratio is what packing costs.
 */
import { median } from "../stats.js";

const FILES = 10_000;
const FILES_QUICK = 1_000;
const FILE_BYTES = 1_024;
const FOLDERS = 100;
const RATIO_MAX = 1.5;

/** @param {number} count */
function randomItems(count) {
  const items = [];
  for (let n = 0; n < count; n++) {
    const bytes = crypto.getRandomValues(new Uint8Array(FILE_BYTES));
    items.push({ path: `${n % FOLDERS}/${String(n).padStart(5, "0")}.bin`, file: new File([bytes], "") });
  }
  return items;
}

/** @type {import("../run.js").Measure} */
export async function measure(bench, _wanted, figures) {
  const id = "vault.folder_10k";
  if (!bench.node) {
    figures[id] = { samples: [], notes: ["this page has no node"] };
    return;
  }
  await bench.node.ready;
  const count = bench.quick ? FILES_QUICK : FILES;
  const samples = [];
  const ratios = [];
  for (let run = 0; run < bench.runs; run++) {
    bench.progress(id, run / bench.runs, `run ${run + 1} of ${bench.runs}`);
    const items = randomItems(count);
    const began = performance.now();
    const done = await bench.node.putFolder(items, { name: `bench ${run}` });
    samples.push((count / (performance.now() - began)) * 1000);
    try {
      ratios.push(done.stored / done.bytes);
      const { path, file } = items[run];
      const back = await bench.node.get(done.root, { path });
      const given = new Uint8Array(await file.arrayBuffer());
      if (
        back.length !== FILE_BYTES ||
        back.some((/** @type {number} */ byte, /** @type {number} */ at) => byte !== given[at])
      )
        throw new Error("what came back is not what was put");
    } finally {
      await bench.node.remove(done.root);
    }
  }
  const ratio = median(ratios);
  figures[id] = {
    samples,
    notes: [`${count} files, ${ratio.toFixed(3)} x their bytes on the disk (at most ${RATIO_MAX})`],
    details: { files: count, ratios },
  };
}
