import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { PAYLOAD_BYTES_MAX, Rendezvous } from "../../web/page/bootstrap/rendezvous.js";

const [ROOM, OTHER] = ["ab".repeat(32), "0c".repeat(32)];

/** What the client uses of a WebSocket. */
class FakeSocket {
  readyState = 0;
  binaryType = "";
  /** @type {(string | Uint8Array)[]} */ sent = [];
  /** @type {any} */ onopen = null;
  /** @type {any} */ onmessage = null;
  /** @type {any} */ onclose = null;

  open() {
    this.readyState = 1;
    this.onopen?.();
  }

  /** @param {string | Uint8Array} frame */
  send(frame) {
    assert.equal(this.readyState, 1);
    this.sent.push(frame);
  }

  /** @param {object | Uint8Array | string} data */
  receive(data) {
    const isText = typeof data === "string" || data instanceof Uint8Array;
    this.onmessage?.({ data: data instanceof Uint8Array ? data.slice().buffer : isText ? data : JSON.stringify(data) });
  }

  close() {
    this.readyState = 3;
  }

  drop() {
    this.close();
    this.onclose?.();
  }
}

/** A client with its sockets, its clock and what it called back. */
function newClient() {
  /** @type {FakeSocket[]} */ const sockets = [];
  /** @type {any[][]} */ const calls = [];
  const connect = () => {
    sockets.push(new FakeSocket());
    return /** @type {any} */ (sockets.at(-1));
  };
  const note =
    (/** @type {string} */ name) =>
    (/** @type {any[]} */ ...args) =>
      void calls.push([name, ...args]);
  const callbacks = {
    onSignal: note("signal"),
    onJoined: note("joined"),
    onState: note("state"),
    onError: note("error"),
  };
  const client = new Rendezvous("ws://127.0.0.1/rendezvous", callbacks, { connect, nowMs: () => Date.now() });
  const last = () => /** @type {FakeSocket} */ (sockets.at(-1));
  return { client, sockets, calls, last };
}

/** @param {string} room @param {Uint8Array} payload */
const frameOf = (room, payload) => Uint8Array.from([...Buffer.from(room, "hex"), ...payload]);

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
});

test("it connects when a room is wanted, joins, carries signals, and leaves with the last room", () => {
  const { client, sockets, calls, last } = newClient();
  assert.equal(sockets.length, 0);
  assert.equal(client.send(ROOM, Uint8Array.of(1)), false);
  client.join(ROOM);
  last().open();
  assert.deepEqual(last().sent, [`{"join":"${ROOM}"}`]);
  last().receive({ joined: ROOM, members: 2 });
  assert.equal(client.send(ROOM, Uint8Array.of(1, 2)), true);
  assert.deepEqual(last().sent[1], frameOf(ROOM, Uint8Array.of(1, 2)));
  last().receive(frameOf(ROOM, Uint8Array.of(3)));
  client.join(OTHER);
  client.leave(OTHER);
  assert.deepEqual(last().sent.slice(2), [`{"join":"${OTHER}"}`, `{"leave":"${OTHER}"}`]);
  client.leave(ROOM);
  assert.equal(last().readyState, 3);
  assert.deepEqual(calls, [
    ["state", true],
    ["joined", ROOM, 2],
    ["signal", ROOM, Uint8Array.of(3)],
    ["state", false],
  ]);
  mock.timers.tick(120_000);
  assert.equal(sockets.length, 1);
});

test("it reconnects with growing waits and joins every room again; stale signals are dropped", () => {
  const { client, sockets, calls, last } = newClient();
  client.join(ROOM);
  client.join(OTHER);
  last().open();
  for (let count = 0; count < 60; count++) client.send(ROOM, Uint8Array.of(count));
  last().drop();
  /** @type {number[]} */
  const waits = [];
  for (let attempt = 0; attempt < 9; attempt++) {
    const count = sockets.length;
    let waitedMs = 0;
    for (; sockets.length === count; waitedMs += 50) mock.timers.tick(50);
    waits.push(waitedMs);
    if (attempt < 8) last().drop();
  }
  waits.forEach((waitMs, attempt) => {
    const mostMs = Math.min(500 * 2 ** attempt, 30_000);
    assert.ok(waitMs >= mostMs / 2 && waitMs <= mostMs + 50, `${attempt}: ${waitMs}`);
  });
  last().open();
  assert.deepEqual(last().sent, [`{"join":"${ROOM}"}`, `{"join":"${OTHER}"}`]);
  assert.deepEqual(calls, [
    ["state", true],
    ["state", false],
    ["state", true],
  ]);
  last().receive({ joined: ROOM, members: 1 });
  last().drop();
  const count = sockets.length;
  mock.timers.tick(500);
  assert.equal(sockets.length, count + 1);
});

test("a socket that does not open or answer is given up; waking connects at once", () => {
  const { client, sockets, last } = newClient();
  client.join(ROOM);
  mock.timers.tick(10_000);
  assert.equal(last().readyState, 3);
  client.wake();
  assert.equal(sockets.length, 2);
  client.wake();
  assert.equal(sockets.length, 2);
});

test("it stays under the server's rate, and its queue is bounded", () => {
  const { client, last } = newClient();
  client.join(ROOM);
  last().open();
  let taken = 0;
  while (client.send(ROOM, Uint8Array.of(1))) taken++;
  assert.equal(last().sent.length, 30);
  assert.equal(taken, 29 + 128);
  let tokens = 40 - 30; // the server's bucket
  let sent = 30;
  for (let elapsedMs = 0; elapsedMs < 10_000; elapsedMs += 10) {
    mock.timers.tick(10);
    tokens = Math.min(40, tokens + 0.2) - (last().sent.length - sent);
    sent = last().sent.length;
    assert.ok(tokens >= 0, `at ${elapsedMs} ms`);
  }
  assert.equal(sent, 30 + 128);
});

test("what cannot be sent is refused, what makes no sense is ignored", () => {
  const { client, calls, last } = newClient();
  assert.throws(() => client.join("AB".repeat(32)), RangeError);
  client.join(ROOM);
  last().open();
  assert.equal(client.send(ROOM, new Uint8Array(0)), false);
  assert.equal(client.send(ROOM, new Uint8Array(PAYLOAD_BYTES_MAX + 1)), false);
  assert.equal(client.send(ROOM, new Uint8Array(PAYLOAD_BYTES_MAX)), true);
  assert.equal(client.send(OTHER, Uint8Array.of(1)), false);
  for (const data of ["", "[", "null", "7", '{"joined":1}', frameOf(OTHER, Uint8Array.of(1)), new Uint8Array(32)]) {
    last().receive(data);
  }
  last().receive(new Uint8Array(16_385).fill(0xab));
  last().receive({ joined: OTHER, members: 1 });
  assert.deepEqual(calls, [["state", true]]);
  last().receive({ error: "room-full", room: ROOM });
  assert.deepEqual(calls.at(-1), ["error", "room-full", ROOM]);
});
