/**
 * Rows boot.restore and boot.brain: Python in a fresh worker, restored from the snapshot, beside stock Pyodide and a cold
 * start without the snapshot.
 *
 * One worker at a time; it is ended before the next. The interpreter is compiled once, as INOS's page does it; what that
 * takes is told apart, and counted by no kind but stock, which compiles for itself.
 */
import { workerUrl } from "../../boot.js";
import { activeWorker, registerServiceWorker } from "../../service_worker.js";
import { at } from "../../site.js";
import { median, rounded } from "../stats.js";

/** @typedef {import("../lab.js").Bench} Bench */
/** @typedef {import("../result.js").Figures} Figures */
/** @typedef {"restored" | "stock" | "cold"} Kind */
/** @typedef {{kind: Kind, startedMs: number, readyMs: number, how: string, why?: string, stages: {name: string, ms: number}[]}} Measured */

const BASE = at("build/pyodide/");
export const IMPORTS = ["asyncio", "msgspec", "cbor2", "inos.node"];
const KINDS = /** @type {Kind[]} */ (["restored", "stock", "cold"]);

/** Starts of Python, one at a time. */
export class Starts {
  #bench;
  compileMs = 0;
  /** @type {any} */ #build;
  /** @type {WebAssembly.Module | null} */ #module = null;

  /** @param {Bench} bench */
  constructor(bench) {
    this.#bench = bench;
  }

  async prepare() {
    await keepSite();
    const began = performance.now();
    [this.#build, this.#module] = await Promise.all([
      fetch(`${BASE}build.json`).then((response) => response.json()),
      WebAssembly.compileStreaming(fetch(`${BASE}pyodide.asm.wasm`)),
    ]);
    this.compileMs = performance.now() - began;
  }

  /** @param {Kind} kind @returns {Promise<Measured>} */
  async measure(kind) {
    const line = this.#bench.line("boot.js");
    try {
      return await line.call("measure", {
        kind,
        imports: IMPORTS,
        base: BASE,
        build: this.#build,
        module: this.#module,
      });
    } finally {
      line.end();
    }
  }
}

/** As a first visit does, so that starts find their files as on a second one. */
async function keepSite() {
  const registration = await registerServiceWorker(workerUrl).catch(() => null); // refused: then from the HTTP cache
  if (registration) await activeWorker(registration);
}

/** @param {Measured[]} made */
function stagesOf(made) {
  /** @type {Record<string, number[]>} */
  const stages = {};
  for (const { stages: each } of made) for (const { name, ms } of each) stages[name] = [...(stages[name] ?? []), ms];
  return Object.fromEntries(Object.entries(stages).map(([name, ms]) => [name, rounded(median(ms))]));
}

/** @type {import("../run.js").Measure} */
export async function measure(bench, _wanted, figures) {
  const starts = new Starts(bench);
  await starts.prepare();
  if (!bench.quick)
    for (const kind of KINDS) await starts.measure(kind); // fills the browser's caches
  else await starts.measure("restored");
  /** @type {Record<Kind, Measured[]>} */
  const made = { restored: [], stock: [], cold: [] };
  for (let run = 0; run < bench.runs; run++) {
    bench.progress("boot.restore", run / bench.runs, `run ${run + 1} of ${bench.runs}`);
    for (const kind of KINDS) made[kind].push(await starts.measure(kind));
  }
  const odd = made.restored.find(({ how }) => how !== "snapshot");
  if (odd) throw new Error(`the snapshot was not restored: ${odd.why}`);
  const times = (/** @type {"startedMs" | "readyMs"} */ what) =>
    /** @type {Record<Kind, number[]>} */ (
      Object.fromEntries(KINDS.map((kind) => [kind, made[kind].map((boot) => boot[what])]))
    );
  const [started, ready] = [times("startedMs"), times("readyMs")];
  const cold = (/** @type {Record<Kind, number[]>} */ by) =>
    `cold, without the snapshot: ${median(by.cold).toFixed(0)} ms`;
  const details = { stagesMs: stagesOf(made.restored), compileMs: rounded(starts.compileMs), imports: IMPORTS };
  const rowOf = (/** @type {Record<Kind, number[]>} */ by) => ({
    samples: by.restored,
    baselines: { loadPyodide: by.stock },
    notes: [cold(by)],
    details: { ...details, coldMs: by.cold.map(rounded) },
  });
  figures["boot.restore"] = rowOf(started);
  figures["boot.brain"] = rowOf(ready);
}
