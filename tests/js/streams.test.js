import assert from "node:assert/strict";
import { test } from "node:test";
import { Sources } from "../../web/worker/io/streams.js";

const PATIENCE_MS = 20;

/** @param {Blob} blob */
async function copied(blob) {
  const buffer = new SharedArrayBuffer(64);
  const sources = new Sources(buffer, PATIENCE_MS);
  sources.add(1, blob);
  const outcome = await sources.read(1, 2, 8, 5);
  return { outcome, text: new TextDecoder().decode(new Uint8Array(buffer).slice(8, 16)) };
}

/** A Blob whose streams never answer, as was seen of a browser. */
class Mute extends Blob {
  /** @param {number} [start] @param {number} [end] */
  slice(start, end) {
    return new Mute([super.slice(start, end)]);
  }
  stream() {
    return /** @type {any} */ (new ReadableStream({ type: "bytes", pull: () => new Promise(() => {}) }));
  }
}

test("a source is copied to where it belongs", async () => {
  assert.deepEqual(await copied(new Blob(["0123456789"])), { outcome: { status: 0, value: 5 }, text: "23456\0\0\0" });
});

test("a stream that never answers is read the other way", async () => {
  assert.deepEqual(await copied(new Mute(["0123456789"])), { outcome: { status: 0, value: 5 }, text: "23456\0\0\0" });
});

test("a file that answers neither way is lost, and says so", async () => {
  class Gone extends Mute {
    slice() {
      return this;
    }
    arrayBuffer() {
      return /** @type {Promise<ArrayBuffer>} */ (new Promise(() => {}));
    }
  }
  assert.notEqual((await copied(new Gone(["0123456789"]))).outcome.status, 0);
});
