/**
 * The shared memory's buffer, as the type that it has: the library's types know `WebAssembly.Memory` without `shared: true`.
 * @param {{buffer: unknown}} memory
 * @returns {SharedArrayBuffer}
 */
export const sharedBuffer = (memory) => /** @type {SharedArrayBuffer} */ (memory.buffer);
