/**
 * One Argon2id (RFC 9106), by hash-wasm's WebAssembly; then whoever started this worker ends it.
 */

/**
 * @typedef {{library: string, passphrase: Uint8Array, salt: Uint8Array, memoryKib: number, passes: number, lanes: number}} Ask
 */

const KEY_BYTES = 32;

self.onmessage = async (/** @type {{data: Ask}} */ { data }) => {
  try {
    await import(data.library); // it leaves its functions in globalThis.hashwasm
    const key = await /** @type {any} */ (globalThis).hashwasm.argon2id({
      password: data.passphrase,
      salt: data.salt,
      memorySize: data.memoryKib,
      iterations: data.passes,
      parallelism: data.lanes,
      hashLength: KEY_BYTES,
      outputType: "binary",
    });
    self.postMessage({ key });
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};

self.postMessage({ started: true });
