// Several threads on one arena: each fills its blocks with a pattern of its own and looks at it again before it lets go.
// argv: kernel.wasm, threads, rounds a thread. Prints one JSON object.

import { readFileSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { startKernel } from "../../web/shared/kernel.js";

const MEMORY_PAGES = 1024;

/** A small deterministic generator (mulberry32), so that a failure can be repeated. @param {number} seed */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** @param {{module: WebAssembly.Module, memory: WebAssembly.Memory, thread: number, rounds: number}} data */
async function work({ module, memory, thread, rounds }) {
  const kernel = await startKernel(module, memory, thread);
  const bytes = new Uint8Array(memory.buffer);
  const random = generator(thread + 1);
  const report = { damaged: 0, refused: 0, allocations: 0, full: 0, brotli: 0 };
  /** @type {{offset: number, len: number, mark: number}[]} */
  const live = [];

  const take = () => {
    const len = Math.floor(2 ** (6 + random() * 14));
    const offset = kernel.arena_alloc(len);
    if (offset === 0) {
      report.full += 1;
      return;
    }
    const mark = Math.floor(random() * 256);
    bytes.fill(mark, offset, offset + len);
    live.push({ offset, len, mark });
    report.allocations += 1;
  };

  const drop = () => {
    const [block] = live.splice(Math.floor(random() * live.length), 1);
    if (random() < 0.3) {
      if (kernel.arena_retain(block.offset) < 2) report.refused += 1;
      if (kernel.arena_release(block.offset) < 1) report.refused += 1;
    }
    if (random() < 0.3 && block.len > 4096) {
      block.len = Math.floor(block.len * random()) + 1;
      if (kernel.arena_shrink(block.offset, block.len) !== 0) report.refused += 1;
    }
    for (let at = block.offset; at < block.offset + block.len; at += 1) {
      if (bytes[at] !== block.mark) {
        report.damaged += 1;
        break;
      }
    }
    if (kernel.arena_release(block.offset) !== 0) report.refused += 1;
  };

  const squeeze = () => {
    const len = 20_000;
    const block = kernel.arena_alloc(3 * len);
    if (block === 0) return;
    for (let at = 0; at < len; at += 1) bytes[block + at] = Math.floor(random() * 7) + 65;
    const packed = kernel.brotli_encode(block, len, block + len, len, 5, 18);
    if (packed > 0) {
      const status = kernel.brotli_decode(block + len, packed, block + 2 * len, len);
      const same = Buffer.compare(bytes.slice(block, block + len), bytes.slice(block + 2 * len, block + 3 * len)) === 0;
      if (status !== 0 || !same) report.damaged += 1;
      report.brotli += 1;
    }
    if (kernel.arena_release(block) !== 0) report.refused += 1;
  };

  for (let round = 0; round < rounds; round += 1) {
    if (live.length < 40 && random() < 0.55) take();
    else if (live.length > 0) drop();
    if (thread % 2 === 1 && round % 60 === 0) squeeze();
  }
  while (live.length > 0) drop();
  return report;
}

async function main() {
  const [wasmPath, threads, rounds] = process.argv.slice(2);
  const module = await WebAssembly.compile(readFileSync(wasmPath));
  const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES, shared: true });
  const reports = await Promise.all(
    Array.from({ length: Number(threads) }, (_, index) => {
      const workerData = { module, memory, thread: index + 1, rounds: Number(rounds) };
      const worker = new Worker(new URL(import.meta.url), { workerData });
      return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    }),
  );
  const kernel = await startKernel(module, memory, 0);
  /** @type {Record<string, number>} */
  const sum = { used: kernel.arena_used(), check: kernel.arena_check() };
  for (const report of reports) {
    for (const [name, value] of Object.entries(report)) sum[name] = (sum[name] ?? 0) + value;
  }
  console.log(JSON.stringify(sum));
}

if (isMainThread) await main();
else parentPort?.postMessage(await work(workerData));
