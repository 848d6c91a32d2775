// Even threads push ids from a shared counter, odd ones count each id they pop, until all even ones have ended and the queue is
// empty. `control` is [next id, a bit for each thread that ended, a count for each id]. Says "alive" every 500 operations, and may be killed for it at any moment.
import { parentPort, workerData } from "node:worker_threads";
import { Queue } from "../../../web/shared/queue.js";

const { buffer, offset, control, count, thread, producers } = workerData;
const queue = new Queue(buffer, offset, thread);
const words = new Int32Array(control);
let operations = 0;
const tell = () => {
  if (++operations % 500 === 0) parentPort?.postMessage("alive");
};

if (thread % 2 === 0) {
  for (let id = Atomics.add(words, 0, 1); id < count; id = Atomics.add(words, 0, 1)) {
    while (!queue.push(id)) Atomics.wait(words, 0, Atomics.load(words, 0), 1);
    tell();
  }
  Atomics.or(words, 1, 1 << thread);
} else {
  for (;;) {
    const last = Atomics.load(words, 1) === producers;
    const id = queue.pop();
    if (id >= 0) {
      Atomics.add(words, 2 + id, 1);
      tell();
    } else if (last) break;
    else Atomics.wait(words, 0, Atomics.load(words, 0), 1);
  }
}
