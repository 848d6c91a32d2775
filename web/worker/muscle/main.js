/**
 * A muscle: one kernel instance that sleeps until there is a job, runs it in place and says so.
 *
 * Nouns: a job id names a row of JOB_TABLE; two queues hold ids to run (urgent first), one holds ids that are done.
 * Invariants: blocks only in `Atomics.wait`; a job id taken is always given back through JOBS_DONE, whatever happened.
 * Must not know what a job is for.
 */

import { sharedBuffer } from "../../shared/buffer.js";
import { Epoch, LOOK_AGAIN_MS } from "../../shared/epochs.js";
import { startKernel } from "../../shared/kernel.js";
import * as L from "../../shared/layout.gen.js";
import { Meter, metricWords } from "../../shared/metrics.js";
import { Queue } from "../../shared/queue.js";
import { failure } from "../../shared/require_api.js";

/** @typedef {{memory: WebAssembly.Memory, kernel: WebAssembly.Module, thread: number}} MuscleStart */

/** @param {MuscleStart} start */
async function run({ memory, kernel, thread }) {
  const exports = await startKernel(kernel, memory, thread);
  const buffer = sharedBuffer(memory);
  const words = new Int32Array(buffer);
  const metrics = metricWords(buffer);
  const busy = new Meter(metrics, L.METRIC_JOBS_BUSY_MS);
  const slept = new Meter(metrics, L.METRIC_MUSCLE_SLEPT_MS);
  const urgent = new Queue(buffer, L.REGION_JOBS_URGENT, thread);
  const bulk = new Queue(buffer, L.REGION_JOBS_BULK, thread);
  const done = new Queue(buffer, L.REGION_JOBS_DONE, thread);
  const jobs = new Epoch(buffer, L.EPOCH_JOBS);
  const finished = new Epoch(buffer, L.EPOCH_JOBS_DONE);
  const brain = new Epoch(buffer, L.EPOCH_BRAIN);
  const shutdown = new Epoch(buffer, L.EPOCH_SHUTDOWN);
  for (;;) {
    const seen = jobs.load();
    let id = urgent.pop();
    if (id < 0) id = bulk.pop();
    if (id < 0) {
      if (shutdown.load() !== 0) return;
      if (jobs.load() !== seen) continue;
      const lay = performance.now();
      jobs.wait(seen, LOOK_AGAIN_MS);
      Atomics.add(metrics, L.METRIC_MUSCLE_SLEEPS, 1);
      slept.add(performance.now() - lay);
      continue;
    }
    const row = L.REGION_JOB_TABLE + id * L.JOB_BYTES;
    Atomics.add(metrics, L.METRIC_JOBS_RUNNING, 1);
    const started = performance.now();
    try {
      exports.job_run(row);
    } catch {
      // A trap is a kernel bug; the job must still come back, or somebody waits for ever.
      words[row / 4 + L.JOB_STATUS] = L.STATUS.BadArgument;
    }
    const tookMs = performance.now() - started;
    words[row / 4 + L.JOB_DURATION_US] = Math.round(tookMs * 1000);
    Atomics.sub(metrics, L.METRIC_JOBS_RUNNING, 1);
    Atomics.add(metrics, words[row / 4 + L.JOB_STATUS] === 0 ? L.METRIC_JOBS_DONE : L.METRIC_JOBS_FAILED, 1);
    busy.add(tookMs);
    // Full only while the brain is interrupted in the middle of a pop, a lap ago.
    while (!done.push(id)) finished.wait(finished.load(), 1);
    finished.publish();
    brain.publish();
  }
}

self.onmessage = (/** @type {MessageEvent<MuscleStart>} */ event) => {
  run(event.data).catch((error) => self.postMessage(failure(error)));
};
