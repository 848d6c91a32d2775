/** The console's page side: history, folding, completion's common start, what Python may ask for, and how a run is stopped. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { commonStart } from "../../web/page/ui/python/editor.js";
import { CHARS_MAX, ENTRIES_MAX, History } from "../../web/page/ui/python/history.js";
import { foldAt, plain } from "../../web/page/ui/python/output.js";
import { forNode, forScratch, VERBS } from "../../web/page/ui/python/page_side.js";
import { Place } from "../../web/page/ui/python/place.js";
import { Session } from "../../web/page/ui/python/session.js";

class FakeStorage {
  /** @param {string | null} text */
  constructor(text = null) {
    this.text = text;
  }
  getItem() {
    return this.text;
  }
  /** @param {string} _key @param {string} text */
  setItem(_key, text) {
    this.text = text;
  }
}

test("history goes back and forth, keeps the draft, and is there again", () => {
  const storage = new FakeStorage();
  const history = new History(storage);
  for (const source of ["one", "two", "two", "  ", "three"]) history.add(source);
  assert.deepEqual(
    [history.older("draft"), history.older(""), history.older(""), history.older("")],
    ["three", "two", "one", null],
  );
  assert.deepEqual(
    [history.newer(), history.newer(), history.newer(), history.newer()],
    ["two", "three", "draft", null],
  );
  assert.equal(new History(storage).older(""), "three");
  const secret = 'await inos.fetch("https://a.example/#inos1.abc")';
  history.add(secret);
  assert.equal(history.older(""), secret);
  assert.equal(new History(storage).older(""), "three", "a link is not kept in the clear");
});

test("history is bounded, and damage or refusal costs nothing else", () => {
  const storage = new FakeStorage();
  const history = new History(storage);
  for (let at = 0; at < ENTRIES_MAX + 50; at++) history.add(`entry ${at}`);
  assert.equal(JSON.parse(storage.text ?? "").length, ENTRIES_MAX);
  history.add("x".repeat(CHARS_MAX - 5));
  assert.ok((storage.text ?? "").length < CHARS_MAX + 100);
  for (const text of ["{", "7", "null", '{"a":1}', "[1,null,{}]"])
    assert.equal(new History(new FakeStorage(text)).older(""), null);
  const refusing = {
    getItem: () => {
      throw new Error("no");
    },
    setItem: () => {
      throw new Error("no");
    },
  };
  for (const storage of [refusing, null]) {
    const forgetful = new History(storage);
    forgetful.add("this visit");
    assert.equal(forgetful.older(""), "this visit");
  }
});

test("text is shown plain and folded when it is long", () => {
  assert.equal(plain("\u001b[31mred\u001b[0m\r\n\u0007bell\ttab"), "red\nbell\ttab");
  assert.equal(foldAt("short"), null);
  assert.equal(foldAt(`${"line\n".repeat(40)}`), null);
  assert.equal(foldAt(`${"line\n".repeat(41)}`), 199);
  assert.equal(foldAt("x".repeat(9_000)), 8_000);
});

test("the common start of completions", () => {
  assert.equal(commonStart([]), "");
  assert.equal(commonStart(["inos.put"]), "inos.put");
  assert.equal(commonStart(["inos.peers", "inos.put", "inos.publish"]), "inos.p");
});

test("a console beside the node may call what is listed and nothing else", async () => {
  /** @type {any[]} */ const called = [];
  const node = {
    list: async () => [1],
    rename: async (/** @type {any[]} */ ...args) => void called.push(args),
    lock: async () => assert.fail("not listed"),
    put: async (/** @type {Blob} */ blob, /** @type {any} */ { name }) => ({ size: blob.size, type: blob.type, name }),
  };
  const answer = forNode(node);
  const { signal } = new AbortController();
  assert.deepEqual(await answer("list", {}, undefined, signal), { value: [1] });
  await answer("rename", { name: "new", root: "r" }, undefined, signal);
  assert.deepEqual(called, [["r", "new"]]);
  assert.deepEqual(await answer("put", { name: "a", mediaType: "text/plain" }, new Uint8Array(3), signal), {
    value: { size: 3, type: "text/plain", name: "a" },
  });
  for (const what of ["lock", "constructor", "__proto__", "toString"])
    await assert.rejects(answer(what, {}, undefined, signal), { code: "BadArgument" });
});

test("Python's list of the page's verbs is the page's", () => {
  const source = readFileSync(new URL("../../py/inos_web/console/scope.py", import.meta.url), "utf8");
  const table = /PAGE_VERBS = \{(.*?)\n\}/s.exec(source)?.[1] ?? "";
  const found = [...table.matchAll(/"(\w+)": \((.*?)\)/g)].map(([, name, names]) => [
    name,
    [...names.matchAll(/"(\w+)"/g)].map((match) => match[1]),
  ]);
  assert.deepEqual(Object.fromEntries(found), VERBS);
});

test("a scratch worker gets wheels and nothing else", async () => {
  const node = {
    list: async () => [
      { kind: "folder", name: "dir.whl", root: "d", size: 1 },
      { kind: "file", name: "a.whl", root: "newest", size: 1 },
      { kind: "file", name: "a.whl", root: "older", size: 1 },
      { kind: "file", name: "secret.txt", root: "s", size: 1 },
      { kind: "file", name: "huge.whl", root: "h", size: 2 ** 40 },
    ],
    get: async (/** @type {string} */ root) => new TextEncoder().encode(root),
    look: async (/** @type {string} */ link) => ({
      kind: "file",
      name: link.slice(link.indexOf("x.") + 2),
      size: link.length,
    }),
    fetch: async (/** @type {string} */ link) => {
      assert.ok(link.endsWith(".whl"), "it came into the vault");
      return { name: "far.whl", root: "f", size: 1 };
    },
  };
  const handed = new Map([["file:b.whl", new File(["handed"], "b.whl")]]);
  const answer = forScratch(node, handed);
  const { signal } = new AbortController();
  const ask = (/** @type {string} */ what, /** @type {string} */ where) => answer(what, { where }, undefined, signal);
  assert.deepEqual(await ask("wheelName", "a.whl"), { value: "a.whl" });
  assert.deepEqual(await ask("wheel", "a.whl"), { bytes: new TextEncoder().encode("newest") });
  assert.deepEqual(await ask("wheel", "file:b.whl"), { bytes: new TextEncoder().encode("handed") });
  await assert.rejects(ask("wheel", "secret.txt"), { code: "BadArgument" });
  assert.deepEqual(await ask("wheel", "https://here/#inos1.x.far.whl"), { bytes: new TextEncoder().encode("f") });
  await assert.rejects(ask("wheel", "https://here/#inos1.x.letter.txt"), { code: "BadArgument" });
  await assert.rejects(ask("wheel", "dir.whl"), { code: "NotFound" });
  await assert.rejects(ask("wheel", "huge.whl"), { code: "LimitExceeded" });
  await assert.rejects(ask("list", "a.whl"), { code: "BadArgument" });
});

/** A worker's end of a console: `hears` decides whether it answers pings. */
function worker({ hears = true } = {}) {
  const { port1, port2 } = new MessageChannel();
  const interrupts = new Int32Array(new SharedArrayBuffer(4));
  /** @type {any[]} */ const said = [];
  const state = { hears };
  port2.onmessage = ({ data }) => {
    if (data.ping === undefined) said.push(JSON.parse(data.json));
    else if (state.hears) port2.postMessage({ pong: 0 });
  };
  const say = (/** @type {object} */ message) => port2.postMessage({ json: JSON.stringify(message) });
  return { end: { port: port1, interrupts }, said, say, state, interrupts, close: () => port2.close() };
}

/** @param {() => unknown} condition */
async function until(condition) {
  for (let at = 0; at < 2_000; at++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`never so: ${condition}`);
}

const silent = { onPiece: () => {}, answer: async () => ({}) };

test("what awaits is stopped by a message; a worker that listens is never signalled", async () => {
  const { end, said, say, interrupts, close } = worker();
  const session = new Session(end, { ...silent, holdMsMax: 500 });
  const { ended } = session.run("x");
  assert.throws(() => session.run("y"), TypeError);
  await until(() => said.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 900)); // longer than it may hold
  session.stop();
  await until(() => said.length === 2);
  assert.deepEqual(
    said.map(({ type }) => type),
    ["run", "stop"],
  );
  assert.equal(Atomics.load(interrupts, 0), 0);
  say({ type: "ended", run: 1, how: "stopped", error: null });
  assert.equal((await ended).how, "stopped");
  session.close();
  close();
});

test("a loop is signalled once it was asked to stop, also one that prints all the time", async () => {
  const { end, said, say, interrupts, close } = worker({ hears: false });
  const session = new Session(end, silent);
  const { ended } = session.run("x");
  const printing = setInterval(() => say({ type: "out", run: 1, stream: "stdout", text: "." }), 10);
  await until(() => said.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.equal(Atomics.load(interrupts, 0), 0, "nobody has asked, and it may");
  session.stop();
  await until(() => Atomics.load(interrupts, 0) === 2);
  clearInterval(printing);
  say({ type: "ended", run: 1, how: "stopped", error: null });
  assert.equal((await ended).how, "stopped");
  assert.equal(Atomics.load(interrupts, 0), 0, "the next source begins with none");
  session.close();
  close();
});

test("beside the node a loop is signalled unasked", async () => {
  const { end, say, interrupts, close } = worker({ hears: false });
  const session = new Session(end, { ...silent, holdMsMax: 400 });
  const { ended } = session.run("x");
  await until(() => Atomics.load(interrupts, 0) === 2);
  say({ type: "ended", run: 1, how: "stopped", error: null });
  assert.equal((await ended).how, "held");
  session.close();
  close();
});

test("a worker that was busy otherwise, and listens again, is signalled no more", async () => {
  const { end, said, say, state, interrupts, close } = worker({ hears: true });
  const session = new Session(end, { ...silent, holdMsMax: 400 });
  const { ended } = session.run("x");
  await until(() => said.length === 1);
  Atomics.store(interrupts, 0, 2);
  await until(() => Atomics.load(interrupts, 0) === 0);
  say({ type: "ended", run: 1, how: "stopped", error: null });
  assert.equal((await ended).how, "stopped");
  assert.ok(state.hears);
  session.close();
  close();
});

test("asks are answered, refused, and given up; a worker that goes ends the run", async () => {
  const { end, said, say, close } = worker();
  const session = new Session(end, {
    onPiece: () => {},
    answer: async (what, args, _bytes, signal) => {
      if (what === "list") return { value: args };
      if (what === "get") throw Object.assign(new Error("none"), { code: "NotFound" });
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("given up"))));
    },
  });
  const { ended } = session.run("x");
  say({ type: "ask", id: 1, what: "list", args: { a: 1 } });
  say({ type: "ask", id: 2, what: "get", args: {} });
  say({ type: "ask", id: 3, what: "fetch", args: {} });
  say({ type: "unask", id: 3 });
  await until(() => said.length === 4);
  const told = Object.fromEntries(said.slice(1).map((message) => [message.id, message]));
  assert.deepEqual(told[1].value, { a: 1 });
  assert.deepEqual([told[2].code, told[2].message], ["NotFound", "none"]);
  assert.equal(told[3].message, "given up");
  session.close();
  assert.equal((await ended).how, "gone");
  close();
});

/** A scratch worker's end. @param {object | null} told what it says of its start @param {() => void} onEnd */
function scratchEnd(told, onEnd) {
  const { end, close } = worker();
  const scratch = Object.assign(new EventTarget(), {
    terminate() {
      onEnd();
      end.port.close();
      close();
    },
  });
  if (told) setTimeout(() => scratch.dispatchEvent(new MessageEvent("message", { data: told })));
  return { ...end, worker: /** @type {any} */ (scratch) };
}

const listener = { onPiece: () => {}, note: () => {} };

test("a scratch worker that does not start is ended, and the next try starts another", async () => {
  let ended = 0;
  const open = async () => scratchEnd({ type: "failed", message: "no Python" }, () => ended++);
  const place = new Place(open, silent.answer, { isScratch: true });
  await assert.rejects(place.run("x", listener), /no Python/);
  assert.deepEqual([ended, place.isStarted], [1, false]);
  await assert.rejects(place.check("x"), /no Python/);
  assert.equal(ended, 2);
});

test("a scratch worker whose start hangs is ended by a stop, also before it is there", async () => {
  let ended = 0;
  /** @type {((end: any) => void)[]} */ const opening = [];
  const place = new Place(() => new Promise((resolve) => opening.push(resolve)), silent.answer, { isScratch: true });
  const hung = place.run("x", listener);
  opening[0](scratchEnd(null, () => ended++));
  await new Promise((resolve) => setTimeout(resolve)); // it has its worker, which says nothing
  await place.stop();
  assert.deepEqual(await hung, { how: "stopped", error: null });
  assert.deepEqual([ended, place.isStarted], [1, false]);

  const early = place.run("y", listener);
  await place.stop();
  const later = place.run("z", listener);
  opening[1](scratchEnd({ type: "running" }, () => ended++));
  assert.equal((await early).how, "stopped");
  assert.deepEqual([ended, place.isStarted], [2, true], "the one that was given up is ended, and the next one goes on");
  opening[2](scratchEnd({ type: "failed", message: "no Python" }, () => ended++));
  await assert.rejects(later, /no Python/);
});
