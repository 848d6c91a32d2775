import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { crc32Header } from "../../web/shared/crc32.js";
import { Epoch } from "../../web/shared/epochs.js";
import { Busy, Fenced } from "../../web/shared/fence.js";
import {
  EPOCH_BRAIN,
  EPOCH_NET_INBOX,
  FRAME_HEADER_BYTES,
  REGION_EPOCHS,
  REGION_EPOCHS_BYTES,
  RING_CONSUMER_OFFSET,
  RING_DATA_OFFSET,
  RING_HEAD_OFFSET,
  RING_PRODUCER_OFFSET,
  RING_TAIL_OFFSET,
} from "../../web/shared/layout.gen.js";
import { RingDamaged, RingReader, RingWriter } from "../../web/shared/ring.js";

const CAPACITY = 1024;
const BYTES = RING_DATA_OFFSET + CAPACITY;

/** @param {number} [start] value of both counters */
function newRing(start = 0) {
  const buffer = new SharedArrayBuffer(BYTES);
  const words = new Int32Array(buffer);
  words[RING_HEAD_OFFSET / 4] = start | 0;
  words[RING_TAIL_OFFSET / 4] = start | 0;
  return { buffer, words, writer: new RingWriter(buffer, 0, BYTES), reader: new RingReader(buffer, 0, BYTES) };
}

/** @param {RingReader} reader */
function drainAll(reader) {
  /** @type {{type: number, bytes: number[]}[]} */
  const frames = [];
  reader.drain((type, view, offset, length) => {
    frames.push({ type, bytes: [...new Uint8Array(view.buffer, offset, length)] });
  });
  return frames;
}

test("the header checksum is zlib's CRC-32", () => {
  // zlib.crc32 of b"\0" * 12, and of the little-endian words 1, 2, 0xfffffffe
  assert.equal(crc32Header(0, 0, 0) >>> 0, 0x7bd5c66f);
  assert.equal(crc32Header(1, 2, 0xfffffffe) >>> 0, 0xc452cafb);
});

test("frames come out as they went in; numbers are little-endian u32", () => {
  const { writer, reader } = newRing();
  assert.equal(writer.push(3, 0x01020304, Uint8Array.of(9, 8, 7)), true);
  assert.equal(writer.push(4), true);
  assert.deepEqual(drainAll(reader), [
    { type: 3, bytes: [4, 3, 2, 1, 9, 8, 7] },
    { type: 4, bytes: [] },
  ]);
  assert.deepEqual(drainAll(reader), []);
});

for (const start of [0, 2 ** 31 - 512, 2 ** 32 - 512]) {
  test(`all lengths go around the ring and the counters wrap, from ${start.toString(16)}`, () => {
    const { writer, reader } = newRing(start);
    for (let round = 0; round < 600; round++) {
      const payload = Uint8Array.from({ length: (round * 37) % (writer.payloadBytesMax + 1) }, (_, at) => at + round);
      assert.equal(writer.push(round & 0x7fff, payload), true, `round ${round}`);
      assert.deepEqual(drainAll(reader), [{ type: round & 0x7fff, bytes: [...payload] }]);
    }
  });
}

test("a full ring refuses and loses nothing; a drop is counted", () => {
  const { writer, reader } = newRing();
  let pushed = 0;
  while (writer.push(1, pushed)) pushed++;
  assert.equal(pushed, CAPACITY / 24 - ((CAPACITY / 24) % 1));
  writer.drop();
  assert.equal(reader.dropped, 1);
  assert.equal(drainAll(reader).length, pushed);
  assert.equal(writer.push(1, 1), true);
});

test("a frame beyond half the ring is the caller's mistake", () => {
  const { writer } = newRing();
  assert.throws(() => writer.push(1, new Uint8Array(writer.payloadBytesMax + 1)), RangeError);
});

test("a handler that answers false keeps its frame; one that throws does not; framesMax bounds a drain", () => {
  const { writer, reader } = newRing();
  for (let type = 1; type <= 4; type++) writer.push(type);
  assert.equal(
    reader.drain((type) => type < 2),
    1,
  );
  assert.throws(() =>
    reader.drain(() => {
      throw new Error("handler");
    }),
  );
  assert.equal(
    reader.drain(() => {}, 1),
    1,
  );
  assert.deepEqual(drainAll(reader), [{ type: 4, bytes: [] }]);
});

test("each push publishes the epochs it was given", () => {
  const buffer = new SharedArrayBuffer(REGION_EPOCHS + REGION_EPOCHS_BYTES + BYTES);
  const epochs = [new Epoch(buffer, EPOCH_NET_INBOX), new Epoch(buffer, EPOCH_BRAIN)];
  const writer = new RingWriter(buffer, REGION_EPOCHS + REGION_EPOCHS_BYTES, BYTES, epochs);
  writer.push(1);
  assert.deepEqual(
    epochs.map((epoch) => epoch.load()),
    [1, 1],
  );
});

test("every flipped bit of a header is RingDamaged", () => {
  for (let bit = 0; bit < FRAME_HEADER_BYTES * 8; bit++) {
    const { buffer, writer, reader } = newRing();
    writer.push(5, Uint8Array.of(1, 2, 3));
    const bytes = new Uint8Array(buffer);
    const at = RING_DATA_OFFSET + (bit >> 3);
    bytes[at] = /** @type {number} */ (bytes[at]) ^ (1 << (bit & 7));
    assert.throws(() => drainAll(reader), RingDamaged, `bit ${bit}`);
  }
});

test("a head that no producer stores is RingDamaged", () => {
  for (const head of [CAPACITY + 8, 4, -8]) {
    const { words, reader } = newRing();
    words[RING_HEAD_OFFSET / 4] = head;
    assert.throws(() => drainAll(reader), RingDamaged, `head ${head}`);
  }
});

test("a length beyond what was written, and a repeated frame, are RingDamaged", () => {
  const long = newRing();
  long.writer.push(1, 1);
  const at = RING_DATA_OFFSET / 4;
  long.words[at] = 500;
  long.words[at + 3] = crc32Header(500, 1, 0);
  assert.throws(() => drainAll(long.reader), RingDamaged);

  const again = newRing();
  again.writer.push(1, 1);
  drainAll(again.reader);
  again.words[RING_TAIL_OFFSET / 4] = 0;
  assert.throws(() => drainAll(again.reader), { code: "RingDamaged" });
});

test("one thread writes while another reads: 200,000 frames, in order and whole", async () => {
  const buffer = new SharedArrayBuffer(REGION_EPOCHS + REGION_EPOCHS_BYTES + RING_DATA_OFFSET + 4096);
  const offset = REGION_EPOCHS + REGION_EPOCHS_BYTES;
  const bytes = RING_DATA_OFFSET + 4096;
  // Counters that wrap on the way.
  const words = new Int32Array(buffer, offset);
  words[RING_HEAD_OFFSET / 4] = -65_536;
  words[RING_TAIL_OFFSET / 4] = -65_536;
  const frames = 200_000;
  const worker = new Worker(new URL("./threads/ring_writer.js", import.meta.url), {
    workerData: { buffer, offset, bytes, frames },
  });
  const failed = new Promise((_, reject) => worker.once("error", reject));
  const epoch = new Epoch(buffer, EPOCH_NET_INBOX);
  const reader = new RingReader(buffer, offset, bytes);
  let due = 0;
  while (due < frames) {
    const seen = epoch.load();
    reader.drain((type, view, at, length) => {
      if (type !== (due & 0x7fff) || length !== (due * 7) % 97) throw new Error(`frame ${due}: ${type}, ${length}`);
      for (let index = 0; index < length; index++) {
        if (view.getUint8(at + index) !== (due & 0xff)) throw new Error(`frame ${due}: byte ${index}`);
      }
      due++;
    });
    if (due < frames) await Promise.race([epoch.waitAsync(seen, 10_000), failed]);
  }
  assert.equal(due, frames);
});

test("a new owner goes on where the old one stopped, which finds itself fenced and touches nothing", () => {
  const { buffer, writer, reader } = newRing(2 ** 32 - 40);
  writer.push(1, 11);
  const newWriter = new RingWriter(buffer, 0, BYTES);
  const newReader = new RingReader(buffer, 0, BYTES);
  const before = new Uint8Array(buffer).slice();
  assert.throws(() => writer.push(2, 22), Fenced);
  assert.throws(() => writer.drop(), { code: "Fenced" });
  assert.throws(() => drainAll(reader), Fenced);
  assert.deepEqual(new Uint8Array(buffer), before);
  assert.equal(newWriter.push(3, 33), true);
  assert.deepEqual(
    drainAll(newReader).map(({ type }) => type),
    [1, 3],
  );
});

test("an owner that died at work is superseded only by who knows that it is dead", () => {
  const { buffer, words, writer, reader } = newRing();
  writer.push(1);
  Atomics.add(words, RING_PRODUCER_OFFSET / 4, 1); // as a thread leaves it that ends inside an operation
  Atomics.add(words, RING_CONSUMER_OFFSET / 4, 1);
  assert.throws(() => new RingWriter(buffer, 0, BYTES), Busy);
  assert.throws(() => new RingReader(buffer, 0, BYTES), { code: "Busy" });
  const heir = new RingWriter(buffer, 0, BYTES, [], { dead: true });
  const next = new RingReader(buffer, 0, BYTES, { dead: true });
  assert.throws(() => writer.push(2), Fenced);
  assert.throws(() => drainAll(reader), Fenced);
  heir.push(3);
  assert.deepEqual(
    drainAll(next).map(({ type }) => type),
    [1, 3],
  );
});

test("a handler that throws, and one that drains its own ring, leave the ring to its owner", () => {
  const { writer, reader } = newRing();
  for (let type = 1; type <= 3; type++) writer.push(type);
  assert.throws(() => reader.drain(() => drainAll(reader)), Fenced);
  assert.equal(
    reader.drain(() => {}),
    2,
  );
});

test("who supersedes a dead producer publishes what it may not have", () => {
  const buffer = new SharedArrayBuffer(REGION_EPOCHS + REGION_EPOCHS_BYTES + BYTES);
  const epoch = new Epoch(buffer, EPOCH_NET_INBOX);
  new RingWriter(buffer, REGION_EPOCHS + REGION_EPOCHS_BYTES, BYTES, [epoch]);
  assert.equal(epoch.load(), 0);
  new RingWriter(buffer, REGION_EPOCHS + REGION_EPOCHS_BYTES, BYTES, [epoch], { dead: true });
  assert.equal(epoch.load(), 1);
});
