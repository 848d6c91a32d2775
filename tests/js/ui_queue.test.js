/** The queue of files, and what a dropped folder is made into. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { collect } from "../../web/page/ui/drop.js";
import { WorkQueue } from "../../web/page/ui/queue.js";

/** A queue whose runs are ended by hand. */
function harness(parallel_max = 2) {
  /** @type {Map<string, {resolve: (value?: unknown) => void, reject: (error: unknown) => void}>} */
  const open = new Map();
  /** @type {string[]} */
  const stored = [];
  /** @type {WorkQueue<string>} */
  const queue = new WorkQueue({
    run: (item) =>
      new Promise((resolve, reject) => {
        open.set(item.name, { resolve, reject });
        item.aborter.signal.addEventListener("abort", () => reject({ code: "Cancelled" }));
      }),
    stopsAll: (error) => /** @type {any} */ (error).code === "StorageFull",
    onChange: () => {},
    onDone: (item) => stored.push(item.name),
    parallel_max,
  });
  /** @param {string} name @param {unknown} [error] */
  const end = async (name, error) => {
    const call = open.get(name);
    assert.ok(call, `${name} does not run`);
    open.delete(name);
    if (error) call.reject(error);
    else call.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  };
  const add = (/** @type {string[]} */ ...names) => {
    for (const name of names) queue.add({ name, size: 10, source: name });
  };
  const states = () => queue.items.map((item) => `${item.name}:${item.status}`).join(" ");
  return { queue, add, end, states, stored };
}

test("two run at once, in order of arrival", async () => {
  const { queue, add, end, states, stored } = harness();
  add("a", "b", "c", "d");
  assert.equal(states(), "a:running b:running c:waiting d:waiting");
  await end("b");
  assert.equal(states(), "a:running c:running d:waiting");
  await end("a");
  await end("c");
  await end("d");
  assert.deepEqual(stored, ["b", "a", "c", "d"]);
  assert.deepEqual(queue.totals, { files: 4, filesDone: 4, bytes: 40, bytesDone: 40 });
  add("e");
  assert.equal(queue.totals.files, 1); // a new batch counts from zero
});

test("one bad file does not stop the others; no room stops them all until tried again", async () => {
  const { queue, add, end, states } = harness(1);
  add("a", "b", "c");
  await end("a", { code: "BadName" });
  assert.equal(states(), "a:failed b:running c:waiting");
  await end("b", { code: "StorageFull" });
  assert.equal(states(), "a:failed b:failed c:waiting");
  assert.equal(queue.paused, true);
  queue.retry();
  assert.equal(queue.paused, false);
  assert.equal(states(), "a:running b:waiting c:waiting");
});

test("cancelling takes an item out, waiting or running, and the next one starts", async () => {
  const { queue, add, states } = harness(1);
  add("a", "b", "c");
  const [a, b] = queue.items;
  queue.cancel(b.id);
  assert.equal(states(), "a:running c:waiting");
  queue.cancel(a.id);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(states(), "c:running");
  assert.deepEqual(queue.totals, { files: 1, filesDone: 0, bytes: 10, bytesDone: 0 });
  queue.cancelAll();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(queue.pending, 0);
});

test("a file that was stored although it was being cancelled counts as stored", async () => {
  /** @type {(value?: unknown) => void} */
  let finish = () => {};
  /** @type {string[]} */
  const stored = [];
  /** @type {WorkQueue<string>} */
  const queue = new WorkQueue({
    run: () => new Promise((resolve) => (finish = resolve)),
    stopsAll: () => false,
    onChange: () => {},
    onDone: (item) => stored.push(item.name),
  });
  queue.add({ name: "a", size: 1, source: "a" });
  queue.cancel(queue.items[0].id);
  finish();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(stored, ["a"]);
});

/** @param {string} name */
const fileEntry = (name) => ({
  isFile: true,
  isDirectory: false,
  name,
  file: (/** @type {(file: unknown) => void} */ ok) => ok({ name, lastModified: 0 }),
});

/** A folder that gives its listing in batches of two, as browsers do in batches of a hundred. @param {string} name @param {any[]} children */
const folderEntry = (name, children) => ({
  isFile: false,
  isDirectory: true,
  name,
  createReader: () => {
    const rest = [...children];
    return { readEntries: (/** @type {(some: unknown[]) => void} */ ok) => ok(rest.splice(0, 2)) };
  },
});

test("a folder is collected whole, with paths, in order, empty folders too, and without what cannot be read", async () => {
  const broken = {
    ...fileEntry("locked"),
    file: (/** @type {any} */ _ok, /** @type {any} */ no) => no(new Error("locked")),
  };
  const many = Array.from({ length: 7 }, (_, index) => fileEntry(`m${index}`));
  const tree = folderEntry("top", [
    fileEntry("a"),
    folderEntry("empty", []),
    broken,
    folderEntry("many", [...many, folderEntry("deep", [fileEntry("x")])]),
    fileEntry("z"),
  ]);
  /** @type {unknown[]} */
  const failures = [];
  const { items, count } = await collect(/** @type {any} */ (tree), (error) => failures.push(error));
  const paths = items.map(({ path, file }) => (file ? path : `${path}/`));
  assert.deepEqual(paths, ["a", "empty/", ...many.map(({ name }) => `many/${name}`), "many/deep/x", "z"]);
  assert.equal(count, 11); // the one that cannot be read was found, too
  assert.equal(failures.length, 1);
});
