// Facts about a built kernel, as one JSON object: imports, exports, and how much stack the deepest calls use.
// argv: kernel.wasm.

import { readFileSync } from "node:fs";
import { startKernel } from "../../web/shared/kernel.js";
import {
  KERNEL_BYTES,
  OP_OPEN,
  OP_SEAL,
  REGION_JOB_RESULTS,
  REGION_JOB_TABLE,
  REGION_KEY_SLOTS,
  REGION_STACKS,
  STACK_BYTES,
} from "../../web/shared/layout.gen.js";

const THREAD = 3;
const PAINT = 0x5c;
const RAW_LEN = 300_000;

const module = await WebAssembly.compile(readFileSync(process.argv[2]));
const memory = new WebAssembly.Memory({ initial: 4096, maximum: 4096, shared: true });
const bytes = new Uint8Array(memory.buffer);
const words = new Uint32Array(memory.buffer);
const kernel = await startKernel(module, memory, THREAD);
const start = REGION_STACKS + THREAD * STACK_BYTES;
bytes.fill(PAINT, start - STACK_BYTES, start + STACK_BYTES);
bytes.fill(PAINT, start + STACK_BYTES, start + 2 * STACK_BYTES);

/** @param {number[]} descriptor */
function run(descriptor) {
  words.fill(0, REGION_JOB_TABLE / 4, REGION_JOB_TABLE / 4 + 16);
  words.set(descriptor, REGION_JOB_TABLE / 4);
  const status = kernel.job_run(REGION_JOB_TABLE);
  if (status !== 0) throw new Error(`job answered ${status}`);
  return [words[REGION_JOB_RESULTS / 4], words[REGION_JOB_RESULTS / 4 + 1]];
}

const src = kernel.arena_alloc(RAW_LEN);
for (let at = 0; at < RAW_LEN; at += 1) bytes[src + at] = 97 + ((at * at) % 13) + ((at >> 9) % 5);
kernel.keys_derive(src, REGION_KEY_SLOTS);
for (let quality = 0; quality <= 11; quality += 1) {
  const [block, len] = run([OP_SEAL, 0, src, RAW_LEN, 0, 0, REGION_KEY_SLOTS, REGION_JOB_RESULTS, 1, quality]);
  const [plain] = run([OP_OPEN, 0, block, len, 0, 0, REGION_KEY_SLOTS, REGION_JOB_RESULTS, 1, 0, RAW_LEN]);
  kernel.arena_release(block);
  kernel.arena_release(plain);
}

let lowest = start;
while (lowest < start + STACK_BYTES && bytes[lowest] === PAINT) lowest += 1;
const untouched = (/** @type {number} */ from) =>
  bytes.subarray(from, from + STACK_BYTES).every((byte) => byte === PAINT);
console.log(
  JSON.stringify({
    imports: WebAssembly.Module.imports(module),
    exports: WebAssembly.Module.exports(module).map((entry) => entry.name),
    below_kernel_bytes: bytes.subarray(KERNEL_BYTES - 64, KERNEL_BYTES).every((byte) => byte === 0),
    stack_bytes: STACK_BYTES,
    stack_used_bytes: start + STACK_BYTES - lowest,
    neighbour_untouched: untouched(start - STACK_BYTES) && untouched(start + STACK_BYTES),
  }),
);
