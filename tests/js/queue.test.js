import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { QUEUE_CELLS, REGION_JOBS_BULK, REGION_JOBS_BULK_BYTES } from "../../web/shared/layout.gen.js";
import { Queue } from "../../web/shared/queue.js";

const BYTES = REGION_JOBS_BULK + REGION_JOBS_BULK_BYTES;

/** @param {number} [position] */
function newQueue(position) {
  const buffer = new SharedArrayBuffer(BYTES);
  const queue = new Queue(buffer, REGION_JOBS_BULK, 0);
  queue.init(position);
  return { buffer, queue };
}

test("ids come out in the order they went in, and -1 after the last", () => {
  const { queue } = newQueue();
  assert.equal(queue.pop(), -1);
  for (const id of [7, 0, 0xffffffff]) assert.equal(queue.push(id), true);
  assert.deepEqual([queue.pop(), queue.pop(), queue.pop(), queue.pop()], [7, 0, 0xffffffff, -1]);
});

test("a full queue refuses, and takes one more after each pop", () => {
  const { queue } = newQueue();
  for (let id = 0; id < QUEUE_CELLS; id++) assert.equal(queue.push(id), true);
  assert.equal(queue.push(999), false);
  assert.equal(queue.pop(), 0);
  assert.equal(queue.push(999), true);
  assert.equal(queue.push(1000), false);
});

for (const start of [0x7fffffff - 100, 0xffffffff - 100]) {
  test(`positions wrap at ${start.toString(16)}`, () => {
    const { queue } = newQueue(start);
    for (let id = 0; id < 3 * QUEUE_CELLS; id++) {
      assert.equal(queue.push(id), true);
      if (id % 2) assert.equal(queue.push(id + 10_000), true);
      assert.equal(queue.pop() % 10_000 >= 0, true);
      if (id % 2) assert.notEqual(queue.pop(), -1);
    }
    assert.equal(queue.pop(), -1);
  });
}

for (const start of [0, 0xffffffff - 500]) {
  test(`every id exactly once, 3 producers and 3 consumers, from ${start.toString(16)}`, async () => {
    const { buffer } = newQueue(start);
    const perProducer = 20_000;
    const producers = 3;
    const control = new SharedArrayBuffer(8); // [started, popped]
    const seen = new SharedArrayBuffer(perProducer * producers);
    const url = new URL("./threads/mpmc.js", import.meta.url);
    const roles = [0, 1, 2].flatMap((index) => [
      { role: "produce", index },
      { role: "consume", index },
    ]);
    const ends = roles.map(
      (workerData) =>
        new Promise((resolve, reject) => {
          const worker = new Worker(url, {
            workerData: { ...workerData, buffer, control, seen, perProducer, producers, offset: REGION_JOBS_BULK },
          });
          worker.once("error", reject);
          worker.once("exit", resolve);
        }),
    );
    assert.deepEqual(await Promise.all(ends), [0, 0, 0, 0, 0, 0]);
    assert.ok(new Uint8Array(seen).every((times) => times === 1));
    assert.equal(new Queue(buffer, REGION_JOBS_BULK, 0).pop(), -1);
  });
}
