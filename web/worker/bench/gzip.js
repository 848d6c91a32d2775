/** Bench worker: gzip by CompressionStream, chunk by chunk, as pages use it; what it made is inflated and compared. */
import { answer } from "./calls.js";

/** @param {BlobPart} bytes @param {GenericTransformStream} through */
const passed = async (bytes, through) =>
  new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(through)).arrayBuffer());

answer({
  /** @param {Uint8Array<ArrayBuffer>[]} chunks */
  async gzip(chunks) {
    let [ms, bytes] = [0, 0];
    for (const chunk of chunks) {
      const began = performance.now();
      const packed = await passed(chunk, new CompressionStream("gzip"));
      ms += performance.now() - began;
      bytes += packed.length;
      const back = await passed(packed, new DecompressionStream("gzip"));
      if (back.length !== chunk.length || back.some((byte, i) => byte !== chunk[i]))
        throw new Error("gzip gave other bytes");
    }
    return { ms, bytes };
  },
});
