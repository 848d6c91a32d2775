/**
 * web/page/compute.js on Node's threads: what it finds in a page and Node lacks, which is Worker's events and Web Locks.
 *
 * A lock is granted to the page when the thread that holds it has ended, so here it is the thread's `exit`.
 */
import { pathToFileURL } from "node:url";
import { ComputeThreads } from "../../web/page/compute.js";
import { OUT } from "../js/boot_fixture.js";

/** @type {Map<string, Promise<unknown>>} name of a lock -> the end of the thread that holds it */
const ends = new Map();
Object.defineProperty(globalThis, "navigator", {
  configurable: true,
  value: {
    locks: {
      request: (/** @type {string} */ name, /** @type {() => void} */ granted) => ends.get(name)?.then(granted),
    },
  },
});

/**
 * @param {import("./machine.mjs").Machine} machine
 * @param {{python: WebAssembly.Module, build: object}} parts
 * @param {(happening: object) => void} tell
 */
export function computePage(machine, { python, build }, tell) {
  const base = pathToFileURL(OUT).href;
  /** @param {string} name @param {any} start @returns {any} */
  const startThread = (name, start) => {
    const { memory, kernel } = machine;
    const first = { type: "start", memory, kernel, python, build, base, name, ...start };
    const thread = machine.start("compute/main.js", first);
    ends.set(start.lock, new Promise((resolve) => thread.once("exit", resolve)));
    return {
      postMessage: (/** @type {any} */ message) => thread.postMessage(message),
      terminate: () => thread.terminate(),
      addEventListener: (/** @type {string} */ type, /** @type {(event: any) => void} */ listener) => {
        if (type === "message") thread.on(type, (data) => listener({ data }));
        if (type === "error") thread.on(type, ({ message }) => listener({ message, preventDefault: () => {} }));
      },
    };
  };
  return new ComputeThreads(startThread, tell);
}
