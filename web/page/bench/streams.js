/**
 * A producer and a consumer, each a worker, and the shared memory between them; what ring.* and sustained.* are made of.
 */
import { REGION_EPOCHS, REGION_EPOCHS_BYTES, RING_DATA_OFFSET } from "../../shared/layout.gen.js";

/** @typedef {import("./lab.js").Bench} Bench */

const AT = REGION_EPOCHS + REGION_EPOCHS_BYTES;
const [READY, STOP, VERIFIED, CORRUPT] = [0, 1, 2, 3]; // words of the flags, as in worker/bench/streamer.js
const FLAGS_BYTES = 64;
const OPEN_BYTES = 4 << 20; // under way at most, by messages
const OPEN_MAX = 256;

export class Stream {
  #flags;

  /** @param {Bench} bench @param {number} ringBytes a power of two */
  constructor(bench, ringBytes) {
    this.ringBytes = ringBytes;
    this.producer = bench.line("streamer.js");
    this.consumer = bench.line("streamer.js");
    this.#flags = new Int32Array(new SharedArrayBuffer(FLAGS_BYTES));
  }

  async start() {
    const { port1, port2 } = new MessageChannel();
    const bytes = RING_DATA_OFFSET + this.ringBytes;
    const buffer = new SharedArrayBuffer(AT + bytes);
    const given = { at: AT, bytes, flags: this.#flags.buffer, channel: `bench ${crypto.randomUUID()}` };
    await Promise.all([
      this.producer.callWith([port1], "start", buffer, { ...given, port: port1 }),
      this.consumer.callWith([port2], "start", buffer, { ...given, port: port2 }),
    ]);
  }

  /** Messages a second, all of them verified. @param {string} way @param {number} length @param {number} count */
  async rate(way, length, count) {
    const [began, ended] = await Promise.all(this.run(way, length, count));
    if (this.verified !== count || this.corrupt !== 0) {
      throw new Error(`${way}: ${this.verified} of ${count} messages verified, ${this.corrupt} corrupt`);
    }
    return (count * 1000) / (ended - began);
  }

  /** Both calls; they end with the last message, or after `stop`. @param {string} way @param {number} length @param {number} count */
  run(way, length, count) {
    this.#flags.fill(0);
    const open = Math.max(2, Math.min(OPEN_MAX, 2 * Math.floor(OPEN_BYTES / length / 2)));
    const given = [way, length, count, open];
    return [this.producer.call("produce", ...given), this.consumer.call("consume", ...given)];
  }

  stop() {
    Atomics.store(this.#flags, STOP, 1);
    Atomics.notify(this.#flags, READY);
  }

  get verified() {
    return Atomics.load(this.#flags, VERIFIED) >>> 0;
  }

  get corrupt() {
    return Atomics.load(this.#flags, CORRUPT) >>> 0;
  }
}
