/**
 * Pyodide in Node, for the build: compiles Python to bytecode and takes the memory snapshot.
 *
 * The bytecode must be made by the very interpreter that will run it (its magic number is checked at import), so it is made
 * inside Pyodide. All is reproducible: fixed hash seed, no time stamps, `random` seeded with a constant.
 */
import nodeCrypto from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { PRELOADED } from "./stdlib.mjs";

/** Compiles with the final path as file name, so that tracebacks name the file as it will be found. */
const COMPILER = `
import importlib.util, marshal

def compile_module(source, filename):
    data = source.to_bytes()
    code = compile(data, filename, "exec", dont_inherit=True, optimize=0)
    # Flags 0b01: hash-based and never compared with a source, of which there is none.
    header = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(data)
    return header + marshal.dumps(code)

compile_module
`;

/**
 * What must not be in every browser's copy: the build machine's environment and the constant hash seed's variable.
 * \`random\` gets a constant state here and a fresh one after each restore.
 */
const SETTLE = `
import gc, os, random, sys
random.seed(0)
os.environ.pop("PYTHONHASHSEED", None)
sys.argv[:] = [""]
sys.path[:] = [entry for entry in sys.path if entry]  # Pyodide puts "" in front at every start
gc.collect()
gc.freeze()
`;

/**
 * Imports every module of `inos` that does without the wheels: defining its classes takes Python longer than restoring.
 * `inos` is pure (no clock, entropy or JavaScript at import), so a copy of it in memory is as good as new.
 * Gives the modules left out, each with the reason.
 */
const PRELOAD_INOS = `
import importlib, sys, zipfile

def preload_inos(archive):
    sys.path.insert(0, archive)
    left_out = []
    for path in zipfile.ZipFile(archive).namelist():
        if not path.startswith("inos/"):
            continue
        name = path.removesuffix(".pyc").removesuffix("/__init__").replace("/", ".")
        try:
            importlib.import_module(name)
        except ImportError as error:
            left_out.append(f"{name} ({error})")
    # What was looked for in vain must be looked for again once the wheels are there.
    for entry in [entry for entry in sys.path_importer_cache if entry.endswith("site-packages")]:
        del sys.path_importer_cache[entry]
    return chr(10).join(left_out)

preload_inos("/lib/inos.zip")
`;

/**
 * @param {string} folder of Pyodide's files
 * @param {Record<string, unknown>} options
 */
export async function startPyodide(folder, options = {}) {
  const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")).href);
  return loadPyodide({
    indexURL: resolve(folder),
    lockFileContents: await emptyLock(folder),
    packageBaseUrl: `${resolve(folder)}/`,
    _sysExecutable: "python",
    env: { PYTHONHASHSEED: "0" },
    ...options,
  });
}

/** @param {string} folder */
async function emptyLock(folder) {
  const { info } = JSON.parse(await readFile(join(folder, "pyodide-lock.json"), "utf8"));
  return { info, packages: {} };
}

/**
 * @param {any} pyodide
 * @returns {(source: Uint8Array, filename: string) => Uint8Array}
 */
export function pythonCompiler(pyodide) {
  const compile = pyodide.runPython(COMPILER);
  return (source, filename) => {
    // Pyodide knows typed arrays by their exact class: a Node Buffer is refused.
    const proxy = compile(new Uint8Array(source), filename);
    const bytes = proxy.toJs();
    proxy.destroy();
    return bytes;
  };
}

/**
 * What memory looks like when a restore begins: the instance is made, Python's main has not run.
 *
 * @param {string} folder
 * @param {string} stdlib
 * @returns {Promise<Uint8Array>}
 */
async function freshHeap(folder, stdlib) {
  const { default: createModule } = await import(pathToFileURL(join(folder, "pyodide.asm.mjs")).href);
  return new Promise((resolve, reject) => {
    const createPyodideModule = async (/** @type {any} */ settings) => {
      const bare = await createModule({ ...settings, noInitialRun: true });
      resolve(bare.HEAPU8.slice());
      return new Promise(() => {}); // the heap was all that was wanted: this start never goes on
    };
    startPyodide(folder, { stdLibURL: stdlib, createPyodideModule }).catch(reject);
  });
}

/**
 * Clock and entropy of the build, for as long as the work takes: what Python takes up of either goes into the snapshot, which
 * shall not differ from one build to the next. Whoever restores it seeds anew.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function withFixedClockAndEntropy(work) {
  const { now } = Date;
  const performanceNow = performance.now;
  // Emscripten's entropy in Node; in a browser it is crypto.getRandomValues.
  const { randomFillSync } = nodeCrypto;
  let ticks = 0;
  Date.now = () => Date.UTC(2026, 0, 1);
  performance.now = () => ++ticks / 1000;
  nodeCrypto.randomFillSync = (/** @type {any} */ view) => view.fill(0x5a);
  try {
    return await work();
  } finally {
    Object.assign(Date, { now });
    performance.now = performanceNow;
    nodeCrypto.randomFillSync = randomFillSync;
  }
}

/**
 * @typedef {{head: Uint8Array, heap: Uint8Array, fresh: Uint8Array, leftOut: string[]}} Taken
 *
 * @param {string} folder
 * @param {string} stdlib path of the .pyc standard library
 * @param {string} inos path of our own Python
 * @returns {Promise<Taken>}
 */
export async function takeSnapshot(folder, stdlib, inos) {
  return withFixedClockAndEntropy(() => snapshotParts(folder, stdlib, inos));
}

/**
 * @param {string} folder
 * @param {string} stdlib
 * @param {string} inos
 * @returns {Promise<Taken>}
 */
async function snapshotParts(folder, stdlib, inos) {
  const fresh = await freshHeap(folder, stdlib);
  const archive = new Uint8Array(await readFile(inos));
  const fsInit = async (/** @type {any} */ fs) => fs.writeFile("/lib/inos.zip", archive);
  const pyodide = await startPyodide(folder, { stdLibURL: stdlib, _makeSnapshot: true, fsInit });
  pyodide.runPython(`import ${PRELOADED.join(", ")}`);
  const leftOut = pyodide.runPython(PRELOAD_INOS).split("\n").filter(Boolean);
  pyodide.runPython(SETTLE);
  const raw = pyodide.makeMemorySnapshot();
  const headBytes = new DataView(raw.buffer).getUint32(4, true);
  return { head: raw.slice(0, headBytes), heap: raw.slice(headBytes), fresh, leftOut };
}
