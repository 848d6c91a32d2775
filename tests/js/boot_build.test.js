/** The build of Python's files: complete, what it says of itself, the same every time. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readZip, writeZip } from "../../.ci/pyodide/zip.mjs";
import { storedEntries } from "../../web/worker/python/unzip.js";
import { OUT, ROOT, readBuild } from "./boot_fixture.js";

/** @param {string} path */
const sha256 = async (path) =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");

test("build.json names every file as it is", async () => {
  const build = await readBuild();
  const expected = [
    "../inos.zip",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "pyodide.mjs",
    "python_stdlib.zip",
    "site.zip",
    "snapshot.bin",
  ];
  assert.deepEqual(Object.keys(build.files).sort(), expected);
  for (const [name, { bytes, sha256: hash }] of Object.entries(build.files)) {
    assert.equal((await stat(OUT + name)).size, bytes, name);
    assert.equal(await sha256(OUT + name), hash, name);
  }
  assert.match(build.buildId, /^[0-9a-f]{64}$/);
  assert.match(build.python, /^3\.14\./);
  assert.deepEqual(
    build.wheels.map((name) => name.split("-")[0]),
    ["cbor2", "msgspec"],
  );
});

test("the archives hold bytecode and no sources", async () => {
  const stdlib = readZip(await readFile(`${OUT}python_stdlib.zip`)).map(({ name }) => name);
  for (const name of ["asyncio/events.pyc", "encodings/cp437.pyc", "pyodide/__init__.pyc", "unittest/mock.pyc"]) {
    assert.ok(stdlib.includes(name), name);
  }
  const site = storedEntries(await readFile(`${OUT}site.zip`)).map(({ name }) => name);
  const inos = readZip(await readFile(`${OUT}../inos.zip`)).map(({ name }) => name);
  assert.deepEqual(
    [...stdlib, ...site, ...inos].filter((name) => name.endsWith(".py")),
    [],
  );
  assert.ok(site.some((name) => /^msgspec\/_core.*\.so$/.test(name)));
  assert.ok(site.includes("msgspec-0.22.0.dist-info/METADATA"));
});

test("two builds of the same sources give the same bytes", async () => {
  const { wheels } = await readBuild();
  const scratch = await mkdtemp(join(tmpdir(), "inos-build-"));
  try {
    // A copy: somebody may be at work on the sources while the tests run.
    const sources = join(scratch, "py");
    for (const name of ["inos", "inos_web"]) await cp(join(ROOT, "py", name), join(sources, name), { recursive: true });
    const pyodide = process.env.INOS_PYODIDE ?? join(ROOT, "node_modules/pyodide");
    const reports = [];
    for (const turn of ["first", "second"]) {
      const out = join(scratch, turn, "pyodide");
      await mkdir(out, { recursive: true });
      for (const name of wheels) await copyFile(OUT + name, join(out, name));
      const options = ["--out", out, "--pyodide", pyodide, "--sources", sources];
      execFileSync(process.execPath, [join(ROOT, ".ci/build_pyodide.mjs"), ...options], { cwd: ROOT });
      reports.push(JSON.parse(await readFile(join(out, "build.json"), "utf8")));
    }
    assert.deepEqual(reports[1], reports[0]);
  } finally {
    await rm(scratch, { recursive: true });
  }
});

test("archives come back as they were written", () => {
  const entries = [
    { name: "a.txt", data: new Uint8Array(0) },
    { name: "d/größe.bin", data: Uint8Array.from({ length: 70000 }, (_, i) => (i * i) >> 3) },
  ];
  const archive = new Uint8Array(writeZip(entries));
  for (const read of [readZip, storedEntries]) {
    assert.deepEqual(
      read(archive).map(({ name, data }) => ({ name, data: new Uint8Array(data) })),
      entries,
    );
  }
  assert.throws(() => readZip(archive.subarray(0, 90)), /cut short/);
  assert.throws(() => storedEntries(archive.subarray(0, 90)), /not one of our archives/);
});

test("a wheel is compressed: the build reads it, boot refuses it", async () => {
  const [wheel] = (await readBuild()).wheels;
  const data = new Uint8Array(await readFile(OUT + wheel));
  assert.ok(readZip(data).some(({ name }) => name.endsWith("/METADATA")));
  assert.throws(() => storedEntries(data), /compressed/);
});
