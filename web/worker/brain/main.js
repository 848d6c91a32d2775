/**
 * The brain's worker: boots Python, then turns the one loop in which every decision is made.
 *
 * One turn: drain the rings, let Python run until it has nothing to do, sleep on EPOCH_BRAIN until somebody publishes or
 * Python's next deadline comes. Messages from the page only queue work and publish the same epoch.
 * Invariants: nothing here blocks; Python is entered only from `turn`, but for what asyncio steps of a console's own sources.
 */

import { atomicsBridge } from "../../shared/atomics_bridge.js";
import { sharedBuffer } from "../../shared/buffer.js";
import { Epoch } from "../../shared/epochs.js";
import { startKernel } from "../../shared/kernel.js";
import * as L from "../../shared/layout.gen.js";
import { Meter, metricWords } from "../../shared/metrics.js";
import { shareFiles } from "../python/assets.js";
import { BootError, bootPython } from "../python/boot.js";
import { computeBridge, drains, ioBridge, jobBridge, netBridge } from "./bridge.js";
import { Keyring } from "./keyring.js";
import { Passphrase } from "./passphrase.js";

/**
 * @typedef {{type: "start", memory: WebAssembly.Memory, kernel: WebAssembly.Module, python: WebAssembly.Module | undefined,
 *   build: import("../python/boot.js").Build, base: string, thread: number, muscles: number,
 *   alone: boolean}} BrainStart
 * @typedef {{type: "call", id: number, method: string, args: string}} BrainCall
 */

const REGION_PATH = "/inos/region";

class Brain {
  #buffer;
  #epoch;
  /** @type {any} */ #python = null;
  /** @type {any} */ #pyodide = null;
  /** @type {(() => void)[]} what messages left for the next turn */ #pending = [];
  #keyring = new Keyring();
  /** @type {Passphrase | null} */ #passphrase = null;
  /** @type {Map<string, Promise<Uint8Array>>} what Python started from */ #files = new Map();
  /** @type {Promise<Record<string, Uint8Array>> | null} the same for compute workers */ #shared = null;
  /** @type {Promise<void>} */ #commands = Promise.resolve();

  /** @param {WebAssembly.Memory} memory */
  constructor(memory) {
    this.#buffer = sharedBuffer(memory);
    this.#epoch = new Epoch(this.#buffer, L.EPOCH_BRAIN);
  }

  /** @param {BrainStart} start */
  async start(start) {
    const kernel = await startKernel(start.kernel, start.memory, start.thread);
    const { pyodide, how, why, stages, files } = await bootPython({
      base: start.base,
      build: start.build,
      module: start.python,
      registerModules: {
        inos_js: {
          ...atomicsBridge(this.#buffer),
          ...jobBridge(this.#buffer, kernel, start.thread),
          ...ioBridge(this.#buffer),
          ...netBridge(this.#buffer),
          ...computeBridge(this.#buffer),
          compute: this.#compute.bind(this),
          crypto: this.#crypto.bind(this),
          reply: (/** @type {number} */ id, /** @type {boolean} */ ok, /** @type {string} */ json) =>
            self.postMessage({ type: "reply", id, ok, json }),
          page: (/** @type {string} */ json) => self.postMessage({ type: "peers", command: JSON.parse(json) }),
          signal: (/** @type {string} */ room, /** @type {any} */ payload) => {
            const view = payload.getBuffer("u8");
            const copy = view.data.slice();
            view.release();
            self.postMessage(
              { type: "peers", command: { op: "signal", room, payload: copy } },
              { transfer: [copy.buffer] },
            );
          },
        },
      },
      imports: ["inos_web.main"],
      onStage: (stage) => self.postMessage({ type: "stage", ...stage }),
    });
    this.#files = files;
    this.#pyodide = pyodide;
    this.#passphrase = new Passphrase(start.base);
    // MEMFS keeps this view as the file's contents, so pread and pwrite reach the shared memory (pyodide-facts A.1.5).
    pyodide.FS.mkdirTree("/inos");
    pyodide.FS.writeFile(REGION_PATH, new Uint8Array(this.#buffer), { canOwn: true });
    const main = pyodide.pyimport("inos_web.main");
    const { origin } = self.location;
    this.#python = main.start(REGION_PATH, start.muscles, performance.timeOrigin / 1000, origin, start.alone);
    main.destroy();
    self.postMessage({ type: "booted", how, why, stages });
    await this.#loop();
  }

  async #loop() {
    const python = this.#python;
    const drain = drains(this.#buffer, {
      on_io: python.on_io,
      on_net: python.on_net,
      on_control: python.on_control,
    });
    const turn = python.turn;
    const metrics = metricWords(this.#buffer);
    const slept = new Meter(metrics, L.METRIC_BRAIN_SLEPT_MS);
    for (;;) {
      const seen = this.#epoch.load();
      const pending = this.#pending;
      this.#pending = [];
      for (const run of pending) run();
      drain();
      const waitMs = turn(performance.now());
      Atomics.add(metrics, L.METRIC_BRAIN_TURNS, 1);
      const sleeps = waitMs > 0 && this.#epoch.load() === seen;
      const lay = performance.now();
      await this.#epoch.waitAsync(seen, waitMs);
      if (!sleeps) continue;
      Atomics.add(metrics, L.METRIC_BRAIN_SLEEPS, 1);
      slept.add(performance.now() - lay);
    }
  }

  /**
   * One keyring operation; the answer comes back to Python in a later turn.
   * @param {number} effect @param {string} op a method of the keyring or the passphrase's @param {any[]} buffers
   */
  #crypto(effect, op, ...buffers) {
    const args = buffers.map((buffer) => {
      const view = buffer.getBuffer("u8");
      const copy = view.data.slice();
      view.release();
      return copy;
    });
    const owner = /** @type {any} */ (op in this.#keyring ? this.#keyring : this.#passphrase);
    const operation = /** @type {Promise<Uint8Array>} */ (owner[op](...args));
    operation.then(
      (bytes) => this.later(() => this.#python.on_crypto(effect, true, bytes)),
      (error) => this.later(() => this.#python.on_crypto(effect, false, String(error))),
    );
  }

  /** A command to the page about a compute worker, in order; the first start waits for the files. @param {string} json */
  #compute(json) {
    const command = JSON.parse(json);
    this.#commands = this.#commands.then(async () => {
      if (command.op !== "start") {
        self.postMessage({ type: "compute", command });
        return;
      }
      try {
        this.#shared ??= shareFiles(this.#files);
        self.postMessage({ type: "compute", command, files: await this.#shared });
      } catch (error) {
        this.#shared = null;
        this.later(() => this.#python.on_compute(command.thread, "crashed", String(error)));
      }
    });
  }

  /** @param {() => void} run in the next turn */
  later(run) {
    this.#pending.push(run);
    this.#epoch.publish();
  }

  /** The console of the page's own user. @param {{port: MessagePort, interrupts: Int32Array}} given */
  async console({ port, interrupts }) {
    const [{ servePort }, { takenSignal }] = await Promise.all([
      import("../python/console_port.js"),
      import("../compute/signal.js"),
    ]);
    this.later(() => {
      this.#pyodide.setInterruptBuffer(takenSignal(interrupts));
      const border = this.#pyodide.pyimport("inos_web.console.border");
      servePort(
        port,
        (post) => border.open_on_node(this.#python, post, () => this.#epoch.publish()),
        this.later.bind(this),
      );
      border.destroy();
    });
  }

  /** @param {BrainCall} call */
  call({ id, method, args }) {
    this.later(() => this.#python.on_call(id, method, args));
  }

  /** @param {{thread: number, op: string, text: string}} happening of a compute worker */
  compute({ thread, op, text }) {
    this.later(() => this.#python.on_compute(thread, op, text));
  }

  /** @param {any} happening from the page's peers and rendezvous */
  peers(happening) {
    const { op, payload, local, remote, ...rest } = happening;
    if (op === "signal") this.later(() => this.#python.on_signal(rest.room, payload));
    else if (op === "connected")
      this.later(() => this.#python.on_connected(rest.channel, rest.generation, local, remote));
    else this.later(() => this.#python.on_page(op, JSON.stringify(rest)));
  }
}

/** @type {Brain | null} */
let brain = null;
self.onmessage = (event) => {
  const message = event.data;
  if (message.type === "start") {
    brain = new Brain(message.memory);
    brain.start(message).catch((error) => {
      const code = error instanceof BootError ? error.code : "BrainCrashed";
      self.postMessage({ type: "failed", code, message: String(error?.message ?? error) });
    });
  } else if (message.type === "call") brain?.call(message);
  else if (message.type === "peers") brain?.peers(message.happening);
  else if (message.type === "compute") brain?.compute(message);
  else if (message.type === "console") brain?.console(message);
};
