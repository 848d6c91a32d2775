/** Python starts: from the snapshot, from cold when it must, and with words when it cannot. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, test } from "node:test";
import { shareFiles } from "../../web/worker/python/assets.js";
import { bootPython } from "../../web/worker/python/boot.js";
import { flipMiddleBit, folderAssets, gone, OUT, readBuild, spoiling } from "./boot_fixture.js";

/** @typedef {import("../../web/worker/python/assets.js").Build} Build */

/** @type {Build} */
let build;
/** @type {WebAssembly.Module} */
let module;

before(async () => {
  build = await readBuild();
  module = await WebAssembly.compile(await readFile(`${OUT}pyodide.asm.wasm`));
});

/** @param {Partial<import("../../web/worker/python/boot.js").BootOptions>} [options] */
const boot = (options = {}) => bootPython({ base: "", build, module, source: folderAssets(), ...options });

test("a restored Python imports the wheels and the registered modules", async () => {
  /** @type {string[]} */
  const seen = [];
  let arrived = 0;
  const { pyodide, how, why, stages } = await boot({
    registerModules: { boot_probe: { answer: 42 } },
    imports: ["asyncio", "msgspec", "cbor2"],
    onStage: ({ name, bytes }) => {
      if (bytes === undefined) seen.push(name);
      else arrived = bytes;
    },
  });
  assert.deepEqual([how, why], ["snapshot", undefined]);
  const names = ["load", "create", "python", "settle", "modules", "imports"];
  assert.deepEqual(seen, names);
  assert.deepEqual(
    stages.map(({ name }) => name),
    names,
  );
  const expected = ["python_stdlib.zip", "site.zip", "../inos.zip", "snapshot.bin"];
  assert.equal(
    arrived,
    expected.reduce((sum, name) => sum + build.files[name].bytes, 0),
  );
  assert.equal(pyodide.runPython("import boot_probe; boot_probe.answer"), 42);
  assert.ok(pyodide.runPython("import cbor2; cbor2.loads(cbor2.dumps({1: [b'x', None]})) == {1: [b'x', None]}"));
  assert.ok(pyodide.runPython("import msgspec; msgspec.msgpack.decode(msgspec.msgpack.encode([1, 'a'])) == [1, 'a']"));
  assert.equal(pyodide.runPython("import sys; sys.path.count('')"), 1);
  // Not among the preloaded modules: comes out of the standard library's archive.
  assert.equal(pyodide.runPython("import colorsys, xml.etree.ElementTree as tree; tree.fromstring('<a/>').tag"), "a");
});

test("two restores draw different random numbers, keys and times", async () => {
  const probe =
    "import logging, os, random, time; (random.getrandbits(200), os.urandom(16), time.time_ns() - logging._startTime)";
  const drawn = [];
  for (let i = 0; i < 2; i++) {
    const { pyodide, how } = await boot();
    assert.equal(how, "snapshot");
    const proxy = pyodide.runPython(probe);
    drawn.push(proxy.toJs());
    proxy.destroy();
  }
  assert.notEqual(String(drawn[0][0]), String(drawn[1][0]));
  assert.notDeepEqual(drawn[0][1], drawn[1][1]);
  for (const [, , age] of drawn) assert.ok(Number(age) < 60e9, "logging counts from the restore");
});

test("files in shared memory start it as well, and nothing is read again", async () => {
  const source = folderAssets();
  const first = await boot({ source });
  const files = await shareFiles(first.files);
  const names = ["python_stdlib.zip", "site.zip", "../inos.zip", "snapshot.bin"];
  assert.deepEqual(Object.keys(files), names);
  assert.equal(new Set(Object.values(files).map(({ buffer }) => buffer)).size, 1);
  assert.ok(files["snapshot.bin"].buffer instanceof SharedArrayBuffer);
  const reads = source.reads.length;
  const { pyodide, how, from } = await boot({ source, files, imports: ["msgspec", "colorsys", "inos.tasks"] });
  assert.deepEqual([how, from, source.reads.length], ["snapshot", "given", reads]);
  assert.equal(pyodide.runPython("1 + 1"), 2);
});

test("the build machine is not in the snapshot", async () => {
  const { pyodide } = await boot();
  const environment = pyodide.runPython("import os, sys; repr((dict(os.environ), sys.argv, sys.executable))");
  assert.doesNotMatch(environment, /PYTHONHASHSEED|node_modules|\.mjs/);
});

/** @type {[string, Partial<import("../../web/worker/python/boot.js").BootOptions>, (b: Build) => Build, RegExp][]} */
const coldCases = [
  [
    "damaged",
    { source: folderAssets(spoiling("snapshot.bin", flipMiddleBit)) },
    (b) => b,
    /damaged or belongs to another/,
  ],
  ["cut short", { source: folderAssets(spoiling("snapshot.bin", (d) => d.subarray(0, 5000))) }, (b) => b, /damaged/],
  ["missing", { source: folderAssets(spoiling("snapshot.bin", gone)) }, (b) => b, /404/],
  ["of another build", {}, (b) => ({ ...b, snapshotKey: "00".repeat(32) }), /belongs to another build/],
  [
    "with a wrong head",
    {},
    (b) => ({ ...b, snapshotHead: `ff${b.snapshotHead.slice(2)}` }),
    /did not restore: .*magic/,
  ],
];
for (const [what, options, change, reason] of coldCases) {
  test(`a snapshot ${what} means a cold start, with the reason`, async () => {
    const { pyodide, how, why } = await boot({ ...options, build: change(build), imports: ["msgspec", "cbor2"] });
    assert.equal(how, "cold");
    assert.match(String(why), reason);
    assert.doesNotMatch(String(why), /Reload this page/, "the reason is for the report, not for the person");
    assert.equal(pyodide.runPython("1 + 1"), 2);
  });
}

for (const name of ["python_stdlib.zip", "site.zip", "../inos.zip"]) {
  test(`without ${name} there is no start, and it says so`, async () => {
    const damaged = boot({ source: folderAssets(spoiling(name, flipMiddleBit)) });
    await assert.rejects(damaged, { name: "BootError", code: "corrupt-asset", message: /damaged.*Reload this page/ });
    await assert.rejects(boot({ source: folderAssets(spoiling(name, gone)) }), { code: "missing-asset" });
  });
}

test("no memory for the instance is told as that", async () => {
  const { instantiate } = WebAssembly;
  /** @type {any} */ (WebAssembly).instantiate = async () => {
    throw new RangeError("WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance");
  };
  try {
    await assert.rejects(boot(), { code: "out-of-memory", message: /not enough memory.*Close other tabs/ });
  } finally {
    WebAssembly.instantiate = instantiate;
  }
});

test("an import that fails is told with its last line", async () => {
  await assert.rejects(boot({ imports: ["no_such_module"] }), { code: "python-failed", message: /no_such_module/ });
});

test("the globals are as they were, and nothing but the build was asked for", async () => {
  const asked = [];
  const scope = /** @type {any} */ (globalThis);
  const { fetch } = scope;
  const counting = (/** @type {any[]} */ ...args) => {
    asked.push(args[0]);
    return fetch(...args);
  };
  scope.fetch = counting;
  const { instantiate, instantiateStreaming } = WebAssembly;
  try {
    await boot({ imports: ["msgspec"] });
    assert.equal(scope.fetch, counting);
    assert.deepEqual([WebAssembly.instantiate, WebAssembly.instantiateStreaming], [instantiate, instantiateStreaming]);
    assert.deepEqual(asked, []);
  } finally {
    scope.fetch = fetch;
  }
});

test("the pantry serves a start, and a spoilt file in it does no harm", async () => {
  /** @type {Map<string, Uint8Array<ArrayBuffer>>} */
  const shelf = new Map();
  const pantry = { take: async (/** @type {string} */ name) => shelf.get(name) };
  const empty = folderAssets();
  const first = await boot({ pantry, source: empty });
  assert.deepEqual([first.from, empty.reads.length], ["network", first.files.size]);
  for (const [name, file] of first.files) shelf.set(name, new Uint8Array(await file));

  const source = folderAssets();
  const second = await boot({ pantry, source });
  assert.deepEqual([second.how, second.from, source.reads], ["snapshot", "pantry", []]);

  flipMiddleBit(/** @type {Uint8Array<ArrayBuffer>} */ (shelf.get("snapshot.bin")));
  const third = await boot({ pantry, source });
  assert.deepEqual([third.how, third.from, source.reads], ["snapshot", "network", ["snapshot.bin"]]);
});

test("a stale copy in the browser's cache is asked for again", async () => {
  const stale = folderAssets((name, data, fresh) => (name === "site.zip" && !fresh ? flipMiddleBit(data) : data));
  const { how } = await boot({ source: stale, imports: ["cbor2"] });
  assert.equal(how, "snapshot");
  assert.equal(stale.reads.filter((name) => name === "site.zip").length, 2);
});
