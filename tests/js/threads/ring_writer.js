// Pushes frames as fast as the ring takes them; frame n has type n, (n * 7) % 97 bytes, each of value n.
import { workerData } from "node:worker_threads";
import { Epoch } from "../../../web/shared/epochs.js";
import { EPOCH_NET_INBOX } from "../../../web/shared/layout.gen.js";
import { RingWriter } from "../../../web/shared/ring.js";

const { buffer, offset, bytes, frames } = workerData;
const writer = new RingWriter(buffer, offset, bytes, [new Epoch(buffer, EPOCH_NET_INBOX)]);
const payload = new Uint8Array(96);
for (let frame = 0; frame < frames; frame++) {
  const part = payload.fill(frame).subarray(0, (frame * 7) % 97);
  while (!writer.push(frame & 0x7fff, part)); // full: the reader is at work, look again
}
