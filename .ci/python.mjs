// Run a Python script with whatever Python this machine has: `node .ci/python.mjs SCRIPT [ARGUMENT...]`.
//
// npm scripts cannot say "python3, or python, or .venv's own" in a way that works in every shell; this can.
// With `--venv` first, the interpreter is `.venv`'s (set-up made it). Signals reach the child, and its exit code is ours.

import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const VENV_PYTHON = join(
  ROOT,
  ".venv",
  ...(process.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"]),
);
const NEW_ENOUGH = "import sys; sys.exit(sys.version_info < (3, 11))";

/** @returns {string | undefined} the first Python on the path that is new enough */
function findPython() {
  const names = ["python3", "python", "python3.14", "python3.13", "python3.12", "python3.11"];
  return names.find((name) => spawnSync(name, ["-c", NEW_ENOUGH], { stdio: "ignore" }).status === 0);
}

const words = process.argv.slice(2);
const inVenv = words[0] === "--venv";
if (inVenv) words.shift();
const python = inVenv ? (existsSync(VENV_PYTHON) ? VENV_PYTHON : undefined) : findPython();
if (python === undefined) {
  const what = inVenv ? "INOS is not set up yet: run npm start" : "INOS needs Python 3.11 or newer: install it first";
  process.stderr.write(`${what}\n`);
  process.exit(2);
}

const child = spawn(python, words, { cwd: ROOT, stdio: "inherit" });
// Ctrl-C goes to the whole terminal group, so the child has it already; a signal to npm alone must be passed on.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("error", (error) => {
  process.stderr.write(`${python} could not be started: ${error.message}\n`);
  process.exit(2);
});
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
