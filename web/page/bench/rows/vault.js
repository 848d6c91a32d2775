/**
 * Rows vault.*: put and get through the node of this page, beside what bounds them in the same run.
 *
 * A run, for data of one kind: the kernel and the libraries take their figures, then the node puts, gets, compares SHA-256
 * and removes; so every ratio has both sides from the same minute. The rate of the kernel's own Brotli is taken just before
 * and just after, so that a neighbour's noise meets both.
 */
import { KernelPair } from "../kernel_pair.js";
import { median, rounded } from "../stats.js";

/** @typedef {import("../lab.js").Bench} Bench */
/** @typedef {import("../result.js").Figures} Figures */
/** @typedef {Record<string, number>} Rates MiB/s */
/** @typedef {{bounds: Rates, vault: Awaited<ReturnType<typeof putAndGet>>}} Run */

const LIBRARIES = "brotli-wasm+hash-wasm+libsodium";
const RANDOM_STEP_BYTES = 65_536;

/** @param {Uint8Array<ArrayBuffer> | ArrayBuffer} bytes */
async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {number} length @returns {Uint8Array<ArrayBuffer>} */
function randomBytes(length) {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += RANDOM_STEP_BYTES) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + RANDOM_STEP_BYTES)));
  }
  return bytes;
}

/** MiB/s of `bytes` in `ms`. @param {number} bytes @param {number} ms */
const rate = (bytes, ms) => bytes / 1048.576 / ms;

/**
 * Put, get, compare, remove: one run. Stage times are what `onProgress` tells, to about 0.1 s.
 * @param {any} node @param {string} kind @param {Blob} file @param {string} wanted SHA-256
 */
async function putAndGet(node, kind, file, wanted) {
  const before = await node.stats();
  /** @type {Record<string, number>} */
  const stagesMs = {};
  let began = performance.now();
  const done = await node.put(file, {
    name: `bench-${kind}`,
    onProgress: (/** @type {{stage: string}} */ { stage }) => {
      stagesMs[stage] = performance.now() - began;
    },
  });
  const putMs = performance.now() - began;
  try {
    const after = await node.stats();
    if (done.newChunks !== done.chunks) throw new Error("the vault held some of this already");
    began = performance.now();
    const back = await node.get(done.root);
    const getMs = performance.now() - began;
    if ((await sha256(back)) !== wanted) throw new Error("what came back is not what was put");
    return {
      put: rate(file.size, putMs),
      get: rate(file.size, getMs),
      roundtrip: rate(file.size, putMs + getMs),
      stagesMs,
      storedBytes: done.stored,
      chunks: done.chunks,
      jobs: after.jobsDone - before.jobsDone,
      brainTurns: after.brainTurns - before.brainTurns,
      diskBytesWritten: after.diskBytesWritten - before.diskBytesWritten,
      copyBytesIn: after.copyBytesIn - before.copyBytesIn,
      muscles: after.muscles,
    };
  } finally {
    await node.remove(done.root);
  }
}

/** The parts, measured alone on the same bytes. @param {KernelPair} pair @param {string} kind @returns {Promise<Rates>} */
async function boundsOf(pair, kind) {
  /** @type {Rates} */
  const found = {};
  for (const op of ["hash", "cut", "disk", "seal", "open", "sealJob"])
    found[op] = (await pair.only("ours", op, kind)).rate;
  if (pair.libraries) for (const op of ["store", "restore"]) found[op] = (await pair.only("theirs", op, kind)).rate;
  // h, the file's hash, the salt and the block's name are four passes; the chunker is a fifth.
  found.series = 1 / (1 / found.seal + 4 / found.hash + 1 / found.cut);
  return found;
}

/**
 * `runs` runs, after one that does not count.
 * @param {Bench} bench @param {string} id @param {KernelPair} pair @param {string} kind @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<Run[]>}
 */
async function runsOf(bench, id, pair, kind, bytes) {
  await pair.load(kind, bytes);
  const file = new Blob([bytes]);
  const wanted = await sha256(bytes);
  if (!bench.quick) await putAndGet(bench.node, kind, file, wanted);
  const runs = [];
  for (let run = 0; run < bench.runs; run++) {
    bench.progress(id, run / bench.runs, `run ${run + 1} of ${bench.runs}`);
    const bounds = await boundsOf(pair, kind);
    const text = kind === "text";
    const before = text ? (await pair.only("ours", "encode", kind)).rate : 0;
    const vault = await putAndGet(bench.node, kind, file, wanted);
    const after = text ? (await pair.only("ours", "encode", kind)).rate : 0;
    if (text) bounds.encode = 2 / (1 / before + 1 / after);
    if (text && vault.muscles > 1) bounds.encodePair = await pair.beside("encode", kind);
    runs.push({ bounds, vault });
  }
  return runs;
}

/** @param {Run[]} runs @param {string} name empty where it was not measured */
const bound = (runs, name) => runs.filter(({ bounds }) => bounds[name] !== undefined).map(({ bounds }) => bounds[name]);

/** @param {Run[]} runs */
const described = (runs) => ({
  muscles: runs[0].vault.muscles,
  runs: runs.map(({ bounds, vault }) => ({
    boundsMiBps: Object.fromEntries(Object.entries(bounds).map(([name, value]) => [name, rounded(value)])),
    ...vault,
  })),
});

/** @param {Bench} bench @param {KernelPair} pair @param {Uint8Array<ArrayBuffer>} data @param {Record<string, Figures>} figures */
async function text(bench, pair, data, figures) {
  const runs = await runsOf(bench, "vault.put.text", pair, "text", data);
  const details = described(runs);
  const { muscles } = details;
  const put = runs.map(({ vault }) => vault.put);
  const encode = bound(runs, "encode");
  /** @type {Record<string, number[]>} */
  const ratios = { [`${muscles} x kernel.q6`]: put.map((value, run) => value / (muscles * encode[run])) };
  const beside = bound(runs, "encodePair");
  if (beside.length) ratios["2 kernels.q6 side by side"] = put.map((value, run) => value / beside[run]);
  figures["vault.put.text"] = {
    samples: put,
    baselines: { "kernel.q6": encode, [LIBRARIES]: bound(runs, "store") },
    ratios,
    notes: [`${muscles} muscle${muscles > 1 ? "s" : ""}`],
    details,
  };
  figures["vault.get"] = {
    samples: runs.map(({ vault }) => vault.get),
    baselines: { "vault.put.text": put, [LIBRARIES]: bound(runs, "restore") },
    details,
  };
  figures["vault.roundtrip"] = {
    samples: runs.map(({ vault }) => vault.roundtrip),
    missed: `Brotli q6 bounds a put: one kernel makes ${median(encode).toFixed(0)} MiB/s of it here, and ${muscles} worked.`,
    details,
  };
}

/** @param {Bench} bench @param {KernelPair} pair @param {number} length @param {Record<string, Figures>} figures */
async function random(bench, pair, length, figures) {
  const runs = await runsOf(bench, "vault.put.random", pair, "random", randomBytes(length));
  const [disk, series] = [bound(runs, "disk"), bound(runs, "series")];
  figures["vault.put.random"] = {
    samples: runs.map(({ vault }) => vault.put),
    baselines: {
      "min(disk, series)": disk.map((value, run) => Math.min(value, series[run])),
      disk,
      series,
      [LIBRARIES]: bound(runs, "store"),
    },
    details: described(runs),
  };
}

/** @type {import("../run.js").Measure} */
export async function measure(bench, wanted, figures) {
  if (!bench.node) {
    for (const id of wanted) figures[id] = { samples: [], notes: ["this page has no node"] };
    return;
  }
  await bench.node.ready;
  const data = await bench.data();
  const pair = new KernelPair(bench);
  await pair.start(2 * data.length);
  if (["vault.put.text", "vault.get", "vault.roundtrip"].some((id) => wanted.has(id)))
    await text(bench, pair, data, figures);
  if (wanted.has("vault.put.random")) await random(bench, pair, data.length, figures);
}
