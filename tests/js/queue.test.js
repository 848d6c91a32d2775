import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import {
  QUEUE_CELL_BYTES,
  QUEUE_CELLS,
  QUEUE_CELLS_OFFSET,
  QUEUE_CLAIMED,
  QUEUE_FILLED,
  QUEUE_TAKEN,
  REGION_JOBS_BULK,
  REGION_JOBS_BULK_BYTES,
  THREADS_MAX,
} from "../../web/shared/layout.gen.js";
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

for (const [producers, start] of /** @type {[number, number][]} */ ([
  [3, 0],
  [3, 0xffffffff - 500],
  [5, 0x7fffffff - 500],
])) {
  test(`every id exactly once, ${producers} producers and as many consumers, from ${start.toString(16)}`, async () => {
    const { buffer } = newQueue(start);
    const perProducer = 20_000;
    const control = new SharedArrayBuffer(8); // [started, popped]
    const seen = new SharedArrayBuffer(perProducer * producers);
    const url = new URL("./threads/mpmc.js", import.meta.url);
    const roles = Array.from({ length: producers }).flatMap((_, index) => [
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
    assert.ok((await Promise.all(ends)).every((code) => code === 0));
    assert.ok(new Uint8Array(seen).every((times) => times === 1));
    assert.equal(new Queue(buffer, REGION_JOBS_BULK, 0).pop(), -1);
  });
}

test("what a dead thread held is repaired: its unfilled cell is skipped, the id that it had taken comes back", () => {
  const { buffer, queue } = newQueue();
  const words = new Int32Array(buffer, REGION_JOBS_BULK);
  const cell = (/** @type {number} */ index) => (QUEUE_CELLS_OFFSET + index * QUEUE_CELL_BYTES) / 4;
  for (const id of [1, 2, 3, 4]) queue.push(id);
  // As a producer (thread 5) leaves the cell of id 3, and a consumer (thread 6) that of id 1.
  Atomics.add(words, cell(2), QUEUE_CLAIMED + 5 - QUEUE_FILLED);
  Atomics.add(words, cell(0), QUEUE_TAKEN + 6 - QUEUE_FILLED);
  assert.deepEqual([queue.pop(), queue.pop()], [2, -1]);
  assert.deepEqual([queue.repair(4), queue.pop()], [[], -1]);
  assert.deepEqual([queue.repair(5), queue.repair(6), queue.repair(6)], [[], [1], []]);
  assert.deepEqual([queue.pop(), queue.pop()], [4, -1]);
  for (let id = 0; id < QUEUE_CELLS; id++) assert.equal(queue.push(id), true);
  assert.equal(queue.push(1), false);
  for (let id = 0; id < QUEUE_CELLS; id++) assert.equal(queue.pop(), id);
});

test("a thread number out of range is refused", () => {
  for (const thread of [-1, THREADS_MAX, Number.NaN])
    assert.throws(() => new Queue(new SharedArrayBuffer(BYTES), REGION_JOBS_BULK, thread), RangeError);
});

test("threads that are killed at any moment stall nobody, and take at most one id each with them", async () => {
  const THREADS = 8;
  const COUNT = 60_000;
  const KILLS = 24;
  const { buffer, queue } = newQueue(0xffffffff - 5_000);
  const control = new SharedArrayBuffer(4 * (2 + COUNT));
  const producers = [2, 4, 6, 8].reduce((bits, thread) => bits | (1 << thread), 0);
  const words = new Int32Array(control);
  const url = new URL("./threads/mortal.js", import.meta.url);
  /** @type {Map<number, Worker>} */
  const alive = new Map();
  let finished = 0;
  let kills = 0;
  await new Promise((resolve, reject) => {
    const start = (/** @type {number} */ thread) => {
      const worker = new Worker(url, {
        workerData: { buffer, offset: REGION_JOBS_BULK, control, count: COUNT, thread, producers },
      });
      alive.set(thread, worker);
      worker.on("error", reject);
      // Each thread says so now and then; some of the times it is killed for it.
      worker.on("message", async () => {
        if (kills >= KILLS || alive.get(thread) !== worker) return;
        kills++;
        alive.delete(thread);
        await worker.terminate();
        for (const id of queue.repair(thread)) Atomics.add(words, 2 + id, 1);
        start(thread);
      });
      worker.on("exit", (code) => {
        if (alive.get(thread) !== worker) return;
        if (code !== 0) reject(new Error(`thread ${thread} ended with ${code}`));
        if (++finished === THREADS) resolve(undefined);
      });
    };
    for (let thread = 1; thread <= THREADS; thread++) start(thread);
  });
  assert.equal(kills, KILLS);
  const times = words.subarray(2);
  assert.ok(times.every((count) => count <= 1));
  const lost = times.filter((count) => count === 0).length;
  assert.ok(lost <= KILLS, `${lost} ids lost by ${KILLS} deaths`);
  assert.equal(queue.pop(), -1);
});
