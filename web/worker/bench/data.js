/**
 * Bench worker: real bytes to measure with, from what this site ships: Python's own sources and the interpreter.
 *
 * Three quarters text, one quarter WebAssembly, no stretch repeated.
 */
import { answer } from "./calls.js";

const CENTRAL_SIGNATURE = 0x02014b50;
const END_BYTES = 22;
const BINARY_SHARE = 0.25;
const SOURCES = new URL("../../../build/pyodide/stock/python_stdlib.zip", import.meta.url).href;
const BINARY = new URL("../../../build/pyodide/pyodide.asm.wasm", import.meta.url).href;

/** @param {string} url */
async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** The files of a ZIP archive without comment, in its order. @param {Uint8Array<ArrayBuffer>} archive */
async function* files(archive) {
  const view = new DataView(archive.buffer);
  const end = archive.length - END_BYTES;
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    if (view.getUint32(at, true) !== CENTRAL_SIGNATURE) throw new Error(`${SOURCES} is damaged`);
    const local = view.getUint32(at + 42, true);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const body = archive.subarray(start, start + view.getUint32(at + 20, true));
    if (view.getUint16(at + 10, true) === 0) yield body;
    else {
      const inflated = new Blob([body]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
      yield new Uint8Array(await new Response(inflated).arrayBuffer());
    }
    at += 46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
}

answer({
  /** At most `length` bytes: fewer where the site has not that many. @param {number} length */
  async assemble(length) {
    const [sources, binary] = await Promise.all([fetched(SOURCES), fetched(BINARY)]);
    const binaryBytes = Math.min(binary.length, Math.floor(length * BINARY_SHARE));
    const made = new Uint8Array(length);
    let at = 0;
    for await (const file of files(sources)) {
      const taken = file.subarray(0, length - binaryBytes - at);
      made.set(taken, at);
      at += taken.length;
      if (at === length - binaryBytes) break;
    }
    made.set(binary.subarray(0, binaryBytes), at);
    return made.slice(0, at + binaryBytes);
  },
});
