/** Metrics: amounts below one unit are kept, threads add to one word, the page reads each figure from where it is kept. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics } from "../../web/page/metrics.js";
import * as L from "../../web/shared/layout.gen.js";
import { Meter, metricWords } from "../../web/shared/metrics.js";
import { Queue } from "../../web/shared/queue.js";
import { RingWriter } from "../../web/shared/ring.js";

const memory = () => new SharedArrayBuffer(L.ARENA_OFFSET);

test("what is below one unit is kept and counted later", () => {
  const words = metricWords(memory());
  const meter = new Meter(words, L.METRIC_DISK_BYTES_READ_KIB, 1024);
  const at = () => Atomics.load(words, L.METRIC_DISK_BYTES_READ_KIB);
  for (let n = 0; n < 3; n++) meter.add(341);
  assert.equal(at(), 0);
  meter.add(1);
  assert.equal(at(), 1);
  meter.add(10 * 1024 + 1023);
  assert.equal(at(), 11);
  meter.add(1);
  assert.equal(at(), 12);
});

test("two writers of one word do not lose each other's counts, and parts of a millisecond add up", () => {
  const words = metricWords(memory());
  const [a, b] = [new Meter(words, L.METRIC_JOBS_BUSY_MS), new Meter(words, L.METRIC_JOBS_BUSY_MS)];
  for (let n = 0; n < 8; n++) {
    a.add(0.25);
    b.add(1.5);
  }
  assert.equal(Atomics.load(words, L.METRIC_JOBS_BUSY_MS), 2 + 12);
});

test("every word has a figure of its own, in bytes where it is kept in KiB", () => {
  const buffer = memory();
  const words = metricWords(buffer);
  const names = Object.keys(L.METRICS);
  for (const name of names) Atomics.store(words, L.METRICS[name], L.METRICS[name] + 1);
  const found = new Metrics(buffer).read();
  assert.equal(found.arenaBytesUsed, L.METRIC_ARENA_BYTES_USED + 1);
  assert.equal(found.jobsDone, L.METRIC_JOBS_DONE + 1);
  assert.equal(found.diskBytesWritten, (L.METRIC_DISK_BYTES_WRITTEN_KIB + 1) * 1024);
  const seen = new Set(Object.values(found).map((value) => (value >= 1024 ? value / 1024 : value)));
  for (let index = 1; index <= names.length; index++) assert.ok(seen.has(index), names[index - 1]);
});

test("a counter above 2^31 is not negative", () => {
  const buffer = memory();
  Atomics.store(metricWords(buffer), L.METRIC_COPY_BYTES_IN_KIB, -1);
  assert.equal(new Metrics(buffer).read().copyBytesIn, (2 ** 32 - 1) * 1024);
});

test("queued jobs are those of both queues, also across the wrap", () => {
  const buffer = memory();
  const [urgent, bulk] = [new Queue(buffer, L.REGION_JOBS_URGENT, 0), new Queue(buffer, L.REGION_JOBS_BULK, 0)];
  urgent.init(-2);
  bulk.init();
  const metrics = new Metrics(buffer);
  for (let id = 0; id < 5; id++) urgent.push(id);
  for (let id = 0; id < 3; id++) bulk.push(id);
  assert.equal(metrics.read().jobsQueued, 8);
  urgent.pop();
  bulk.pop();
  assert.equal(metrics.read().jobsQueued, 6);
});

test("a frame that a producer gives up is seen by the page", () => {
  const buffer = memory();
  const events = new RingWriter(buffer, L.REGION_EVENTS, L.REGION_EVENTS_BYTES);
  const frame = new Uint8Array(60_000);
  while (events.push(1, frame));
  events.drop();
  const found = new Metrics(buffer).read();
  assert.deepEqual([found.eventsDropped, found.netInboxDropped, found.ioDoneDropped], [1, 0, 0]);
});
