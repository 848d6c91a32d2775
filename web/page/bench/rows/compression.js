/**
 * Rows gzip, brotli.q11.re, brotli.q11.over: what compression saves, beside gzip, encoded anew, and compressed twice.
 *
 * Nouns: a *piece* is a file of the corpus, or part of one, of at most 1 MiB, as chunks are.
 */
import { CHUNK_BYTES, KernelPair } from "../kernel_pair.js";
import { rounded } from "../stats.js";

/** @typedef {import("../lab.js").Bench} Bench */
/** @typedef {import("../result.js").Figures} Figures */

const GZIP_BYTES_MAX = 16 << 20;
const CORPUS_BYTES = 3 << 20; // q11 makes half a MiB a second
const CORPUS_BYTES_QUICK = 384 << 10;

/** @param {Uint8Array<ArrayBuffer>} bytes @param {number} length */
const split = (bytes, length) =>
  Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) => bytes.slice(i * length, (i + 1) * length));

/** @param {number} part @param {number} whole */
const saved = (part, whole) => 100 * (1 - part / whole);

/** @param {Bench} bench @param {KernelPair} pair @param {Uint8Array<ArrayBuffer>} data @returns {Promise<Figures>} */
async function gzip(bench, pair, data) {
  const bytes = data.slice(0, GZIP_BYTES_MAX);
  await pair.load("gzip", bytes);
  const ours = await pair.only("ours", "encode", "gzip");
  const theirs = await bench.line("gzip.js").call("gzip", split(bytes, CHUNK_BYTES));
  const rate = bytes.length / 1048.576 / theirs.ms;
  return {
    samples: [saved(ours.bytes, bytes.length)],
    baselines: { gzip: [saved(theirs.bytes, bytes.length)] },
    missed: "These files do not compress that well.",
    notes: [
      `stored bytes are ${saved(ours.bytes, theirs.bytes).toFixed(1)} % fewer than gzip's`,
      `Brotli q6 at ${ours.rate.toFixed(0)} MiB/s, gzip at ${rate.toFixed(0)} MiB/s, one worker each`,
    ],
    details: { bytes: bytes.length, brotliBytes: ours.bytes, gzipBytes: theirs.bytes, gzipMiBps: rounded(rate) },
  };
}

/**
 * Files of the corpus, the small ones first where time is short.
 * @param {Bench} bench @param {Uint8Array<ArrayBuffer>} data
 */
async function corpusOf(bench, data) {
  const room = bench.quick ? CORPUS_BYTES_QUICK : CORPUS_BYTES;
  const files = bench.options.corpus ?? [];
  if (files.length === 0) {
    const piece = Math.min(CHUNK_BYTES, room);
    return { name: "this site's files", pieces: split(data.slice(0, room), piece) };
  }
  const pieces = [];
  let left = room;
  for (const file of [...files].sort((a, b) => a.size - b.size)) {
    if (file.size > left) break;
    left -= file.size;
    pieces.push(...split(new Uint8Array(await file.arrayBuffer()), CHUNK_BYTES));
  }
  return { name: `${files.length} files of the Canterbury corpus`, pieces };
}

/** @param {Bench} bench @param {KernelPair} pair @param {Uint8Array<ArrayBuffer>} data @returns {Promise<Record<string, Figures>>} */
async function twice(bench, pair, data) {
  const { name, pieces } = await corpusOf(bench, data);
  const sum = { raw: 0, q6: 0, q11: 0, over: 0, q11Ms: 0 };
  let smaller = 0;
  for (const [number, piece] of pieces.entries()) {
    bench.progress("brotli.q11.re", number / pieces.length, `${number} of ${pieces.length} files`);
    const made = await pair.squeeze(piece);
    for (const what of /** @type {(keyof typeof sum)[]} */ (Object.keys(sum))) sum[what] += made[what];
    if (made.over < made.q6) smaller++;
  }
  const details = { corpus: name, pieces: pieces.length, ...sum, q11MiBps: rounded(sum.raw / 1048.576 / sum.q11Ms) };
  const alone = `q6 alone saves ${saved(sum.q6, sum.raw).toFixed(1)} % of ${(sum.raw / 1048576).toFixed(1)} MiB`;
  return {
    "brotli.q11.re": {
      samples: [saved(sum.q11, sum.q6)],
      missed: "These files gain less from the slow encoder.",
      notes: [
        `${alone}, re-encoded at q11 ${saved(sum.q11, sum.raw).toFixed(1)} %, at ${details.q11MiBps} MiB/s in idle time`,
      ],
      details,
    },
    "brotli.q11.over": {
      samples: [saved(sum.over, sum.q6)],
      missed: `Of ${pieces.length} streams ${smaller} became smaller at all: next to nothing is left in a Brotli stream for Brotli to find, so INOS encodes anew from plaintext instead.`,
      notes: [`${alone}; compressing its output again made ${smaller} of ${pieces.length} pieces smaller`],
      details,
    },
  };
}

/** @type {import("../run.js").Measure} */
export async function measure(bench, wanted, figures) {
  const data = await bench.data();
  const pair = new KernelPair(bench);
  await pair.start(Math.min(data.length, GZIP_BYTES_MAX));
  if (wanted.has("gzip")) figures.gzip = await gzip(bench, pair, data);
  if (wanted.has("brotli.q11.re") || wanted.has("brotli.q11.over"))
    Object.assign(figures, await twice(bench, pair, data));
}
