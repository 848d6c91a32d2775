// One instance of the kernel on the shared memory, for one thread.
//
// Every worker and every Node test goes through here: it gives the instance its own stack (REGION_STACKS, by thread
// number) before the first call and attaches the arena. Two threads must never use one number at the same time.

import { ARENA_OFFSET, LAYOUT_VERSION, LINE_BYTES, REGION_STACKS, STACK_BYTES, THREADS_MAX } from "./layout.gen.js";

/**
 * The kernel's exports: numbers in and out, addresses are byte offsets in the shared memory. What returns a status returns
 * 0 or a negative number of `STATUS`.
 * @typedef {object} Kernel
 * @property {WebAssembly.Global} __stack_pointer
 * @property {() => number} kernel_version
 * @property {(arenaOffset: number, memoryBytes: number) => number} arena_attach
 * @property {(len: number) => number} arena_alloc 0 = no room
 * @property {(offset: number) => number} arena_retain references, or -1
 * @property {(offset: number) => number} arena_release references left, or -1
 * @property {(offset: number, len: number) => number} arena_shrink 0 or -1
 * @property {() => number} arena_used bytes
 * @property {() => number} arena_blocks
 * @property {() => number} arena_capacity bytes
 * @property {() => number} arena_check 0 = consistent
 * @property {(src: number, len: number, dst: number) => void} blake3_hash
 * @property {(key: number, src: number, len: number, dst: number) => void} blake3_keyed
 * @property {(context: number, contextLen: number, src: number, len: number, dst: number, dstLen: number) => void} blake3_derive
 * @property {() => number} blake3_state_bytes
 * @property {(state: number) => number} blake3_init
 * @property {(state: number, key: number) => number} blake3_init_keyed
 * @property {(state: number, src: number, len: number) => number} blake3_update
 * @property {(state: number, dst: number, dstLen: number) => number} blake3_final
 * @property {(key: number, nonce: number, aad: number, aadLen: number, buf: number, len: number, tag: number) => void} aead_seal
 * @property {(key: number, nonce: number, aad: number, aadLen: number, buf: number, len: number, tag: number) => number} aead_open
 * @property {(src: number, len: number, dst: number, cap: number, quality: number, lgwin: number) => number} brotli_encode
 * @property {(src: number, len: number, dst: number, rawLen: number) => number} brotli_decode
 * @property {(secret: number, dst: number) => void} gear_table
 * @property {(table: number, src: number, len: number, final: number) => number} gear_cut 0 = needs more bytes
 * @property {(secret: number, slot: number) => void} keys_derive
 * @property {(descriptor: number) => number} job_run
 */

/**
 * Instantiates the kernel for thread `thread` (0 to THREADS_MAX - 1) and attaches the arena, which the first caller lays out.
 * @param {WebAssembly.Module} module
 * @param {WebAssembly.Memory} memory
 * @param {number} thread
 * @returns {Promise<Kernel>}
 */
export async function startKernel(module, memory, thread) {
  if (!Number.isInteger(thread) || thread < 0 || thread >= THREADS_MAX)
    throw new RangeError(`no stack for thread ${thread}`);
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  const kernel = /** @type {Kernel} */ (/** @type {unknown} */ (instance.exports));
  // Stacks grow down; the top line is left free so that no frame touches the neighbour's.
  kernel.__stack_pointer.value = REGION_STACKS + (thread + 1) * STACK_BYTES - LINE_BYTES;
  const version = kernel.kernel_version();
  if (version !== LAYOUT_VERSION) throw new Error(`kernel has layout ${version}, the page has ${LAYOUT_VERSION}`);
  const status = kernel.arena_attach(ARENA_OFFSET, memory.buffer.byteLength);
  if (status !== 0) throw new Error(`arena_attach answered ${status}`);
  return kernel;
}
