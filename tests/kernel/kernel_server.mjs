// Runs kernel calls for pytest: a program of steps comes in on stdin, the answers go out on stdout.
//
// Every message is u32 length, then bytes. Steps: 1 WRITE offset len bytes | 2 READ offset len | 3 CALL export count args |
// 4 FILL offset len byte. Exports are numbered by the names the first message brings (JSON). READ answers its bytes, CALL
// answers u8 trapped and i32 result. argv: kernel.wasm, memory bytes.

import { readFileSync, readSync, writeSync } from "node:fs";
import { startKernel } from "../../web/shared/kernel.js";

const [wasmPath, memoryBytes] = process.argv.slice(2);
const pages = Number(memoryBytes) / 65_536;
const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
const bytes = new Uint8Array(memory.buffer);
const kernel = await startKernel(await WebAssembly.compile(readFileSync(wasmPath)), memory, 0);

/** @param {number} len */
function readExactly(len) {
  const data = Buffer.allocUnsafe(len);
  let at = 0;
  while (at < len) {
    const got = readSync(0, data, at, len - at, null);
    if (got === 0) process.exit(0);
    at += got;
  }
  return data;
}

const readMessage = () => readExactly(readExactly(4).readUInt32LE(0));

/** @param {Buffer} data */
function writeAll(data) {
  let at = 0;
  while (at < data.length) {
    try {
      at += writeSync(1, data, at, data.length - at);
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EAGAIN") throw error;
    }
  }
}

/** @type {string[]} */
const names = JSON.parse(readMessage().toString());
const table = /** @type {Record<string, (...args: number[]) => number>} */ (/** @type {unknown} */ (kernel));

/** @param {string} name @param {number[]} args */
function call(name, args) {
  const answer = Buffer.alloc(5);
  try {
    answer.writeInt32LE(table[name](...args) | 0, 1);
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    answer[0] = 1;
  }
  return answer;
}

/** @param {Buffer} program */
function run(program) {
  const out = [];
  let at = 0;
  const u32 = () => {
    at += 4;
    return program.readUInt32LE(at - 4);
  };
  while (at < program.length) {
    const step = program[at++];
    if (step === 3) {
      const name = names[u32()];
      const args = Array.from({ length: u32() }, u32);
      out.push(call(name, args));
      continue;
    }
    const offset = u32();
    const len = u32();
    if (step === 1) {
      bytes.set(program.subarray(at, at + len), offset);
      at += len;
    } else if (step === 2) {
      out.push(Buffer.from(bytes.slice(offset, offset + len)));
    } else {
      bytes.fill(program[at++], offset, offset + len);
    }
  }
  return Buffer.concat(out);
}

for (;;) {
  const answer = run(readMessage());
  const head = Buffer.alloc(4);
  head.writeUInt32LE(answer.length, 0);
  writeAll(head);
  writeAll(answer);
}
