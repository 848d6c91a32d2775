/** Bench worker: one start of Python, of the kind asked for; answers with its times and ends. */
import { bootPython } from "../python/boot.js";
import { stockBoot } from "./boot_stock.js";
import { answer } from "./calls.js";

/** @param {any} options */
async function measure({ kind, imports, base, build, module }) {
  const began = performance.now();
  if (kind === "stock") {
    const { startedMs, readyMs } = await stockBoot({ base, build, imports });
    return { kind, startedMs, readyMs, how: "stock", stages: [] };
  }
  // A build without a snapshot is how a cold start is asked for.
  const { "snapshot.bin": snapshot, ...others } = build.files;
  const files = kind === "cold" ? others : { ...others, "snapshot.bin": snapshot };
  const { how, why, from, stages } = await bootPython({ base, build: { ...build, files }, module, imports });
  const readyMs = performance.now() - began;
  const importsMs = stages.filter(({ name }) => name === "imports").reduce((sum, { ms }) => sum + ms, 0);
  return { kind, startedMs: readyMs - importsMs, readyMs, how, why, from, stages };
}

answer({ measure });
