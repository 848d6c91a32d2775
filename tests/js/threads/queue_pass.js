// Passes ids from one queue to another until `count` have been passed by all such threads. numbers: [from, to, counter, count,
// thread].
import { workerData } from "node:worker_threads";
import { Queue } from "../../../web/shared/queue.js";

const { buffer, numbers } = workerData;
const [from, to, counter, count, thread] = numbers;
const source = new Queue(buffer, from, thread);
const sink = new Queue(buffer, to, thread);
const words = new Int32Array(buffer);
for (let passed = 0; passed < count; passed = Atomics.load(words, counter / 4)) {
  const id = source.pop();
  if (id < 0) {
    Atomics.wait(words, counter / 4, passed, 1);
    continue;
  }
  while (!sink.push(id)) Atomics.wait(words, counter / 4, Atomics.load(words, counter / 4), 1);
  Atomics.add(words, counter / 4, 1);
  Atomics.notify(words, counter / 4);
}
