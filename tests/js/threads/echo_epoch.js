// Blocks on JOBS 200 times and answers on BRAIN each time.
import { workerData } from "node:worker_threads";
import { Epoch } from "../../../web/shared/epochs.js";
import { EPOCH_BRAIN, EPOCH_JOBS } from "../../../web/shared/layout.gen.js";

const there = new Epoch(workerData.buffer, EPOCH_JOBS);
const back = new Epoch(workerData.buffer, EPOCH_BRAIN);
for (let round = 0; round < 200; round++) {
  while (there.load() === round) there.wait(round);
  back.publish();
}
