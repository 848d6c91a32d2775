/** Bench worker: what a muscle does to a hashing task, asked and answered by messages; its kernel has a memory of its own. */
import { startKernel } from "../../shared/kernel.js";
import { answer } from "./calls.js";

const HASH_BYTES = 32;

answer({
  /** @param {WebAssembly.Memory} memory @param {WebAssembly.Module} module @param {MessagePort} port @param {number} blockBytes */
  async start(memory, module, port, blockBytes) {
    const kernel = await startKernel(module, memory, 0);
    const bytes = new Uint8Array(memory.buffer);
    const [room, hash] = [kernel.arena_alloc(blockBytes), kernel.arena_alloc(HASH_BYTES)];
    port.onmessage = ({ data: { id, block } }) => {
      bytes.set(block, room);
      kernel.blake3_hash(room, block.length, hash);
      port.postMessage({ id, hash: Uint8Array.from(bytes.subarray(hash, hash + HASH_BYTES)) });
    };
  },
});
