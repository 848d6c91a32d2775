// A producer pushes its own range of ids; a consumer counts each id it pops, until all have been popped by somebody.
import { workerData } from "node:worker_threads";
import { Queue } from "../../../web/shared/queue.js";

const { role, index, buffer, control, seen, perProducer, producers, offset } = workerData;
const queue = new Queue(buffer, offset, role === "produce" ? index : producers + index);
const words = new Int32Array(control);
const times = new Uint8Array(seen);

Atomics.add(words, 0, 1);
Atomics.notify(words, 0);
for (let started = Atomics.load(words, 0); started < producers * 2; started = Atomics.load(words, 0)) {
  Atomics.wait(words, 0, started);
}

if (role === "produce") {
  for (let step = 0; step < perProducer; step++) {
    while (!queue.push(index * perProducer + step)) Atomics.wait(words, 1, Atomics.load(words, 1), 1);
  }
} else {
  while (Atomics.load(words, 1) < perProducer * producers) {
    const id = queue.pop();
    if (id < 0) continue;
    Atomics.add(times, id, 1);
    Atomics.add(words, 1, 1);
    Atomics.notify(words, 1);
  }
}
