/** The page's calls about files: what of a folder goes to the io worker and what to the brain. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { FileCalls } from "../../web/page/file_calls.js";
import { BufferSink } from "../../web/worker/io/streams.js";

/** Node 20 has none. */
Promise.withResolvers ??= /** @type {any} */ (
  () => {
    /** @type {any} */ const made = {};
    made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
    return made;
  }
);

/** A node's line that notes what passes. @param {(method: string, args: any) => any} [answer] */
function noted(answer = () => ({})) {
  /** @type {any[]} */ const calls = [];
  /** @type {any[]} */ const messages = [];
  const operation = async (/** @type {string} */ method, /** @type {any} */ args) => {
    calls.push([method, args]);
    return answer(method, args);
  };
  const files = new FileCalls(
    () => ({
      ready: Promise.resolve(),
      call: operation,
      operation,
      register: async (message) => void messages.push(message),
      io: (message) => void messages.push(message),
    }),
    (path) => path,
  );
  return { files, calls, messages };
}

test("a folder's files are one source, folder by folder in the order of their names", async () => {
  const { files, calls, messages } = noted(() => ({ root: "r" }));
  const file = (/** @type {string} */ text) => new File([text], "", { lastModified: 5, type: "text/plain" });
  const items = [
    { path: "b", file: file("b") },
    { path: "a/z", file: file("az") },
    { path: "a-b", file: file("a-b") },
    { path: "hollow", file: null },
    { path: "a/b/c", file: file("abc") },
  ];
  assert.deepEqual(await files.putFolder(items, { name: "f", replaces: "old" }), { root: "r" });
  const [[method, args]] = calls;
  assert.equal(method, "put_folder");
  assert.deepEqual([args.name, args.replaces, args.source], ["f", "old", messages[0].id]);
  assert.deepEqual(args.rows, [
    ["a/b/c", 3, 5, "text/plain"],
    ["a/z", 2, 5, "text/plain"],
    ["a-b", 3, 5, "text/plain"],
    ["b", 1, 5, "text/plain"],
    ["hollow", null, null, ""],
  ]);
  assert.equal(await messages[0].blob.text(), "abcaza-bb");
  assert.deepEqual(messages[1], { type: "forget-source", id: messages[0].id });
});

test("a source is forgotten also when the put fails", async () => {
  const { files, messages } = noted(() => {
    throw new Error("full");
  });
  await assert.rejects(files.put(new Uint8Array(3), { name: "x" }), /full/);
  assert.deepEqual(
    messages.map(({ type }) => type),
    ["source", "forget-source"],
  );
});

test("what is in a folder is asked for by its path, and a thing in it is removed without the rest", async () => {
  const { files, calls } = noted((method) => (method === "remove_entry" ? { root: "new" } : {}));
  assert.deepEqual(await files.remove("r", { path: "a/b" }), { root: "new" });
  await files.remove("r");
  await files.rename("r", "n", { path: "a" });
  await files.entries("r");
  assert.deepEqual(calls, [
    ["remove_entry", { root: "r", path: "a/b" }],
    ["remove", { root: "r" }],
    ["rename", { root: "r", name: "n", path: "a" }],
    ["entries", { root: "r", path: "" }],
  ]);
});

test("a buffer takes more than was expected, and gives what it took", () => {
  for (const expected of [0, 3, 10]) {
    /** @type {any[]} */ const sent = [];
    const sink = new BufferSink(expected, (message) => sent.push(message), 7);
    sink.write(0, Uint8Array.of(1, 2, 3));
    sink.write(3, Uint8Array.of(4, 5));
    sink.close(true);
    assert.deepEqual([...sent[0].bytes], [1, 2, 3, 4, 5]);
    assert.equal(sent[0].id, 7);
  }
});

test("a buffer takes no more than it may", () => {
  /** @type {any[]} */ const sent = [];
  const sink = new BufferSink(0, (message) => sent.push(message), 7, 5);
  sink.write(0, Uint8Array.of(1, 2, 3));
  sink.write(3, Uint8Array.of(4, 5));
  assert.throws(() => sink.write(5, Uint8Array.of(6)), RangeError);
  sink.close(false);
  assert.deepEqual([sent[0].complete, sent[0].bytes], [false, null]);
});

test("a buffer for which the browser has no room is made, and refuses what is written", () => {
  const sink = new BufferSink(2 ** 53, () => {}, 7, 2 ** 53);
  assert.throws(() => sink.write(0, Uint8Array.of(1)), RangeError);
});

const NO_WORKERS = {
  "that the browser refuses": async () => {
    throw new DOMException("an SSL certificate error", "SecurityError");
  },
  "that cannot be installed": async () => {
    const installing = Object.assign(new EventTarget(), { state: "redundant" });
    return { active: null, waiting: null, installing };
  },
};
for (const [what, register] of Object.entries(NO_WORKERS))
  test(`a service worker ${what}: what is too large for memory is said so`, async (t) => {
    Object.defineProperty(globalThis, "navigator", { value: { serviceWorker: { register } }, configurable: true });
    t.after(() => Reflect.deleteProperty(globalThis, "navigator"));
    const { files, calls, messages } = noted((method) => {
      if (method === "stat") return { root: "r", name: "f", kind: "folder", size: 3 };
      throw Object.assign(new Error("SinkWrite"), { code: "LimitExceeded" });
    });
    await assert.rejects(files.save("r"), { code: "DownloadTooLarge" });
    assert.deepEqual(
      calls.map(([method]) => method),
      ["stat", "get"],
    );
    assert.equal(messages[0].lengthMax, 512 * 2 ** 20);
  });
