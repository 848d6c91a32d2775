/** Rows ring.*: messages of one length from worker to worker, beside the same messages by what people use today. */
import { Stream } from "../streams.js";

/** @typedef {import("../lab.js").Bench} Bench */
/** @typedef {import("../result.js").Figures} Figures */

const MIB = 1 << 20;
const WAYS = ["postMessage", "postMessage.transfer", "BroadcastChannel"];
const QUICK = 8;
const WEBSOCKET_OPEN = 8;
const RING_BYTES = 1 << 20;

/** Messages a run: through the ring, by messages, by WebSocket. @type {Record<string, {length: number, ring: number, messages: number, socket: number}>} */
const SIZES = {
  "ring.1k": { length: 1024, ring: 300_000, messages: 16_000, socket: 4000 },
  "ring.10k": { length: 10_240, ring: 60_000, messages: 8000, socket: 2000 },
  "ring.100k": { length: 102_400, ring: 8000, messages: 2400, socket: 400 },
  "ring.1m": { length: 1_048_576, ring: 800, messages: 320, socket: 64 },
};

/** @param {Bench} bench @param {string} id @returns {Promise<Figures>} */
async function ring(bench, id) {
  const { length, ring: count, messages, socket } = SIZES[id];
  const part = (/** @type {number} */ all) => Math.ceil(all / (bench.quick ? QUICK : 1));
  const stream = new Stream(bench, Math.max(RING_BYTES, 4 * length));
  await stream.start();
  const network = bench.line("network.js");
  const server = await network.call("probe");
  /** @type {Record<string, number[]>} */
  const made = Object.fromEntries([...WAYS, "WebSocket"].map((name) => [name, []]));
  /** @type {number[]} */
  const samples = [];
  await stream.rate("ring", length, Math.ceil(count / QUICK));
  for (const way of WAYS) await stream.rate(way, length, Math.ceil(messages / QUICK));
  for (let run = 0; run < bench.runs; run++) {
    bench.progress(id, run / bench.runs, `run ${run + 1} of ${bench.runs}`);
    samples.push(await stream.rate("ring", length, part(count)));
    for (const way of WAYS) made[way].push(await stream.rate(way, length, part(messages)));
    if (server) made.WebSocket.push(await network.call("stream", length, part(socket), WEBSOCKET_OPEN));
  }
  const bytesPerS = samples.map((rate) => rate * length);
  const best = Math.max(...bytesPerS);
  return {
    samples,
    baselines: made,
    missed: `Writing, reading and adding up every message bounds two threads to ${(best / 1e6).toFixed(0)} MB/s here.`,
    notes: [
      `${(bytesPerS[bytesPerS.length >> 1] / MIB).toFixed(0)} MiB/s; a WebSocket's message goes to the server and comes back`,
    ],
    details: {
      messageBytes: length,
      messagesPerRun: part(count),
      mibPerS: bytesPerS.map((bytes) => Math.round(bytes / MIB)),
    },
  };
}

/** @type {import("../run.js").Measure} */
export async function measure(bench, wanted, figures) {
  for (const id of Object.keys(SIZES)) {
    if (wanted.has(id)) figures[id] = await ring(bench, id);
    bench.endWorkers();
  }
}
