/**
 * What Python gets by `import inos_js`: closures over the shared memory that take and return small ints.
 *
 * Every call from Python costs about a microsecond whatever it does (pyodide-facts A.1.1), so each does one whole thing:
 * queue a job, push a frame, hash a buffer. Bytes travel through the shared memory, not as arguments.
 * Invariants: no closure blocks; a full queue or ring is answered with false or -1, never waited for.
 */

import { Epoch } from "../../shared/epochs.js";
import * as L from "../../shared/layout.gen.js";
import { Meter, metricWords } from "../../shared/metrics.js";
import { Queue } from "../../shared/queue.js";
import { RingReader, RingWriter } from "../../shared/ring.js";

const IO_FRAME_BYTES = 24;
const NET_FRAME_BYTES = 20;
const KIB = 1024;

/** @param {SharedArrayBuffer} buffer @param {import("../../shared/kernel.js").Kernel} kernel @param {number} thread */
export function jobBridge(buffer, kernel, thread) {
  const urgent = new Queue(buffer, L.REGION_JOBS_URGENT, thread);
  const bulk = new Queue(buffer, L.REGION_JOBS_BULK, thread);
  const done = new Queue(buffer, L.REGION_JOBS_DONE, thread);
  const epoch = new Epoch(buffer, L.EPOCH_JOBS);
  return {
    /**
     * Queue a job whose row is written; false when the queue is full.
     * @param {number} id @param {boolean} isUrgent
     */
    push_job(id, isUrgent) {
      if (!(isUrgent ? urgent : bulk).push(id)) return false;
      epoch.publish();
      return true;
    },
    /** The id of a finished job, or -1. */
    take_done: () => done.pop(),
    alloc: kernel.arena_alloc,
    retain: kernel.arena_retain,
    release: kernel.arena_release,
    used: kernel.arena_used,
    blocks: kernel.arena_blocks,
    blake3_hash: kernel.blake3_hash,
    blake3_keyed: kernel.blake3_keyed,
    blake3_derive: kernel.blake3_derive,
    blake3_state_bytes: kernel.blake3_state_bytes,
    blake3_init: kernel.blake3_init,
    blake3_final: kernel.blake3_final,
    keys_derive: kernel.keys_derive,
  };
}

/** What the brain does to compute workers without them. @param {SharedArrayBuffer} buffer */
export function computeBridge(buffer) {
  const words = new Int32Array(buffer);
  /** @param {number} slot @param {number} word */
  const at = (slot, word) => (L.REGION_COMPUTE + slot * L.COMPUTE_BYTES) / 4 + word;
  return {
    /** Python sees it within some fifty of its steps. @param {number} slot */
    interrupt: (slot) => void Atomics.store(words, at(slot, L.COMPUTE_INTERRUPT), L.SIGNAL_INTERRUPT),
    /** False while the worker is in the kernel, which takes less than a microsecond: ask again. @param {number} slot */
    shut: (slot) => Atomics.compareExchange(words, at(slot, L.COMPUTE_GATE), L.GATE_OPEN, L.GATE_SHUT) !== L.GATE_BUSY,
  };
}

/** @param {SharedArrayBuffer} buffer */
export function ioBridge(buffer) {
  const queue = new RingWriter(buffer, L.REGION_IO_QUEUE, L.REGION_IO_QUEUE_BYTES, [
    new Epoch(buffer, L.EPOCH_IO_QUEUE),
  ]);
  const frame = new DataView(new ArrayBuffer(IO_FRAME_BYTES));
  const bytes = new Uint8Array(frame.buffer);
  return {
    /** @param {number} op @param {number} request @param {number} handle @param {number} offset @param {number} at @param {number} length */
    io(op, request, handle, offset, at, length) {
      frame.setUint32(0, request, true);
      frame.setUint32(4, handle, true);
      frame.setFloat64(8, offset, true);
      frame.setUint32(16, at, true);
      frame.setUint32(20, length, true);
      return queue.push(op, bytes);
    },
  };
}

/** @param {SharedArrayBuffer} buffer */
export function netBridge(buffer) {
  const outbox = new RingWriter(buffer, L.REGION_NET_OUTBOX, L.REGION_NET_OUTBOX_BYTES, [
    new Epoch(buffer, L.EPOCH_NET_OUTBOX),
  ]);
  const events = new RingWriter(buffer, L.REGION_EVENTS, L.REGION_EVENTS_BYTES, [new Epoch(buffer, L.EPOCH_EVENTS)]);
  const frame = new DataView(new ArrayBuffer(NET_FRAME_BYTES));
  const bytes = new Uint8Array(frame.buffer);
  const encoder = new TextEncoder();
  const read = new Meter(metricWords(buffer), L.METRIC_PYTHON_BYTES_READ_KIB, KIB);
  const written = new Meter(metricWords(buffer), L.METRIC_PYTHON_BYTES_WRITTEN_KIB, KIB);
  return {
    /** @param {number} type @param {number} channel @param {number} generation @param {number} a @param {number} b @param {number} c */
    net(type, channel, generation, a, b, c) {
      frame.setUint32(0, channel, true);
      frame.setUint32(4, generation, true);
      frame.setUint32(8, a, true);
      frame.setUint32(12, b, true);
      frame.setUint32(16, c, true);
      return outbox.push(type, bytes);
    },
    /** @param {number} channel @param {number} generation @param {any} data a Python buffer */
    net_control(channel, generation, data) {
      frame.setUint32(0, channel, true);
      frame.setUint32(4, generation, true);
      const view = data.getBuffer("u8");
      try {
        return outbox.push(L.NET_SEND_CONTROL, bytes.subarray(0, 8), view.data);
      } finally {
        view.release();
      }
    },
    /** @param {string} json */
    event(json) {
      if (!events.push(1, encoder.encode(json))) events.drop();
    },
    /** What Python itself has read and written since the last call. @param {number} readBytes @param {number} writtenBytes */
    parsed(readBytes, writtenBytes) {
      read.add(readBytes);
      written.add(writtenBytes);
    },
  };
}

/**
 * Drains what others left for the brain, calling Python with ints.
 * @param {SharedArrayBuffer} buffer
 * @param {{on_io: (request: number, status: number, value: number) => void,
 *   on_net: (type: number, channel: number, generation: number, a: number, b: number) => void,
 *   on_control: (channel: number, generation: number, data: Uint8Array) => void}} python
 */
export function drains(buffer, python) {
  const io = new RingReader(buffer, L.REGION_IO_DONE, L.REGION_IO_DONE_BYTES);
  const inbox = new RingReader(buffer, L.REGION_NET_INBOX, L.REGION_NET_INBOX_BYTES);
  const bytes = new Uint8Array(buffer);
  return () => {
    io.drain((_type, view, offset) => {
      python.on_io(view.getUint32(offset, true), view.getInt32(offset + 4, true), view.getFloat64(offset + 8, true));
    });
    inbox.drain((type, view, offset, length) => {
      const channel = view.getUint32(offset, true);
      const generation = view.getUint32(offset + 4, true);
      if (type === L.NET_CONTROL) {
        const start = view.byteOffset + offset + 8;
        python.on_control(channel, generation, bytes.slice(start, start + length - 8));
        return;
      }
      const a = length >= 12 ? view.getUint32(offset + 8, true) : 0;
      const b = length >= 16 ? view.getUint32(offset + 12, true) : 0;
      python.on_net(type, channel, generation, a, b);
    });
  };
}
