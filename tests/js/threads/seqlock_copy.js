// Copies the value of one seqlock to another until it says `last`; a value that is not all one byte is copied as 0xff.
// numbers: [from, to, length, last].
import { workerData } from "node:worker_threads";
import { Seqlock } from "../../../web/shared/seqlock.js";

const { buffer, numbers } = workerData;
const [from, to, length, last] = numbers;
const source = new Seqlock(buffer, from, from + 64, length);
const sink = new Seqlock(buffer, to, to + 64, length);
for (;;) {
  const value = source.read();
  if (value === null) continue;
  const first = /** @type {number} */ (value[0]);
  const whole = value.every((byte) => byte === first);
  sink.write(whole ? value : value.fill(0xff));
  if (!whole || first === last) break;
}
