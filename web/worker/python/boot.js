/**
 * Starts Python in a module worker: from the memory snapshot if it fits this build, else from cold.
 *
 *     const { pyodide, how, why, stages } = await bootPython({
 *       base: "/build/pyodide/", build, module, // build.json and the compiled pyodide.asm.wasm, posted by the page
 *       registerModules: { inos_js: { wake, region } }, // what Python gets by `import inos_js`
 *       imports: ["inos_web.main"],
 *       onStage: (stage) => postMessage({ type: "boot", ...stage }),
 *     });
 *     const main = pyodide.pyimport("inos_web.main");
 *     await main.run();
 *
 * Stages, one after the other: load (the loader's JavaScript), create (instance made, files written), python (snapshot
 * restored or Python initialised), settle (reseeded, paths set), modules, imports. The files arrive beside load and create,
 * and come from the pantry once the service worker has kept the site.
 *
 * Invariants: nothing is fetched but from `base`; the snapshot holds no key (of our Python it has those modules of the pure
 * `inos` that import without the wheels), and `random` is seeded anew before any code of ours runs. The seed of str and bytes
 * hashes is part of the snapshot and therefore the same in every browser: what a stranger can name must be bounded in
 * number, as it must be anyhow. `os.urandom` and `secrets` ask the browser each time.
 *
 * Must not know: what Python does once it runs.
 */
import { gather, readChecked, webAssets } from "./assets.js";
import { asBootError, BootError } from "./boot_error.js";
import { sitePantry } from "./pantry.js";
import { forever, quietImportScripts, STDLIB_URL, withSeams } from "./seams.js";
import { decodeSnapshot, SnapshotError, writePages } from "./snapshot.js";
import { storedEntries } from "./unzip.js";

export { BootError };

/**
 * @typedef {import("./assets.js").Build} Build
 * @typedef {import("./assets.js").AssetSource} AssetSource
 * @typedef {import("./assets.js").Pantry} Pantry
 * @typedef {import("./snapshot.js").Snapshot} Snapshot
 * @typedef {{name: string, bytes?: number, bytesTotal?: number}} StageReport with name `assets`: how much has arrived
 * @typedef {{base: string, build: Build, module?: WebAssembly.Module, registerModules?: Record<string, object>,
 *   imports?: string[], onStage?: (stage: StageReport) => void, source?: AssetSource, pantry?: Pantry,
 *   files?: Record<string, Uint8Array>}} BootOptions `files`: checked before, they may be in shared memory
 * @typedef {{pyodide: any, how: "snapshot" | "cold", why?: string, from: "pantry" | "network" | "given",
 *   files: Map<string, Promise<Uint8Array>>, stages: {name: string, ms: number}[]}} Booted `why` there was no restore;
 *   `files` = what it started from
 * @typedef {{indexUrl: string, build: Build, files: Map<string, Promise<Uint8Array>>, needed: Promise<Uint8Array[]>,
 *   loadPyodide: any, createModule: any, module: WebAssembly.Module, clock: ReturnType<typeof stageClock>}} Parts
 */

const STDLIB = "python_stdlib.zip";
const SITE = "site.zip";
const INOS = "../inos.zip";
const SNAPSHOT = "snapshot.bin";
const INOS_ZIP = "/lib/inos.zip";

/** `logging` took its start time when the snapshot was made; everything else in the snapshot is timeless. */
const SETTLE = `
import logging, random, sys, time
random.seed()
logging._startTime = time.time_ns()
if "${INOS_ZIP}" not in sys.path:
    sys.path.insert(1, "${INOS_ZIP}")
`;

/**
 * @param {BootOptions} options
 * @returns {Promise<Booted>}
 */
export async function bootPython(options) {
  const { base, build, module, registerModules = {}, imports = [], onStage } = options;
  const clock = stageClock(onStage);
  const restoreImportScripts = quietImportScripts();
  try {
    if (typeof WebAssembly !== "object") throw new BootError("unsupported", "This browser has no WebAssembly.");
    clock.begin("load");
    const source = options.source ?? webAssets(base);
    const pantry = options.pantry ?? (options.source ? undefined : sitePantry(source.indexUrl));
    const names = [STDLIB, SITE, INOS, SNAPSHOT];
    const gathered = options.files ? given(options.files) : gather(source, build, names, pantry);
    reportArrivals(build, gathered.files, onStage);
    const [loader, interpreter, compiled] = await Promise.all([
      source.load("pyodide.mjs"),
      source.load("pyodide.asm.mjs"),
      module ?? compile(source, build),
    ]);
    const { files } = gathered;
    const started = await start({
      indexUrl: source.indexUrl,
      build,
      files,
      needed: Promise.all([STDLIB, SITE, INOS].map((name) => /** @type {Promise<Uint8Array>} */ (files.get(name)))),
      loadPyodide: loader.loadPyodide,
      createModule: interpreter.default,
      module: compiled,
      clock,
    });
    clock.begin("settle");
    started.pyodide.runPython(SETTLE);
    clock.begin("modules");
    for (const [name, value] of Object.entries(registerModules)) started.pyodide.registerJsModule(name, value);
    clock.begin("imports");
    for (const name of imports) started.pyodide.pyimport(name).destroy();
    return { ...started, from: gathered.from(), stages: clock.end(), files };
  } catch (error) {
    throw asBootError(error);
  } finally {
    restoreImportScripts();
  }
}

/** @param {Record<string, Uint8Array>} files */
function given(files) {
  const there = new Map(Object.entries(files).map(([name, data]) => [name, Promise.resolve(data)]));
  return { files: there, from: () => /** @type {const} */ ("given") };
}

/**
 * @param {Build} build
 * @param {Map<string, Promise<Uint8Array>>} files
 * @param {BootOptions["onStage"]} onStage
 */
function reportArrivals(build, files, onStage) {
  const bytesTotal = [...files.keys()].reduce((sum, name) => sum + (build.files[name]?.bytes ?? 0), 0);
  let bytes = 0;
  for (const file of files.values()) {
    file.then(
      (data) => {
        bytes += data.length;
        onStage?.({ name: "assets", bytes, bytesTotal });
      },
      () => {},
    );
  }
}

/** @param {BootOptions["onStage"]} onStage */
function stageClock(onStage) {
  /** @type {{name: string, ms: number}[]} */
  const stages = [];
  let since = performance.now();
  const close = () => {
    const now = performance.now();
    const last = stages.at(-1);
    if (last) last.ms = now - since;
    since = now;
  };
  return {
    /** @param {string} name */
    begin(name) {
      close();
      stages.push({ name, ms: 0 });
      onStage?.({ name });
    },
    end() {
      close();
      return stages;
    },
  };
}

/**
 * @param {AssetSource} source
 * @param {Build} build
 */
async function compile(source, build) {
  const bytes = await readChecked(source, build, "pyodide.asm.wasm");
  return WebAssembly.compile(bytes).catch((error) => {
    throw new BootError("unsupported", "This browser cannot run Python's WebAssembly.", error);
  });
}

/**
 * @param {Parts} parts
 * @returns {Promise<{pyodide: any, how: "snapshot" | "cold", why?: string}>}
 */
async function start(parts) {
  let why = "the build has no snapshot";
  if (parts.build.files[SNAPSHOT]) {
    try {
      return { pyodide: await startOnce(parts, true), how: "snapshot" };
    } catch (error) {
      const failure = asBootError(error);
      // Too little memory, or a file missing that a cold start wants as well: it would fail the same way, later.
      if (!(error instanceof SnapshotError) && failure.code !== "python-failed") throw failure;
      why = error instanceof SnapshotError ? error.message : `the snapshot did not restore: ${failure.what}`;
    }
  }
  return { pyodide: await startOnce(parts, false), how: "cold", why };
}

/**
 * @param {Parts} parts
 * @returns {Promise<Snapshot>}
 */
async function readSnapshot({ build, files }) {
  try {
    return decodeSnapshot(/** @type {Uint8Array} */ (await files.get(SNAPSHOT)), build.snapshotKey);
  } catch (error) {
    if (error instanceof BootError) throw new SnapshotError(error.what, { cause: error });
    throw error;
  }
}

/** @param {string} text */
function fromHex(text) {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

/**
 * @param {Parts} parts
 * @param {boolean} restored
 */
function startOnce(parts, restored) {
  const { indexUrl, build, files, needed, loadPyodide, createModule, module, clock } = parts;
  /** @param {any} settings */
  const createPyodideModule = async (settings) => {
    // Pyodide asks for a start heap of the snapshot's size; its own 30 MiB are what the snapshot was taken from.
    delete settings.INITIAL_MEMORY;
    const instance = await createModule(settings);
    if (!restored) return instance;
    clock.begin("python");
    writePages(await readSnapshot(parts), instance.HEAPU8);
    return instance;
  };
  clock.begin("create");
  const stdlib = /** @type {Promise<Uint8Array>} */ (files.get(STDLIB));
  return withSeams({ module, stdlib }, needed, () =>
    loadPyodide({
      indexURL: indexUrl,
      packageBaseUrl: indexUrl,
      stdLibURL: STDLIB_URL,
      lockFileContents: { info: build.lockInfo, packages: {} },
      createPyodideModule,
      // The head alone: the pages are in place by the time that Pyodide takes up its JavaScript references from it.
      ...(restored ? { _loadSnapshot: fromHex(build.snapshotHead) } : {}),
      fsInit: (/** @type {any} */ fs, /** @type {any} */ { sitePackages }) =>
        // A failure ends the start by way of `needed`; the loader must hear nothing, it would go on without the files.
        needed.then(([_, site, inos]) => writeFiles(fs, sitePackages, site, inos), forever),
    }),
  );
}

/**
 * The file system is not part of a snapshot. `canOwn` makes the files views of the archive: no byte is copied.
 *
 * @param {any} fs
 * @param {string} sitePackages
 * @param {Uint8Array} site
 * @param {Uint8Array} inos
 */
function writeFiles(fs, sitePackages, site, inos) {
  const made = new Set();
  for (const { name, data } of storedEntries(site)) {
    const path = `${sitePackages}/${name}`;
    const folder = path.slice(0, path.lastIndexOf("/"));
    if (!made.has(folder)) fs.mkdirTree(folder);
    made.add(folder);
    fs.writeFile(path, data, { canOwn: true });
  }
  fs.writeFile(INOS_ZIP, inos, { canOwn: true });
}
