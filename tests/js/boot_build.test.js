/** The build of Python's files: complete, what it says of itself, the same every time. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { readZip, writeZip } from "../../.ci/pyodide/zip.mjs";
import { storedEntries } from "../../web/worker/brain/unzip.js";
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

test("a second build gives the same bytes", async () => {
  const build = await readBuild();
  const scratch = await mkdtemp(join(tmpdir(), "inos-build-"));
  try {
    const out = join(scratch, "pyodide");
    await mkdir(out);
    for (const name of build.wheels) await copyFile(OUT + name, join(out, name));
    const pyodide = process.env.INOS_PYODIDE ?? join(ROOT, "node_modules/pyodide");
    execFileSync(process.execPath, [join(ROOT, ".ci/build_pyodide.mjs"), "--out", out, "--pyodide", pyodide], {
      cwd: ROOT,
    });
    for (const name of ["python_stdlib.zip", "site.zip", "snapshot.bin"]) {
      assert.equal(await sha256(join(out, name)), build.files[name].sha256, name);
    }
    assert.ok((await stat(join(dirname(out), "inos.zip"))).isFile());
  } finally {
    await rm(scratch, { recursive: true });
  }
});

test("archives come back as they were written, stored or deflated", () => {
  const entries = [
    { name: "a.txt", data: new Uint8Array(0) },
    { name: "d/größe.bin", data: Uint8Array.from({ length: 70000 }, (_, i) => (i * i) >> 3) },
  ];
  for (const deflate of [true, false]) {
    const archive = writeZip(entries, { deflate });
    assert.deepEqual(
      readZip(archive).map(({ name, data }) => ({ name, data: new Uint8Array(data) })),
      entries,
    );
  }
  assert.deepEqual(
    storedEntries(new Uint8Array(writeZip(entries, { deflate: false }))).map(({ name, data }) => ({
      name,
      data: data.slice(),
    })),
    entries,
  );
  assert.throws(() => storedEntries(new Uint8Array(writeZip(entries, { deflate: true }))), /compressed/);
  assert.throws(() => readZip(writeZip(entries, { deflate: true }).subarray(0, 90)), /cut short/);
});
