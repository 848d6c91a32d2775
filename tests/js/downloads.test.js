/** A download's two ends, the io worker's sink and the service worker, over a real port. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { DownloadSink } from "../../web/worker/io/streams.js";

const SOURCE = await readFile(new URL("../../static/sw_streams.js", import.meta.url), "utf8");

/** The body that a service worker of its own answers with, and the sink that feeds it. @param {import("node:test").TestContext} t */
async function open(t) {
  /** @type {any} */
  const self = {};
  new Function("self", SOURCE)(self);
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close()); // an open port keeps the process alive
  const ready = { postMessage() {} };
  self.streams.addDownload({ id: "1", name: "a", size: 1, mediaType: "", port: port1, ready });
  /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */
  const body = self.streams.downloadResponse("1").body;
  return { reader: body.getReader(), sink: new DownloadSink(/** @type {any} */ (port2)) };
}

/** @param {number} length */
function shared(length) {
  const bytes = new Uint8Array(new SharedArrayBuffer(length));
  return bytes.map((_, at) => (at * 31) ^ (at >> 8));
}

test("every byte arrives, in order, through one buffer", async (t) => {
  const { reader, sink } = await open(t);
  const parts = [shared(600_000), shared(1), shared(262_144), shared(0), shared(262_145)];
  const sent = (async () => {
    for (const part of parts) await sink.write(0, part);
    sink.close(true);
  })();
  const got = [];
  let before = new ArrayBuffer(1);
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    assert.equal(before.byteLength, got.length === 0 ? 1 : 0, "the buffer of the piece before was not lent again");
    before = value.buffer;
    got.push(value.slice());
  }
  await sent;
  assert.deepEqual(Buffer.concat(got), Buffer.concat(parts));
});

test("nothing is sent before it is asked for", async (t) => {
  const { reader, sink } = await open(t);
  let taken = false;
  const sent = sink.write(0, shared(10)).then(() => {
    taken = true;
  });
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve)); // ample for a few messages
  assert.equal(taken, false);
  assert.equal((await reader.read()).value?.length, 10);
  await sent;
  sink.close(true);
  assert.equal((await reader.read()).done, true);
});

test("a sender that stops ends the download in an error", async (t) => {
  const { reader, sink } = await open(t);
  const first = reader.read();
  await sink.write(0, shared(10));
  await first;
  sink.close(false);
  await assert.rejects(reader.read(), /the sender stopped/);
});

test("a paused download that is given up holds back nobody", async (t) => {
  const { sink } = await open(t);
  const waiting = sink.write(0, shared(10));
  sink.abort();
  await assert.rejects(waiting, { name: "AbortError" });
  await assert.rejects(sink.write(0, shared(10)), { name: "AbortError" });
  sink.close(false);
});

test("a download that the person cancels fails its sender", async (t) => {
  const { reader, sink } = await open(t);
  const first = reader.read();
  await sink.write(0, shared(10));
  await first;
  const waiting = sink.write(0, shared(10));
  await reader.cancel();
  await assert.rejects(waiting, { name: "AbortError" });
});
