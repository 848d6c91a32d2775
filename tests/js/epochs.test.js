import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Worker } from "node:worker_threads";
import { Epoch } from "../../web/shared/epochs.js";
import {
  EPOCH_BRAIN,
  EPOCH_EVENTS,
  EPOCH_JOBS,
  LINE_BYTES,
  REGION_EPOCHS,
  REGION_EPOCHS_BYTES,
} from "../../web/shared/layout.gen.js";

// Node does not count a pending Atomics.waitAsync as work and would leave.
const alive = setInterval(() => {}, 1_000);
after(() => clearInterval(alive));

const memory = () => new SharedArrayBuffer(REGION_EPOCHS + REGION_EPOCHS_BYTES);

test("publishing changes one epoch, on its own line", () => {
  const buffer = memory();
  const epoch = new Epoch(buffer, EPOCH_EVENTS);
  epoch.publish();
  assert.equal(epoch.load(), 1);
  assert.equal(new Epoch(buffer, EPOCH_JOBS).load(), 0);
  assert.equal(new Int32Array(buffer)[(REGION_EPOCHS + EPOCH_EVENTS * LINE_BYTES) / 4], 1);
});

test("waiting for a value that has passed returns at once", async () => {
  const epoch = new Epoch(memory(), EPOCH_BRAIN);
  const seen = epoch.load();
  epoch.publish();
  await epoch.waitAsync(seen);
  assert.equal(epoch.wait(seen), true);
});

test("a publish wakes every waiter, across the wrap of the counter", async () => {
  const buffer = memory();
  const epoch = new Epoch(buffer, EPOCH_BRAIN);
  new Int32Array(buffer)[(REGION_EPOCHS + EPOCH_BRAIN * LINE_BYTES) / 4] = 0x7fffffff;
  const seen = epoch.load();
  const waits = [epoch.waitAsync(seen, 10_000), epoch.waitAsync(seen, 10_000)];
  epoch.publish();
  await Promise.all(waits);
  assert.equal(epoch.load(), -0x80000000);
});

test("a wait ends at its timeout", async () => {
  const epoch = new Epoch(memory(), EPOCH_BRAIN);
  assert.equal(await epoch.waitAsync(epoch.load(), 5), false);
  assert.equal(epoch.wait(epoch.load(), 1), false);
});

test("without Atomics.waitAsync the epoch is polled", async () => {
  const original = Atomics.waitAsync;
  Reflect.set(Atomics, "waitAsync", undefined);
  try {
    const epoch = new Epoch(memory(), EPOCH_BRAIN);
    const waiting = epoch.waitAsync(epoch.load());
    epoch.publish();
    assert.equal(await waiting, true);
    assert.equal(await epoch.waitAsync(epoch.load(), 5), false);
  } finally {
    Reflect.set(Atomics, "waitAsync", original);
  }
});

test("a thread that blocks is woken by another thread's publish, and wakes it back", async () => {
  const buffer = memory();
  const worker = new Worker(new URL("./threads/echo_epoch.js", import.meta.url), { workerData: { buffer } });
  const there = new Epoch(buffer, EPOCH_JOBS);
  const back = new Epoch(buffer, EPOCH_BRAIN);
  const ended = new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", resolve);
  });
  for (let round = 0; round < 200; round++) {
    const seen = back.load();
    there.publish();
    while (back.load() === seen) assert.ok(await back.waitAsync(seen, 10_000), `round ${round}`);
  }
  assert.equal(await ended, 0);
});
