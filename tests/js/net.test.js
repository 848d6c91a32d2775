import assert from "node:assert/strict";
import { test } from "node:test";
import * as L from "../../web/shared/layout.gen.js";
import * as bounds from "../../web/worker/net/bounds.js";
import { connectedPair, FakeChannel, FakeNode, settle } from "./net_fixture.js";

const SPAN = L.ARENA_OFFSET + 4096;

/** @param {FakeNode} node @param {number} channel @param {number} word */
const row = (node, channel, word) =>
  new Uint32Array(node.buffer, L.REGION_PEER_TABLE + channel * L.PEER_ROW_BYTES)[word] ?? Number.NaN;

/** @param {FakeNode} node @param {number} offset @param {number} length @param {number} seed */
function fill(node, offset, length, seed) {
  for (let at = 0; at < length; at++) node.bytes[offset + at] = (at * 31 + seed + (at >> 8)) & 0xff;
}

/** @param {number} request @param {number} offset @param {number} total @param {number} length */
function dataMessage(request, offset, total, length) {
  const message = new Uint8Array(16 + length);
  new Uint32Array(message.buffer, 0, 4).set([L.WIRE_DATA, request, offset, total]);
  return message;
}

/** @param {number} length */
const control = (length) => Uint8Array.from({ length: 1 + length }, (_, at) => (at === 0 ? L.WIRE_CONTROL : at));

test("a channel is reported open once, carries control messages both ways, and closes once", () => {
  const node = new FakeNode();
  const channel = new FakeChannel();
  node.net.adopt(3, 5, /** @type {any} */ (channel), /** @type {any} */ (new FakeChannel()));
  assert.equal(row(node, 3, L.PEER_STATE), 1);
  channel.open();
  assert.equal(channel.binaryType, "arraybuffer");
  node.command(L.NET_SEND_CONTROL, 3, 5, Uint8Array.of(1, 2, 3));
  assert.deepEqual(channel.sent, [Uint8Array.of(L.WIRE_CONTROL, 1, 2, 3)]);
  channel.receive(Uint8Array.of(L.WIRE_CONTROL, 9, 8));
  node.command(L.NET_CLOSE, 3, 5);
  channel.onclose?.();
  assert.deepEqual(node.frames(), [
    [L.NET_OPENED, 3, 5],
    [L.NET_CONTROL, 3, 5, [9, 8]],
    [L.NET_CLOSED, 3, 5],
  ]);
  assert.equal(channel.readyState, "closed");
  assert.equal(row(node, 3, L.PEER_STATE), 3);
});

test("blocks arrive whole, interleaved, and control overtakes them", () => {
  const { a, b, here, there } = connectedPair();
  const lengths = [1, 70_000, 1_000_000, L.BLOCK_BYTES_MAX];
  let at = SPAN;
  lengths.forEach((length, request) => {
    fill(a, at, length, request);
    b.command(L.NET_EXPECT, 2, 9, request, at, length);
    at += Math.ceil(length / 4096) * 4096;
  });
  at = SPAN;
  lengths.forEach((length, request) => {
    a.command(L.NET_SEND_BLOCK, 1, 7, request, at, length);
    at += Math.ceil(length / 4096) * 4096;
  });
  assert.ok(here.bufferedAmount < bounds.BUFFERED_HIGH_BYTES + bounds.MESSAGE_BYTES_MAX);
  assert.ok(here.sent.every((message) => message.length <= 65_536));
  a.command(L.NET_SEND_CONTROL, 1, 7, Uint8Array.of(42));
  assert.equal(here.sent.at(-1)?.[0], L.WIRE_CONTROL);
  settle(here, there);
  const reports = b.frames();
  assert.deepEqual(
    reports.filter(([type]) => type === L.NET_BLOCK_DONE).map((words) => words.slice(3)),
    lengths.map((length, request) => [request, length]),
  );
  assert.ok(reports.findIndex(([type]) => type === L.NET_CONTROL) < 3);
  assert.deepEqual(
    a.frames(),
    lengths.map((_, request) => [L.NET_BLOCK_SENT, 1, 7, request, 1]),
  );
  assert.ok(Buffer.from(a.buffer, SPAN, at - SPAN).equals(Buffer.from(b.buffer, SPAN, at - SPAN)));
  assert.equal(b.held, 0);
  const blockBytes = lengths.reduce((sum, length) => sum + length, 0);
  assert.equal(row(b, 2, L.PEER_BLOCK_BYTES_IN), blockBytes);
  const metrics = new Int32Array(b.buffer, L.REGION_METRICS);
  assert.equal(metrics[L.METRIC_COPY_BYTES_IN_KIB], Math.floor(blockBytes / 1024));
});

test("a block is reported sent while others are still on their way", () => {
  const { a, here } = connectedPair();
  a.command(L.NET_SEND_BLOCK, 1, 7, 1, SPAN, 1000);
  a.command(L.NET_SEND_BLOCK, 1, 7, 2, SPAN, L.BLOCK_BYTES_MAX);
  here.deliver();
  assert.deepEqual(a.frames(), [[L.NET_BLOCK_SENT, 1, 7, 1, 1]]);
});

test("larger messages go where both ends take them", () => {
  const { a, b, here, there } = connectedPair();
  a.net.limit(1, 7, 1 << 30);
  b.command(L.NET_EXPECT, 2, 9, 0, SPAN, 400_000);
  a.command(L.NET_SEND_BLOCK, 1, 7, 0, SPAN, 400_000);
  assert.equal(here.sent[0]?.length, bounds.MESSAGE_SENT_BYTES_MAX);
  settle(here, there);
  assert.deepEqual(b.frames(), [[L.NET_BLOCK_DONE, 2, 9, 0, 400_000]]);
});

test("a block that does not fit what is wanted fails, and what follows of it is ignored", () => {
  for (const [message, reason] of /** @type {[Uint8Array, number][]} */ ([
    [dataMessage(4, 0, 1001, 10), bounds.FAILED_CAPACITY],
    [dataMessage(4, 1, 1000, 10), bounds.FAILED_ORDER],
    [dataMessage(4, 0, 9, 10), bounds.FAILED_ORDER],
    [dataMessage(4, 0, 0xffffffff, 10), bounds.FAILED_CAPACITY],
    [dataMessage(4, 0xfffffff8, 1000, 10), bounds.FAILED_ORDER],
  ])) {
    const { b, there } = connectedPair();
    b.bytes.fill(7, SPAN - 100, SPAN + 2000);
    b.command(L.NET_EXPECT, 2, 9, 4, SPAN, 1000);
    there.receive(message);
    there.receive(dataMessage(4, 10, 1000, 10));
    assert.deepEqual(b.frames(), [[L.NET_BLOCK_FAILED, 2, 9, 4, reason]]);
    assert.ok(b.bytes.subarray(SPAN - 100, SPAN + 2000).every((byte) => byte === 7));
    assert.equal(b.held, 0);
  }
});

test("a total that changes, a repeated fragment and a gap fail", () => {
  for (const second of [dataMessage(4, 10, 900, 10), dataMessage(4, 0, 1000, 10), dataMessage(4, 30, 1000, 10)]) {
    const { b, there } = connectedPair();
    b.command(L.NET_EXPECT, 2, 9, 4, SPAN, 1000);
    there.receive(dataMessage(4, 0, 1000, 10));
    there.receive(second);
    assert.deepEqual(b.frames(), [[L.NET_BLOCK_FAILED, 2, 9, 4, bounds.FAILED_ORDER]]);
  }
});

test("bytes nobody wants any more are ignored; more than an honest peer sends close the channel", () => {
  const { b, there } = connectedPair();
  b.command(L.NET_EXPECT, 2, 9, 4, SPAN, 1_000_000);
  there.receive(dataMessage(4, 0, 1_000_000, 10_000));
  b.command(L.NET_UNEXPECT, 2, 9, 4);
  assert.equal(b.held, 0);
  let stray = 0;
  while (there.readyState === "open") {
    there.receive(dataMessage(4, 0, 100_000, 100_000));
    stray += 100_000;
  }
  assert.ok(stray > bounds.STRAY_BYTES_MAX + 990_000 && stray <= bounds.STRAY_BYTES_MAX + 1_190_000, String(stray));
  assert.deepEqual(b.reasons, [bounds.CLOSED_FLOOD]);
  assert.deepEqual(b.frames(), [
    [L.NET_BLOCK_FAILED, 2, 9, 4, bounds.FAILED_TAKEN_BACK],
    [L.NET_CLOSED, 2, 9],
  ]);
});

test("what the protocol does not allow closes the channel", () => {
  const early = new FakeNode();
  const channel = new FakeChannel();
  early.net.adopt(0, 1, /** @type {any} */ (channel), /** @type {any} */ (new FakeChannel()));
  channel.open();
  early.command(L.NET_EXPECT, 0, 1, 4, SPAN, 1000);
  channel.receive(dataMessage(4, 0, 1000, 10)); // before ACCEPT
  assert.deepEqual(early.reasons, [bounds.CLOSED_VIOLATION]);
  assert.equal(early.held, 0);
  for (const message of [
    "text",
    new Uint8Array(0),
    Uint8Array.of(0),
    Uint8Array.of(99, 1),
    control(L.MESSAGE_CONTROL_BYTES_MAX + 1),
    new Uint8Array(bounds.MESSAGE_BYTES_MAX + 1).fill(L.WIRE_DATA),
    dataMessage(4, 0, 1000, 0),
    Uint8Array.of(L.WIRE_DATA, 1),
    new Uint8Array(bounds.PING_BYTES).fill(L.WIRE_PING), // these have a channel of their own
    new Uint8Array(bounds.PONG_BYTES).fill(L.WIRE_PONG),
  ]) {
    const { b, there } = connectedPair();
    there.receive(message);
    assert.deepEqual(b.reasons, [bounds.CLOSED_VIOLATION], `${message.length} bytes of ${message[0]}`);
  }
});

test("the longest control message passes", () => {
  const { b, there } = connectedPair();
  there.receive(control(L.MESSAGE_CONTROL_BYTES_MAX));
  assert.equal(b.frames()[0]?.[3].length, L.MESSAGE_CONTROL_BYTES_MAX);
  assert.deepEqual(b.reasons, []);
});

test("a dead channel answers every block it was given, then closes", () => {
  const { a, here } = connectedPair();
  a.command(L.NET_EXPECT, 1, 7, 1, SPAN, 1000);
  a.command(L.NET_SEND_BLOCK, 1, 7, 2, SPAN, 100);
  a.command(L.NET_SEND_BLOCK, 1, 7, 3, SPAN, 4_000_000);
  here.onclose?.();
  const frames = a.frames();
  assert.deepEqual(
    frames.filter(([type]) => type === L.NET_BLOCK_SENT).map((words) => words[3]),
    [2, 3],
  );
  assert.deepEqual(frames.at(-1), [L.NET_CLOSED, 1, 7]);
  assert.equal(a.held, 0);
  a.command(L.NET_SEND_BLOCK, 1, 7, 5, SPAN, 100);
  a.command(L.NET_EXPECT, 1, 7, 6, SPAN, 100);
  assert.deepEqual(a.frames(), [
    [L.NET_BLOCK_SENT, 1, 7, 5, 0],
    [L.NET_BLOCK_FAILED, 1, 7, 6, bounds.FAILED_CHANNEL],
  ]);
});

test("ranges outside the arena are refused", () => {
  const { a, here } = connectedPair();
  const end = a.buffer.byteLength;
  for (const [offset, length] of /** @type {[number, number][]} */ ([
    [0, 100],
    [L.ARENA_OFFSET - 64, 100],
    [end - 64, 65],
    [end, 1],
    [SPAN, 0],
    [SPAN, 0xffffffff],
  ])) {
    a.command(L.NET_SEND_BLOCK, 1, 7, 1, offset, length);
    a.command(L.NET_EXPECT, 1, 7, 2, offset, length);
    assert.deepEqual(a.frames(), [
      [L.NET_BLOCK_SENT, 1, 7, 1, 0],
      [L.NET_BLOCK_FAILED, 1, 7, 2, bounds.FAILED_ARGUMENT],
    ]);
  }
  assert.equal(here.sent.length, 0);
  a.command(L.NET_EXPECT, 1, 7, 2, SPAN + 1, 10); // not the start of a block
  assert.deepEqual(a.frames(), [[L.NET_BLOCK_FAILED, 1, 7, 2, bounds.FAILED_ARGUMENT]]);
});

test("frames of another generation touch nothing; a slot's next channel replaces the one before", () => {
  const { a, here } = connectedPair();
  a.command(L.NET_SEND_CONTROL, 1, 6, Uint8Array.of(1));
  a.command(L.NET_CLOSE, 1, 8);
  assert.equal(here.sent.length, 0);
  assert.equal(here.readyState, "open");
  a.net.adopt(1, 8, /** @type {any} */ (new FakeChannel()), /** @type {any} */ (new FakeChannel()));
  assert.deepEqual(a.frames(), [[L.NET_CLOSED, 1, 7]]);
  assert.equal(row(a, 1, L.PEER_GENERATION), 8);
  assert.equal(row(a, 1, L.PEER_STATE), 1);
});

test("pings are answered, round trips measured, silence ends a channel within ten seconds", () => {
  const { a, b, beatHere, beatThere, here, there } = connectedPair();
  a.tick(50);
  beatHere.deliver();
  a.nowMs += 25;
  beatThere.deliver();
  assert.equal(row(a, 1, L.PEER_RTT_US), 25_000);
  assert.equal(row(a, 1, L.PEER_LAST_HEARD_MS), a.nowMs % 2 ** 32);
  assert.equal(row(b, 2, L.PEER_FRAMES_IN), 1);
  assert.deepEqual([row(a, 1, L.PEER_PINGS_OUT), row(a, 1, L.PEER_PONGS_IN)], [1, 1]);
  for (let second = 0; second < 9; second++) a.tick();
  assert.deepEqual(a.frames(), []);
  a.tick();
  assert.deepEqual(a.frames(), [[L.NET_CLOSED, 1, 7]]);
  assert.deepEqual(a.reasons, [bounds.CLOSED_SILENT]);
  assert.deepEqual([here.sent.length, there.sent.length], [0, 0], "nothing of it goes over the ordered channel");
});

test("pings keep the pace that the brain asks for, within what is allowed", () => {
  const count = (/** @type {number} */ pace) => {
    const { a, beatHere } = connectedPair();
    a.command(L.NET_PACE, 1, 7, pace);
    const sent = [];
    for (let ms = 0; ms < 4_000; ms += bounds.TICK_MS) {
      a.tick(bounds.TICK_MS);
      beatHere.bufferedAmount = 0; // the network takes them, the peer keeps silent
      sent.push(beatHere.sent.splice(0).length);
    }
    return sent.slice(20).reduce((sum, pings) => sum + pings, 0);
  };
  assert.deepEqual([count(1_000), count(250), count(0), count(1_500)], [3, 12, 30, 2]);
});

test("a heartbeat does not wait behind bulk, and none is added to those that cannot leave", () => {
  const { a, b, here, beatHere, beatThere } = connectedPair();
  a.command(L.NET_SEND_BLOCK, 1, 7, 1, SPAN, L.BLOCK_BYTES_MAX);
  assert.ok(here.bufferedAmount >= bounds.BUFFERED_HIGH_BYTES);
  a.tick(50);
  assert.equal(beatHere.sent.length, 1);
  beatHere.deliver();
  assert.equal(beatThere.sent[0]?.[0], L.WIRE_PONG);
  assert.equal(row(b, 2, L.PEER_LAST_HEARD_MS), b.nowMs % 2 ** 32);
  for (let second = 0; second < 60; second++) a.tick(200);
  assert.ok(beatHere.bufferedAmount <= bounds.BUFFERED_REALTIME_BYTES + bounds.PING_BYTES);
});

test("Python that stalls costs no heartbeat, and the answers say for how long it has", () => {
  const { a, b, beatHere, beatThere } = connectedPair();
  const turns = new Int32Array(b.buffer, L.REGION_METRICS);
  a.command(L.NET_PACE, 1, 7, 250);
  const ages = [];
  for (let ms = 0; ms < 1_500; ms += 50) {
    a.tick(50);
    b.tick(50);
    if (ms < 500 || ms >= 1_000) Atomics.add(turns, L.METRIC_BRAIN_TURNS, 1);
    if (beatHere.deliver() > 0) ages.push(Math.round(row(a, 1, L.PEER_BRAIN_AGE_MS)));
    beatThere.deliver();
    assert.ok(ms < 250 || a.nowMs - row(a, 1, L.PEER_LAST_HEARD_MS) - 2 ** 32 * Math.floor(a.nowMs / 2 ** 32) <= 250);
  }
  assert.ok(row(a, 1, L.PEER_PONGS_IN) >= 6);
  assert.ok(Math.max(...ages) >= 250 && Math.max(...ages) <= 550, String(ages));
  assert.ok(row(a, 1, L.PEER_BRAIN_AGE_MS) <= 50);
});

test("what waits for a channel is counted where the brain can read it", () => {
  const { a, here } = connectedPair();
  here.bufferedAmount = bounds.BUFFERED_CONTROL_BYTES;
  a.command(L.NET_SEND_CONTROL, 1, 7, new Uint8Array(99));
  a.command(L.NET_SEND_BLOCK, 1, 7, 1, SPAN, 1000);
  assert.deepEqual([row(a, 1, L.PEER_CONTROL_QUEUED), row(a, 1, L.PEER_BLOCKS_QUEUED)], [100, 1]);
  here.deliver();
  assert.deepEqual([row(a, 1, L.PEER_CONTROL_QUEUED), row(a, 1, L.PEER_BLOCKS_QUEUED)], [0, 0]);
});

test("the tick runs only while there is a link", () => {
  const { a } = connectedPair();
  assert.deepEqual(a.beats, [true]);
  a.command(L.NET_CLOSE, 1, 7);
  assert.deepEqual(a.beats, [true, false]);
});

test("the end of either channel is the end of both", () => {
  const { a, here, beatHere } = connectedPair();
  beatHere.onclose();
  assert.deepEqual(a.frames(), [[L.NET_CLOSED, 1, 7]]);
  assert.deepEqual([here.readyState, beatHere.readyState], ["closed", "closed"]);
});

test("the real-time channel takes pings and pongs, and nothing else", () => {
  for (const message of [
    "text",
    new Uint8Array(0),
    control(3),
    Uint8Array.of(L.WIRE_PING, 1, 2),
    new Uint8Array(bounds.PING_BYTES).fill(L.WIRE_PONG),
    new Uint8Array(bounds.PONG_BYTES + 1).fill(L.WIRE_PONG),
  ]) {
    const { b, beatThere } = connectedPair();
    beatThere.receive(message);
    assert.deepEqual(b.reasons, [bounds.CLOSED_VIOLATION], `${message.length} bytes of ${message[0]}`);
  }
});

test("who slept himself accuses nobody", () => {
  const { a } = connectedPair();
  a.tick(60_000);
  assert.deepEqual(a.reasons, []);
  for (let second = 0; second < 10; second++) a.tick();
  assert.deepEqual(a.reasons, [bounds.CLOSED_SILENT]);
});

test("a flood of pings closes the channel", () => {
  const { b, beatThere } = connectedPair();
  for (let count = 0; count <= bounds.PINGS_PER_WINDOW_MAX; count++) {
    beatThere.receive(new Uint8Array(9).fill(L.WIRE_PING, 0, 1));
    b.nowMs += 10;
  }
  assert.deepEqual(b.reasons, [bounds.CLOSED_FLOOD]);
});

test("a full inbox keeps order and loses nothing; who floods it is closed", () => {
  const { b, there } = connectedPair();
  const message = control(16_000);
  let taken = 0;
  for (; there.readyState === "open"; taken++) {
    message[1] = taken;
    there.receive(message);
  }
  assert.deepEqual(b.reasons, [bounds.CLOSED_FLOOD]);
  /** @type {any[][]} */
  const frames = [];
  for (let round = 0; round < 4; round++) {
    frames.push(...b.frames());
    for (const timer of b.timers.splice(0)) timer();
  }
  const controls = frames.filter(([type]) => type === L.NET_CONTROL).map((words) => words[3][0]);
  assert.deepEqual(
    controls,
    Array.from({ length: taken - 1 }, (_, index) => index & 0xff),
  );
  assert.deepEqual(frames.at(-1), [L.NET_CLOSED, 2, 9]);
  assert.equal(b.timers.length, 0);
});

test("a peer that takes nothing is closed when too much waits for it", () => {
  const { a, here } = connectedPair();
  here.bufferedAmount = bounds.BUFFERED_CONTROL_BYTES;
  const message = new Uint8Array(16_384);
  for (let count = 0; count < 100 && here.readyState === "open"; count++) {
    a.command(L.NET_SEND_CONTROL, 1, 7, message);
  }
  assert.deepEqual(a.reasons, [bounds.CLOSED_SLOW]);
});
