/** What is going on, told from the calls that are made. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ActivityLog, peerChanges, watched } from "../../web/page/ui/activity.js";
import { activityText } from "../../web/page/ui/panel.js";
import { words } from "../../web/page/words.js";

test("a call is running until it ends, and its result and error pass through", async () => {
  /** @type {string[]} */
  const told = [];
  const log = new ActivityLog((happened, now) => told.push(`${happened.key}/${now?.key ?? "-"}`));
  const node = watched(
    /** @type {any} */ ({
      remove: async () => "result",
      put: async () => {
        throw new TypeError("boom");
      },
    }),
    log,
    () => "a.txt",
  );
  assert.equal(await node.remove("00"), "result");
  assert.deepEqual(told.splice(0), ["remove/remove", "remove/-"]);
  await assert.rejects(node.put(new Uint8Array(), { name: "a" }), { message: "boom" });
  assert.deepEqual(told, ["put/put", "put/-"]); // what failed is not told as stored
});

test("of two running calls the younger is told, then the elder again", async () => {
  /** @type {Array<string | undefined>} */
  const now = [];
  const log = new ActivityLog((_, running) => now.push(running?.key));
  const elder = Promise.withResolvers?.() ?? withResolvers();
  const younger = Promise.withResolvers?.() ?? withResolvers();
  const both = [log.during({ key: "check" }, elder.promise), log.during({ key: "get" }, younger.promise)];
  younger.resolve(undefined);
  await both[1];
  elder.resolve(undefined);
  await both[0];
  assert.deepEqual(now, ["check", "get", "check", undefined]);
});

/** Node 20 has no Promise.withResolvers. */
function withResolvers() {
  /** @type {any} */
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

test("peers that came and went", () => {
  const changes = peerChanges(["aa", "bb"], ["bb", "cc"]);
  assert.deepEqual(changes, [
    { key: "peer-left", params: { peer: "aa" } },
    { key: "peer-joined", params: { peer: "cc" } },
  ]);
});

test("every activity has words, with and without its parameters; names in it are made safe", () => {
  for (const key of Object.keys(words.activity)) assert.doesNotMatch(activityText({ key }), /undefined|^$/, key);
  assert.equal(activityText({ key: "put", params: { name: "a\u202Eb" } }), "Storing a\\u{202e}b");
  assert.equal(activityText({ key: "unheard-of" }), "unheard-of");
  assert.equal(activityText({ key: "toString" }), "toString");
});
