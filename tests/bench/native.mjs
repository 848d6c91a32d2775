// Brotli of Node's zlib (google/brotli, native) on the chunks that the page measures: a line with {op, from, to} in, a line
// with {ms} out. Streams made by `encode` are what `decode` takes; what it gives back is compared with the data.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";

const CHUNK_BYTES = 1 << 20;
const QUALITY = 6;
const WINDOW_BITS = 21; // as the kernel's

const data = readFileSync(process.argv[2]);
const streams = [];
const chunk = (index) => data.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);

const OPS = {
  encode(index) {
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: chunk(index).length,
    };
    streams[index] = brotliCompressSync(chunk(index), { params });
  },
  decode(index) {
    return brotliDecompressSync(streams[index], { maxOutputLength: CHUNK_BYTES });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { op, from, to } = JSON.parse(line);
  const made = [];
  const began = performance.now();
  for (let index = from; index < to; index++) made.push(OPS[op](index));
  const ms = performance.now() - began;
  const wrong = op === "decode" && made.some((bytes, i) => !bytes.equals(chunk(from + i)));
  console.log(JSON.stringify(wrong ? { error: "native Brotli gave other bytes" } : { ms }));
}
