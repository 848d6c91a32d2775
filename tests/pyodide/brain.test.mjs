/**
 * The whole brain worker in Node: web/worker/brain/main.js, its io worker and muscles on real threads, driven by messages as
 * the page does. What is asked inside Python goes by the brain's own `python` call.
 */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { OUT, readBuild } from "../js/boot_fixture.js";
import { computePage } from "./compute_page.mjs";
import { compileKernel, Machine, THREAD_BRAIN } from "./machine.mjs";

const MIB = 2 ** 20;
// Measured 1.2 to 2.3 on two busy cores: a slow machine must not fail this, a step that grows with the file must.
const PYTHON_MS_PER_MIB_MAX = 10;
const FIND_BRAIN =
  "import gc, inos_web.main as main; brain = next(o for o in gc.get_objects() if isinstance(o, main.Brain))\n";
const COUNTS = "import pyodide_js; m = pyodide_js._module; [m.hiwire.num_keys(), m.pyproxy_alloc_map.size]";
// The parts of a turn. The loop holds `turn` and `on_io` themselves, so what they call is measured.
const MEASURE = `${FIND_BRAIN}
import time
spent = {}
main.spent = spent
def measure(owner, name):
    inner = getattr(owner, name)
    times = spent[name] = []
    def run(*args):
        began = time.perf_counter()
        try:
            return inner(*args)
        finally:
            times.append(time.perf_counter() - began)
    setattr(owner, name, run)
measure(brain, "_round")
measure(brain._kernels, "drain")
measure(brain._disk, "done")
measure(brain.node, "on_deadline")
None`;

/** @type {Machine} */
let machine;
/** @type {string} */
let folder;
/** @type {import("node:worker_threads").Worker} */
let brain;
/** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void}>} */
const calls = new Map();
let lastCall = 0;
/** @type {Map<number, (bytes: Uint8Array | null) => void>} */
const sinks = new Map();

/** @param {string} method @param {object} [args] @returns {Promise<any>} */
function call(method, args = {}) {
  const id = ++lastCall;
  return new Promise((resolve, reject) => {
    calls.set(id, { resolve, reject });
    brain.postMessage({ type: "call", id, method, args: JSON.stringify(args) });
  });
}

/** @param {string} source */
const python = (source) => call("python", { source });

/** @param {Uint8Array} data @param {string} name */
async function put(data, name) {
  const source = ++lastCall;
  await machine.tell({ type: "source", id: source, blob: new Blob([data]) });
  return call("put", { source, size: data.length, name, media_type: "", mtime_ms: 0 });
}

/** @param {string} root @param {number} length @returns {Promise<Uint8Array | null>} */
async function get(root, length) {
  const sink = ++lastCall;
  await machine.tell({ type: "sink", id: sink, length });
  const closed = new Promise((resolve) => sinks.set(sink, resolve));
  await call("get", { root, sink });
  return closed;
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "inos-brain-"));
  machine = new Machine({ kernel: await compileKernel(), muscles: 1, folder, memoryBytes: 256 * MIB });
  const build = await readBuild();
  const module = await WebAssembly.compile(await readFile(`${OUT}pyodide.asm.wasm`));
  machine.io.on("message", (message) => {
    if (message.type === "sink-closed") sinks.get(message.id)?.(message.bytes);
  });
  await machine.ready;
  brain = machine.start("brain/main.js", {
    type: "start",
    memory: machine.memory,
    kernel: machine.kernel,
    python: module,
    build,
    base: pathToFileURL(OUT).href,
    thread: THREAD_BRAIN,
    muscles: 1,
    alone: true,
  });
  const page = computePage(machine, { python: module, build }, (happening) =>
    brain.postMessage({ type: "compute", ...happening }),
  );
  await new Promise((resolve, reject) => {
    machine.onDeath(reject);
    brain.on("message", (message) => {
      if (message.type === "booted") resolve(undefined);
      if (message.type === "compute") page.handle(message.command, message.files);
      if (message.type !== "reply") return;
      const { ok, json } = message;
      const { resolve: answer, reject: refuse } = /** @type {any} */ (calls.get(message.id));
      calls.delete(message.id);
      const value = JSON.parse(json);
      if (ok) answer(value);
      else refuse(Object.assign(new Error(value.message), { code: value.code }));
    });
  });
  await call("open");
});

after(async () => {
  await machine.stop();
  await rm(folder, { recursive: true });
});

/** Bytes that compress like text does, never one repeated block. @param {number} length */
function text(length) {
  const words = Array.from({ length: 4096 }, (_, n) => ((n * 2_654_435_761) >>> 0).toString(36));
  let state = 1;
  let out = "";
  while (out.length < length) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    out += `${words[state >>> 20]} `;
  }
  return new TextEncoder().encode(out.slice(0, length));
}

test("put, list, get, check, remove", async () => {
  const data = text(3 * MIB + 17);
  const done = await put(data, "a.txt");
  assert.equal(done.bytes, data.length);
  assert.deepEqual(
    (await call("list")).map((/** @type {any} */ entry) => entry.name),
    ["a.txt"],
  );
  assert.deepEqual(await get(done.root, data.length), data);
  assert.deepEqual((await call("check", { level: "data" })).bad, []);
  await call("remove", { root: done.root });
  assert.deepEqual(await call("list"), []);
  await assert.rejects(call("stat", { root: done.root }), { code: "NotFound" });
});

test("the device's keys: signatures by WebCrypto verify, others do not; a wrapped key opens only as it was wrapped", async () => {
  const source = `
from inos.errors import VaultLocked
from inos.ports import DevicePublicKey, Sign, UnwrapKey, Verify, WrapKey
key, signature = await DevicePublicKey(), await Sign(b"x")
wrapped = await WrapKey(bytes(32), b"aad")
try:
    refused = await UnwrapKey(wrapped, b"other")
except VaultLocked:
    refused = True
[await Verify(key, signature, b"x"), await Verify(key, signature, b"y"), await Verify(b"", signature, b"x"),
 await UnwrapKey(wrapped, b"aad") == bytes(32), refused is True]`;
  assert.deepEqual(await python(source), [true, false, false, true, true]);
});

test("the vault's own key signs as RFC 8032 says, and its signatures verify", async () => {
  const source = `
from inos.ports import SignHead, Verify
seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
made = await SignHead(seed, b"r")
[made.hex(), await Verify(made[:32], made[32:], b"r"), await Verify(made[:32], made[32:], b"s")]`;
  assert.deepEqual(await python(source), [
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c" +
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    true,
    false,
  ]);
});

test("a passphrase: the host's known answers; what it wraps opens as it was wrapped", async (context) => {
  const source = `
from inos.errors import ArenaFull, VaultLocked
from inos.ports import Stretch, UnwrapWith, WrapWith
import time
keys = [(await Stretch(b"password", b"somesalt", 256, 2, lanes)).hex() for lanes in (1, 2)]
began = time.monotonic()
keys.append((await Stretch(b"password", b"diffsalt", 65536, 2, 1)).hex())
took_ms = round((time.monotonic() - began) * 1000)
wrapped = await WrapWith(bytes(32), bytes(range(12)), b"s" * 32, b"aad")
refused = []
for key, sealed, aad in ((bytes(32), wrapped, b"other"), (b"k" * 32, wrapped, b"aad"), (bytes(32), b"", b"aad")):
    try:
        await UnwrapWith(key, sealed, aad)
    except VaultLocked:
        refused.append(True)
try:
    await Stretch(b"password", b"short", 256, 2, 1)
except ArenaFull:
    refused.append(True)
[keys, wrapped.hex(), await UnwrapWith(bytes(32), wrapped, b"aad") == b"s" * 32, refused, took_ms]`;
  const [keys, wrapped, opens, refused, tookMs] = await python(source);
  context.diagnostic(`64 MiB, 2 passes in ${tookMs} ms`);
  assert.deepEqual(keys, [
    "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe",
    "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037",
    "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c",
  ]);
  assert.equal(
    wrapped,
    "000102030405060708090a0bfbb84021738efc8ab10b21968e70ad7f271fdbe9cceefc85bcb89778fe467c1cf4620470211f971a30308fd42f914cdd",
  );
  assert.equal(opens, true);
  assert.deepEqual(refused, [true, true, true, true]);
});

test("calls that cannot be: each is answered with a code, the brain goes on", async () => {
  await assert.rejects(call("nonsense"), { code: "NotReady" });
  await assert.rejects(call("put", { wrong: 1 }), (/** @type {any} */ error) => typeof error.code === "string");
  await assert.rejects(call("stat", { root: "zz" }), (/** @type {any} */ error) => typeof error.code === "string");
  await assert.rejects(python("1/0"), (/** @type {any} */ error) => error.code === "BrainCrashed");
  assert.equal(await python("1 + 1"), 2);
});

test("a failing effect handler is reported and the brain goes on", async () => {
  const source = `${FIND_BRAIN}
from inos.ports import FileSize
kept = brain._performers[FileSize]
def broken(effect_id, effect):
    brain._performers[FileSize] = kept
    raise RuntimeError("a handler that fails")
brain._performers[FileSize] = broken
try:
    await FileSize("sb0")
    out = "answered"
except Exception as error:
    out = type(error).__name__
out`;
  const answer = await Promise.race([
    python(source),
    new Promise((resolve) => setTimeout(resolve, 3000, "never answered")),
  ]);
  assert.equal(await python("2 + 2"), 4, "the brain goes on");
  assert.notEqual(answer, "never answered", "whoever waits hears of it");
});

test("a full disk is told by name and leaves nothing behind", async () => {
  const used = (await call("stats")).arenaBytesUsed;
  await writeFile(join(folder, "vault", "refuse"), "");
  await assert.rejects(put(text(2 * MIB), "full.txt"), { code: "StorageFull" });
  await rm(join(folder, "vault", "refuse"));
  assert.deepEqual(await call("list"), []);
  assert.equal((await call("stats")).arenaBytesUsed, used);
  const done = await put(text(MIB), "later.txt");
  await call("remove", { root: done.root });
});

test("200 operations leave no proxy, no reference and no byte of the arena", async () => {
  await python("import pyodide_js; pyodide_js._module.enable_pyproxy_allocation_tracing()");
  const cycle = async (/** @type {number} */ n) => {
    const data = text(100_000 + n);
    const { root } = await put(data, `n${n}`);
    assert.equal((await get(root, data.length))?.length, data.length);
    await call("remove", { root });
  };
  for (let n = 0; n < 5; n++) await cycle(n);
  const before = [...(await python(COUNTS)), (await call("stats")).arenaBytesUsed];
  for (let n = 5; n < 71; n++) await cycle(n);
  const now = [...(await python(COUNTS)), (await call("stats")).arenaBytesUsed];
  assert.deepEqual(now, before);
});

test("Python's part of a put stays small", async (context) => {
  const size = 64 * MIB;
  const data = text(size);
  await python(MEASURE);
  const { root, ms } = await put(data, "big.txt");
  /** @type {Record<string, number[]>} */
  const spent = await python("import inos_web.main as main; main.spent");
  // Times are of the clock, and a machine with other work takes the thread away for 10 ms and more: the slowest 2 % of the
  // steps are left out (`all` has them).
  const msPerMib = (/** @type {number[]} */ times) => (times.reduce((sum, s) => sum + s, 0) * 1000) / (size / MIB);
  const calm = (/** @type {number[]} */ times) =>
    [...times].sort((a, b) => a - b).slice(0, Math.floor(times.length * 0.98));
  const total = Object.values(spent).reduce((sum, times) => sum + msPerMib(calm(times)), 0);
  const parts = Object.entries(spent).map(
    ([name, times]) =>
      `${name} ${times.length} times, ${msPerMib(calm(times)).toFixed(3)} (all ${msPerMib(times).toFixed(3)})`,
  );
  context.diagnostic(`put of 64 MiB in ${ms} ms; Python's ms a MiB: ${total.toFixed(3)}: ${parts.join("; ")}`);
  await call("remove", { root });
  assert.ok(spent._round.length > 64, "turns were measured");
  assert.ok(total < PYTHON_MS_PER_MIB_MAX, `${total} ms a MiB`);
});

/** Runs Python that leaves `workers` and `answer`; once they are closed the arena must be as before. @param {string} source */
async function withWorkers(source) {
  const before = (await call("stats")).arenaBytesUsed;
  const answer = await python(`
from inos.errors import InosError
async def code(worker):
    try:
        return await worker.result()
    except InosError as error:
        return error.code
async def until_said(span, count):
    while int.from_bytes(memory.read(span.offset, 4), "little") < count:
        await node.tasks.sleep(0.01)
span = arena.alloc(64)
memory.write(span.offset, bytes(64))
${source}
for worker in workers:
    await worker.close()
arena.release(span)
answer`);
  assert.equal((await call("stats")).arenaBytesUsed, before);
  assert.deepEqual(await call("workers"), []);
  return answer;
}

test("three Python workers on three threads add to one word", async () => {
  const answer = await withWorkers(`
source = "def main(at):\\n for _ in range(5000): memory.add(at, 1)\\n import random; return random.getrandbits(64)"
workers = [await inos.spawn(source, args={"at": span.offset}) for _ in range(3)]
drawn = {await code(worker) for worker in workers}
answer = [int.from_bytes(memory.read(span.offset, 4), "little"), len(drawn)]`);
  assert.deepEqual(answer, [15_000, 3]);
});

test("what a dead worker held is released: one that hangs in a foreign wait, one that ends itself, one that fails", async () => {
  const answer = await withWorkers(`
held = "a = arena.alloc(100_000); arena.retain(a); b = arena.alloc(70); arena.release(b); memory.add(args['at'], 1);"
sources = ["import js; js.Atomics.wait(js.Int32Array.new(js.SharedArrayBuffer.new(4)), 0, 0)", "import js; js.process.exit(0)", "1/0"]
workers = [await inos.spawn(held + source, args={"at": span.offset}) for source in sources]
await until_said(span, 3)
inside = arena.used()
workers[0].cancel()
answer = [await code(worker) for worker in workers]`);
  assert.deepEqual(answer, ["Cancelled", "WorkerFailed", "WorkerFailed"]);
});

test("a worker that is interrupted while it allocates without end leaves a sound arena", async () => {
  const answer = await withWorkers(`
source = """
while True:
    try:
        memory.add(args["at"], 1)
        while True:
            arena.release(arena.alloc(300))
    except KeyboardInterrupt:
        pass
"""
workers = [await inos.spawn(source, args={"at": span.offset}) for _ in range(2)]
await until_said(span, 2)
for worker in workers:
    worker.cancel()
answer = [await code(worker) for worker in workers] + [int.from_bytes(memory.read(span.offset, 4), "little")]
again = arena.alloc(300)
arena.release(again)`);
  const [first, second, said] = answer;
  assert.deepEqual([first, second], ["Cancelled", "Cancelled"]);
  // Each says so once more when the interrupt reaches its source. One that is raised where Python swallows it (in a finalizer)
  // was seen once in many runs; the worker is then ended by force all the same.
  assert.ok(said > 2 && said <= 4, `${said} said`);
});
