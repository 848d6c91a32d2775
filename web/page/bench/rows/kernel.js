/**
 * Rows of the kernel: blake3, seal, open, brotli.q6, each beside the npm library that people take for it.
 */
import { KernelPair } from "../kernel_pair.js";
import { median, rounded } from "../stats.js";

/** @typedef {import("../lab.js").Bench} Bench */
/** @typedef {import("../result.js").Figures} Figures */
/** @typedef {import("../kernel_pair.js").Compared} Compared */

const BROTLI_RUNS_MAX = 3; // a pass over 64 MiB takes ten seconds

/** Empty if the side was not there. @param {Compared[]} made @param {"theirs" | "native"} side */
const side = (made, side) => made.map((run) => run[side]).filter((rate) => rate !== null);

/** @param {Compared[]} made */
const ours = (made) => made.map((run) => run.ours);

/** @param {number[]} own @param {number[]} others */
const quotients = (own, others) => own.slice(0, others.length).map((rate, run) => rate / others[run]);

/** Both ways together: what is sealed in a pass is opened in it. @param {Bench} bench @param {KernelPair} pair */
async function aead(bench, pair) {
  /** @type {Record<string, Compared[]>} */
  const made = { seal: [], open: [] };
  for (let run = -1; run < bench.runs; run++) {
    for (const [op, passes] of Object.entries(made)) {
      const pass = await pair.compare(op, "text");
      if (run >= 0) passes.push(pass);
    }
  }
  return made;
}

/** @param {Bench} bench @param {KernelPair} pair @returns {Promise<Figures>} */
async function brotli(bench, pair) {
  /** @type {Compared[]} */
  const encoded = [];
  /** @type {Compared[]} */
  const decoded = [];
  /** @type {number[]} */
  const both = [];
  const runs = Math.min(bench.runs, BROTLI_RUNS_MAX);
  for (let run = 0; run < runs; run++) {
    bench.progress("brotli.q6", run / runs, `run ${run + 1} of ${runs}`);
    encoded.push(await pair.compare("encode", "text"));
    decoded.push(await pair.compare("decode", "text"));
    both.push(await pair.beside("encode", "text"));
  }
  const native = side(encoded, "native");
  const decodeTheirs = side(decoded, "theirs");
  const decodeNative = side(decoded, "native");
  /** @type {Record<string, number[]>} */
  const ratios = {};
  if (decodeTheirs.length) ratios["brotli-wasm.decode"] = quotients(ours(decoded), decodeTheirs);
  if (decodeNative.length) ratios["native.decode"] = quotients(ours(decoded), decodeNative);
  const nativeSays = native.length
    ? `native code makes ${median(native).toFixed(0)} MiB/s of it on this machine`
    : "native code was not measured here";
  return {
    samples: ours(encoded),
    baselines: { "brotli-wasm": side(encoded, "theirs"), native },
    ratios,
    missed: `One worker is one core: two kernels side by side make ${median(both).toFixed(0)} MiB/s, ${nativeSays}.`,
    details: {
      decodeMiBps: rounded(median(ours(decoded))),
      brotliWasmDecodeMiBps: decodeTheirs.length ? rounded(median(decodeTheirs)) : null,
      nativeDecodeMiBps: decodeNative.length ? rounded(median(decodeNative)) : null,
      twoKernelsMiBps: rounded(median(both)),
      encodedBytes: encoded[0].bytes.ours,
      brotliWasmEncodedBytes: encoded[0].bytes.theirs,
    },
  };
}

/** @type {import("../run.js").Measure} */
export async function measure(bench, wanted, figures) {
  const data = await bench.data();
  const pair = new KernelPair(bench);
  await pair.start(data.length);
  await pair.load("text", data);
  const from = { dataMiB: rounded(data.length / 1048576) };
  if (wanted.has("blake3")) {
    await pair.compare("hash", "text");
    const made = [];
    for (let run = 0; run < bench.runs; run++) made.push(await pair.compare("hash", "text"));
    const cut = (await pair.only("ours", "cut", "text")).rate;
    figures.blake3 = {
      samples: ours(made),
      baselines: { "hash-wasm": side(made, "theirs") },
      notes: [`the chunker finds borders at ${cut.toFixed(0)} MiB/s`],
      details: { ...from, chunkerMiBps: rounded(cut) },
    };
  }
  if (wanted.has("seal") || wanted.has("open")) {
    for (const [op, made] of Object.entries(await aead(bench, pair))) {
      figures[op] = { samples: ours(made), baselines: { libsodium: side(made, "theirs") }, details: from };
    }
  }
  if (wanted.has("brotli.q6")) figures["brotli.q6"] = await brotli(bench, pair);
}
