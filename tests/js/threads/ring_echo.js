// Answers each frame of one ring on another: the type one higher, the payload as it was. numbers: [from, to, bytes, frames].
import { workerData } from "node:worker_threads";
import { Epoch } from "../../../web/shared/epochs.js";
import { EPOCH_NET_INBOX, EPOCH_NET_OUTBOX } from "../../../web/shared/layout.gen.js";
import { RingReader, RingWriter } from "../../../web/shared/ring.js";

const { buffer, numbers } = workerData;
const [from, to, bytes, frames] = numbers;
const reader = new RingReader(buffer, from, bytes);
const writer = new RingWriter(buffer, to, bytes, [new Epoch(buffer, EPOCH_NET_INBOX)]);
const outbox = new Epoch(buffer, EPOCH_NET_OUTBOX);
let done = 0;
while (done < frames) {
  const seen = outbox.load();
  const before = done;
  reader.drain((type, view, offset, length) => {
    if (!writer.push(type + 1, new Uint8Array(view.buffer, offset, length))) return false;
    done++;
    return true;
  });
  // Where the answers are full, the other side publishes when it has read some.
  if (done === before) outbox.wait(seen, 10_000);
}
