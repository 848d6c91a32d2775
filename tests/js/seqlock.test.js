import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { Seqlock } from "../../web/shared/seqlock.js";

test("the latest value is read, across the wrap, and a writer that died is repaired by the next write", () => {
  const buffer = new SharedArrayBuffer(128);
  const words = new Int32Array(buffer);
  const lock = new Seqlock(buffer, 0, 64, 40);
  assert.deepEqual(lock.read(), new Uint8Array(40));
  words[0] = 0x7ffffffe;
  for (let n = 1; n < 5; n++) {
    lock.write(new Uint8Array(40).fill(n));
    assert.deepEqual(lock.read(), new Uint8Array(40).fill(n));
  }
  Atomics.add(words, 0, 1);
  assert.equal(lock.read(), null);
  lock.write(new Uint8Array(40).fill(9));
  assert.deepEqual(lock.read(), new Uint8Array(40).fill(9));
});

test("what is no seqlock is refused", () => {
  const buffer = new SharedArrayBuffer(128);
  assert.throws(() => new Seqlock(buffer, 4, 0, 8), RangeError);
  assert.throws(() => new Seqlock(buffer, 0, 64, 8).write(new Uint8Array(7)), RangeError);
});

test("another thread reads whole values while this one writes", async () => {
  const length = 1000;
  const last = 200;
  const second = 2048;
  const buffer = new SharedArrayBuffer(4096);
  const ours = new Seqlock(buffer, 0, 64, length);
  const theirs = new Seqlock(buffer, second, second + 64, length);
  const worker = new Worker(new URL("./threads/seqlock_copy.js", import.meta.url), {
    workerData: { buffer, numbers: [0, second, length, last] },
  });
  const ended = new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", resolve);
  });
  let seen = 0;
  for (let n = 1; seen !== last; n++) {
    ours.write(new Uint8Array(length).fill(Math.min(n, last)));
    const value = theirs.read();
    if (!value) continue;
    seen = /** @type {number} */ (value[0]);
    assert.ok(seen <= last && value.every((byte) => byte === seen), `torn: ${value}`);
    await new Promise((resolve) => setImmediate(resolve)); // an error of the other thread shall be heard
  }
  assert.equal(await ended, 0);
});
