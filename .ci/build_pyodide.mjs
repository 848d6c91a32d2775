/**
 * Makes the files that a browser starts Python from. Needs Node >= 20 and nothing else.
 *
 *   node .ci/build_pyodide.mjs --out static/build/pyodide [--pyodide node_modules/pyodide] [--sources py]
 *
 * Into the out folder: Pyodide's loader and interpreter, `python_stdlib.zip` (bytecode), `site.zip` (the wheels found in
 * the out folder: bytecode and shared objects), `snapshot.bin`, `stock/` (the unchanged standard library, for the
 * benchmark) and `build.json`, which names every file with its size and SHA-256. Beside the out folder: `inos.zip`, our own
 * Python as bytecode.
 *
 * The same inputs give the same bytes. `build.json` is written last: a folder without it is an unfinished build.
 */
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { encodeSnapshot } from "../web/worker/python/snapshot.js";
import { pythonCompiler, startPyodide, takeSnapshot } from "./pyodide/python.mjs";
import { isShipped } from "./pyodide/stdlib.mjs";
import { readZip, writeZip } from "./pyodide/zip.mjs";

/** @typedef {(source: Uint8Array, filename: string) => Uint8Array} Compile */

const COPIED = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm"];
const PACKAGES = ["inos", "inos_web"];
const SITE_PACKAGES = "/lib/python3.14/site-packages";

/** @param {Uint8Array | string} data */
const sha256 = (data) => createHash("sha256").update(data).digest("hex");

/** @param {string} text */
const say = (text) => process.stdout.write(`${text}\n`);

/**
 * @param {string} archive
 * @param {Compile} compile
 */
async function buildStdlib(archive, compile) {
  const entries = [];
  for (const { name, data } of readZip(await readFile(archive))) {
    if (!isShipped(name)) continue;
    if (!name.endsWith(".py")) entries.push({ name, data });
    else entries.push({ name: `${name}c`, data: compile(data, `/lib/python314.zip/${name}`) });
  }
  return writeZip(entries);
}

/**
 * Packages with shared objects cannot be imported from a ZIP file: boot unpacks this one.
 *
 * @param {string[]} wheels
 * @param {Compile} compile
 */
async function buildSite(wheels, compile) {
  const entries = [];
  for (const wheel of wheels) {
    for (const { name, data } of readZip(await readFile(wheel))) {
      if (/\.pyi$|\/RECORD$/.test(name)) continue;
      if (!name.endsWith(".py")) entries.push({ name, data });
      else entries.push({ name: `${name}c`, data: compile(data, `${SITE_PACKAGES}/${name}`) });
    }
  }
  return writeZip(entries);
}

/**
 * @param {string} sources
 * @param {Compile} compile
 */
async function buildInos(sources, compile) {
  const entries = [];
  for (const name of PACKAGES) {
    const found = await readdir(join(sources, name), { recursive: true }).catch(() => []);
    const modules = found.filter((path) => path.endsWith(".py")).sort();
    if (modules.length === 0) say(`  no Python files in ${join(sources, name)}: inos.zip is built without ${name}`);
    for (const path of modules) {
      const inside = `${name}/${path.replaceAll("\\", "/")}`;
      entries.push({
        name: `${inside}c`,
        data: compile(await readFile(join(sources, name, path)), `/lib/inos.zip/${inside}`),
      });
    }
  }
  return writeZip(entries);
}

/**
 * @param {string} out
 * @param {string[]} names relative to the out folder
 */
async function describe(out, names) {
  /** @type {Record<string, {bytes: number, sha256: string}>} */
  const files = {};
  for (const name of names) {
    const data = await readFile(join(out, name));
    files[name] = { bytes: data.length, sha256: sha256(data) };
  }
  return files;
}

/** @param {{out: string, pyodide: string, sources: string}} options */
async function build({ out, pyodide, sources }) {
  await mkdir(join(out, "stock"), { recursive: true });
  await rm(join(out, "build.json"), { force: true });
  for (const name of COPIED) await copyFile(join(pyodide, name), join(out, name));
  for (const name of ["python_stdlib.zip", "pyodide-lock.json"]) {
    await copyFile(join(pyodide, name), join(out, "stock", name));
  }
  say("Python: compiling the standard library");
  const compile = pythonCompiler(await startPyodide(pyodide));
  const stdlib = join(out, "python_stdlib.zip");
  await writeFile(stdlib, await buildStdlib(join(pyodide, "python_stdlib.zip"), compile));
  const wheels = (await readdir(out)).filter((name) => name.endsWith(".whl")).sort();
  say(`Python: unpacking ${wheels.length} wheels`);
  await writeFile(
    join(out, "site.zip"),
    await buildSite(
      wheels.map((name) => join(out, name)),
      compile,
    ),
  );
  const inos = join(dirname(resolve(out)), "inos.zip");
  await writeFile(inos, await buildInos(sources, compile));

  say("Python: taking the memory snapshot");
  const base = await describe(out, [...COPIED, "python_stdlib.zip", "../inos.zip"]);
  const snapshotKey = sha256(JSON.stringify(base));
  const { head, heap, fresh, leftOut } = await takeSnapshot(pyodide, stdlib, inos);
  for (const reason of leftOut) say(`  not in the snapshot: ${reason}`);
  await writeFile(join(out, "snapshot.bin"), encodeSnapshot({ key: snapshotKey, heap, fresh }));
  const snapshotHead = Buffer.from(head).toString("hex");

  const files = { ...base, ...(await describe(out, ["snapshot.bin", "site.zip"])) };
  const { version } = JSON.parse(await readFile(join(pyodide, "package.json"), "utf8"));
  const { info } = JSON.parse(await readFile(join(pyodide, "pyodide-lock.json"), "utf8"));
  const inputs = await describe(out, [...wheels, "stock/python_stdlib.zip"]);
  const buildId = sha256(JSON.stringify({ files, inputs, version, snapshotHead }));
  const report = {
    buildId,
    snapshotKey,
    snapshotHead,
    pyodide: version,
    python: info.python,
    lockInfo: info,
    wheels,
    files,
  };
  await writeFile(join(out, "build.json"), `${JSON.stringify(report, null, 2)}\n`);
  const total = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
  say(`Python: ready, ${(total / 2 ** 20).toFixed(1)} MiB, build ${buildId.slice(0, 12)}`);
}

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    pyodide: { type: "string", default: "node_modules/pyodide" },
    sources: { type: "string", default: "py" },
  },
});
if (!values.out) {
  process.stderr.write("build_pyodide: --out FOLDER is missing\n");
  process.exit(2);
}
try {
  await build({ out: values.out, pyodide: values.pyodide, sources: values.sources });
} catch (error) {
  const { code, path } = /** @type {NodeJS.ErrnoException} */ (error);
  if (code !== "ENOENT") throw error;
  process.stderr.write(`build_pyodide: ${path} is missing: run \`npm ci\` and the set-up first\n`);
  process.exit(1);
}
