/**
 * Our Python inside Pyodide on Node: the unit tests of `py/inos` again, then the browser's adapter on real threads.
 *
 *   node tests/pyodide/run.mjs [unit|adapter|brain]...
 *
 * The last line is `N passed, N failed`.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { compileKernel, Machine, ROOT } from "./machine.mjs";
import { DESELECTED, GROUPS, LEFT_OUT } from "./selection.mjs";

/** @typedef {{passed: number, failed: number}} Outcome */

const WHEELS = `${ROOT}.cache/pyodide-test`;
const MIB = 2 ** 20;
const PYTHON_THREAD = new URL("./threads/python.mjs", import.meta.url);
const ADAPTER_MUSCLES = 2;
const ADAPTER_TESTS = ["tests/pyodide/adapter", "tests/conformance/test_shared_memory.py"];

/**
 * Every file of tests/unit is in a group or left out for a reason: a new folder must not be forgotten.
 */
async function checkSelection() {
  const named = [...GROUPS.flat(), ...LEFT_OUT.map(([path]) => path)];
  const found = await readdir(`${ROOT}tests/unit`, { withFileTypes: true });
  const tests = found.filter((entry) =>
    entry.isDirectory() ? entry.name !== "__pycache__" : /^test_.*\.py$/.test(entry.name),
  );
  const missing = tests.map((entry) => `tests/unit/${entry.name}`).filter((path) => !named.includes(path));
  if (missing.length > 0) throw new Error(`tests/pyodide/selection.mjs does not say what to do with ${missing}`);
}

/**
 * @param {string[]} args @param {WebAssembly.Module} kernel @param {Machine} [machine] @returns {Promise<Outcome>}
 */
async function pythonThread(args, kernel, machine) {
  const wheels = (await readdir(WHEELS)).filter((name) => name.endsWith(".whl")).map((name) => join(WHEELS, name));
  const workerData = { args, kernel, wheels, machine: machine && { memory: machine.memory } };
  const worker = new Worker(PYTHON_THREAD, { workerData });
  /** @type {string[]} kept together, since two threads write at once */
  const lines = [];
  return new Promise((resolve, reject) => {
    let settled = false;
    const fail = (/** @type {Error} */ error) => {
      if (settled) return;
      settled = true;
      process.stdout.write(`${lines.join("\n")}\n`);
      reject(error);
    };
    worker.on("message", (message) => {
      if (message.line !== undefined) lines.push(message.line);
      else if (message.io) machine?.io.postMessage(message.io);
      else if (message.peer) startPeer(message.peer, machine);
      else {
        settled = true;
        process.stdout.write(`${lines.join("\n")}\n`);
        resolve(message);
      }
    });
    worker.on("error", fail);
    worker.on("exit", (code) => fail(new Error(`Python's thread ended with ${code}`)));
  });
}

/** @param {{script: string, workerData: object, alive: Int32Array}} peer @param {Machine} [machine] */
function startPeer({ script, workerData, alive }, machine) {
  const thread = new Worker(new URL(`../js/threads/${script}`, import.meta.url), { workerData });
  thread.on("error", (error) => machine?.died(error));
  thread.on("exit", () => {
    Atomics.sub(alive, 0, 1);
    Atomics.notify(alive, 0);
  });
}

/** @param {WebAssembly.Module} kernel */
async function unit(kernel) {
  await checkSelection();
  const without = [
    ...LEFT_OUT.flatMap(([path]) => ["--ignore", path]),
    ...DESELECTED.flatMap(([test]) => ["--deselect", test]),
  ];
  return Promise.all(GROUPS.map((paths) => pythonThread([...paths, ...without], kernel)));
}

/** @param {WebAssembly.Module} kernel */
async function adapter(kernel) {
  const folder = await mkdtemp(join(tmpdir(), "inos-adapter-"));
  const machine = new Machine({ kernel, muscles: ADAPTER_MUSCLES, folder, memoryBytes: 128 * MIB });
  try {
    const died = new Promise((_, reject) => machine.onDeath(reject));
    await machine.ready;
    return [await Promise.race([pythonThread(ADAPTER_TESTS, kernel, machine), died])];
  } finally {
    await machine.stop();
    await rm(folder, { recursive: true });
  }
}

/** The whole brain, driven from JavaScript by Node's own test runner. @returns {Promise<Outcome[]>} */
async function brain() {
  const file = fileURLToPath(new URL("./brain.test.mjs", import.meta.url));
  const child = spawn(process.execPath, ["--test", "--test-reporter=tap", file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (/** @type {string} */ part) => {
    output += part;
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  const count = (/** @type {string} */ name) => Number(output.match(new RegExp(`^# ${name} (\\d+)$`, "m"))?.[1] ?? 0);
  const failed = count("fail") + count("cancelled") + count("skipped") + count("todo");
  process.stdout.write(code === 0 ? `brain: ${count("pass")} passed\n` : output);
  return [{ passed: count("pass"), failed: Math.max(failed, code === 0 ? 0 : 1) }];
}

const PARTS = { unit, adapter, brain };
const chosen = process.argv.slice(2);
const total = { passed: 0, failed: 0 };
const kernel = await compileKernel();
for (const [name, part] of Object.entries(PARTS)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  const started = performance.now();
  const outcomes = await part(kernel).catch((error) => {
    process.stdout.write(`${name}: ${error?.stack ?? error}\n`);
    return [{ passed: 0, failed: 1 }];
  });
  for (const { passed, failed } of outcomes) {
    total.passed += passed;
    total.failed += failed;
  }
  process.stdout.write(`==== pyodide ${name}: ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
}
// Written before exit by hand: threads that are still shutting down must not hold the process.
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`, () =>
  process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0),
);
