/**
 * `globalThis.inos`: the node as the page and its scripts see it.
 *
 * Nouns: a *root* is 64 hex digits, a *link* is a URL or its `#inos1.` fragment; an *operation* is a call with progress that an
 * AbortSignal can cancel.
 * Invariants: calls made before Python is ready wait for it; every error has a stable `code`. `file_calls.js` has those about files.
 */

import { NodeError, startWorkers, workerUrl } from "./boot.js";
import { BrainLine } from "./brain.js";
import { ComputeThreads, computeWorker } from "./compute.js";
import { Emitter } from "./emitter.js";
import { MeshCalls } from "./mesh_calls.js";
import { meshView } from "./mesh_view.js";
import { Metrics } from "./metrics.js";
import { Network } from "./network.js";
import { ProgressMeter } from "./progress.js";
import { Protection } from "./protect.js";
import { whileBusy } from "./service_worker.js";
import { watchBoot } from "./watch_boot.js";

/** @typedef {import("./ui/types.js").NodeApi} NodeApi */
/** @typedef {import("./ui/types.js").NodeState} NodeState */
/** @typedef {import("./ui/types.js").Given} Given */
/** @typedef {{current?: Given}} Proven */
/** @typedef {{onProgress?: (progress: any) => void, signal?: AbortSignal}} Options */

const BOOT_ATTEMPTS_MAX = 2;

/** @implements {NodeApi} */
export class InosNode extends MeshCalls {
  #events = new Emitter();
  /** @type {NodeState} */ #state = { phase: "starting", step: "workers", bytesToGo: null };
  /** @type {import("./boot.js").Workers | null} */ #workers = null;
  /** @type {BrainLine | null} */ #line = null;
  /** @type {ComputeThreads | null} */ #compute = null;
  /** @type {PromiseWithResolvers<any>} */ #ready = Promise.withResolvers();
  /** @type {PromiseWithResolvers<void>} */ #lock = Promise.withResolvers();
  /** @type {Map<number, (event: any) => void>} */ #progress = new Map();
  /** @type {Map<number, PromiseWithResolvers<void>>} */ #registering = new Map();
  /** @type {Metrics | null} */ #metrics = null;
  #protection;
  /** @type {Worker | null} */ #brain = null;
  #isClosed = false;
  #isLocking = false;
  #operations = 0;
  /** @type {PromiseWithResolvers<void>} */ #released = Promise.withResolvers();

  /** Start a node. Another folder is another vault; `alone`: in no room; memory and muscles are found out where they are not given.
   * @param {import("./boot.js").Wishes & {folder?: string, alone?: boolean}} [options] */
  constructor(options = {}) {
    super(
      () => ({
        ready: this.ready,
        call: (method, args) => this.#call(method, args),
        operation: (method, args, given) => this.#operation(method, args, given),
        register: (message, transfer) => this.#register(message, transfer),
        io: (message) => this.#io(message),
        python: () => ({ brain: this.#brain, startScratch: this.#workers?.startScratch }),
      }),
      workerUrl,
    );
    /** Resolves when Python is ready; `node` is our id. @type {Promise<import("./ui/types.js").NodeInfo>} */
    this.ready = this.#ready.promise;
    this.ready.catch(() => {});
    this.#lock.promise.catch(() => {});
    this.#protection = new Protection(
      {
        ready: this.ready,
        ask: (method, args) => /** @type {BrainLine} */ (this.#line).call(method, args),
        onLocked: () => this.#onLocked(),
        letGo: () => this.#letGo(),
        isBusy: () => this.#operations > 0,
      },
      options.folder ?? "",
    );
    this.#start(options).catch((error) => this.#fail(error));
  }

  // what `web/page/protect.js` says
  /** The ways into the vault, and after how many idle minutes it locks itself. */
  protection = () => this.#protection.protection();
  /** Set or change the passphrase; nothing is written anew but the slot. `askAlways`: also on this device. */
  setPassphrase = (/** @type {string} */ passphrase, /** @type {Proven & {askAlways?: boolean}} */ options = {}) =>
    this.#protection.setPassphrase(passphrase, options);
  /** Let a passkey open the vault (WebAuthn PRF). */
  addPasskey = (/** @type {Proven & {askAlways?: boolean}} */ options = {}) => this.#protection.addPasskey(options);
  /** Whether this device has to be given the passphrase or passkey too. */
  setAskAlways = (/** @type {boolean} */ askAlways, /** @type {Proven} */ options = {}) =>
    this.#protection.setAskAlways(askAlways, options);
  /** Take a way in away; the last one stays. */
  removeSlot = (/** @type {string} */ id) => this.#protection.removeSlot(id);
  /** Lock after so many minutes without a touch; 0 never. */
  setIdleLock = (/** @type {number} */ minutes) => this.#protection.setIdleLock(minutes);
  /** Close the vault and load the page anew, so that nothing of it stays in memory. */
  lock = () => this.#protection.lock();
  /** Open a locked vault; resolves when the node is ready. */
  unlock = (/** @type {Given} */ given) => this.#protection.unlock(given);

  /** Where the node stands: starting, locked, ready, failed, or busy-elsewhere. */
  state() {
    return this.#state;
  }

  /** Listen to "state", "list", "peers", "activity", "tidy"; what it gives stops that.
   * @param {string} event @param {(detail?: any) => void} listener */
  on(event, listener) {
    return this.#events.on(event, listener);
  }

  // --- verbs ---------------------------------------------------------------------------------------------------------

  /** The mesh as the page draws it; null without one. */
  mesh = async () => meshView(await this.#call("mesh"));

  /** The peers we have connections with. @returns {Promise<import("./ui/types.js").PeerEntry[]>} */
  async peers() {
    return this.#call("peers");
  }

  /** Every figure that the node counts; `py/inos/memory/layout.py` says what each is. @returns {Promise<Record<string, number>>} */
  async stats() {
    const [stats, estimate] = await Promise.all([this.#call("stats"), navigator.storage.estimate()]);
    return { ...stats, storageUsage: estimate.usage ?? 0, storageQuota: estimate.quota ?? 0 };
  }

  /** The figures of `stats` that need no answer from the brain, at once; null before there is a memory. */
  metrics() {
    return this.#metrics?.read() ?? null;
  }

  /** Run Python in the brain, with `node` and `inos` in scope. @param {string} source */
  async python(source) {
    return this.#call("python", { source });
  }

  /** Run Python in a worker of its own on the same memory: a source, or the name of a module with a `main`.
   * @param {string} source @param {{name?: string, args?: object}} [options] */
  async spawn(source, { name = "", args = {} } = {}) {
    const spawned = await this.#call("spawn", { source, name, args });
    return computeWorker(spawned, (verb) => this.#call(verb, { worker: spawned.id }));
  }

  /** The Python workers that run or have not been closed. @returns {Promise<{id: number, name: string, state: string}[]>} */
  async workers() {
    return this.#call("workers");
  }

  /** Use the vault here although another tab holds it. */
  async takeOver() {
    this.#io({ type: "take-over" });
  }

  /** End this node for good: commit, close the vault, give its lock back, stop every worker. */
  async close() {
    this.#isClosed = true;
    if (this.#state.phase === "ready") {
      await this.#letGo();
      await this.#released.promise;
    }
    this.#line = null;
    this.#endWorkers();
    this.#pageEvents.abort(); // a page that goes on without its node is not loaded anew
  }

  #endWorkers() {
    this.#compute?.stop();
    const { io, net, muscles = [] } = this.#workers ?? {};
    for (const worker of [this.#brain, io, net, ...muscles]) worker?.terminate();
    this.#workers = null;
  }

  // --- starting and ending -------------------------------------------------------------------------------------------

  /** @param {import("./boot.js").Wishes & {folder?: string, alone?: boolean}} options */
  async #start(options) {
    const started = performance.now();
    const workers = await startWorkers(options);
    this.#workers = workers;
    this.#watchPage();
    this.#metrics = new Metrics(workers.buffer);
    if (this.#isClosed) return this.close();
    for (const worker of [workers.io, workers.net, ...workers.muscles]) {
      worker.addEventListener("error", (event) => this.#fail(new NodeError("ThreadFailed", event.message)));
      worker.addEventListener("message", ({ data }) => {
        if (data.type === "failed") this.#fail(new NodeError(data.code, data.message));
      });
    }
    workers.io.addEventListener("message", (event) => this.#onIo(event.data));
    this.#io({ type: "acquire" });
    const { brain, booted } = await this.#bootBrain(workers);
    brain.addEventListener("message", (event) => this.#onBrain(event.data));
    this.#line = new BrainLine(brain, workers.buffer, (event) => this.#onEvent(event));
    this.#compute = new ComputeThreads(workers.startCompute, (happening) =>
      brain.postMessage({ type: "compute", ...happening }),
    );
    /** @internal */
    this.network = new Network(workers, (happening, transfer) =>
      brain.postMessage({ type: "peers", happening }, transfer ?? []),
    );
    await this.#lock.promise;
    this.#setState({ phase: "starting", step: "vault", bytesToGo: 0 });
    const opening = performance.now();
    const opened = await this.#protection.open();
    this.#setState({ phase: "ready", step: "", bytesToGo: 0 });
    this.#protection.watchIdle();
    this.#ready.resolve({
      node: opened.node,
      cores: workers.muscles.length,
      bootMs: Math.round(performance.now() - started),
      openMs: Math.round(performance.now() - opening),
      snapshot: booted.how === "snapshot",
      why: booted.why,
      stages: booted.stages,
    });
    this.#events.emit("list");
  }

  /**
   * A page that ends or sleeps must not keep the vault from other tabs; one that comes back begins anew. Its workers would sleep
   * with it, the vault's lock and its files in their hands, before they could put them down: so they end at once. What was
   * acknowledged is on the disk.
   */
  #watchPage() {
    const { signal } = this.#pageEvents;
    addEventListener("pagehide", ({ persisted }) => (persisted ? this.#endWorkers() : this.#letGo()), { signal });
    document.addEventListener("freeze", () => this.#endWorkers(), { signal });
    document.addEventListener("resume", () => location.reload(), { signal });
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload(), { signal });
  }
  #pageEvents = new AbortController();

  /**
   * Start Python. A start that goes silent is begun anew, once: browsers have been seen to lose one in many.
   * @param {import("./boot.js").Workers} workers
   */
  async #bootBrain(workers) {
    for (let attempt = 1; attempt <= BOOT_ATTEMPTS_MAX; attempt++) {
      const brain = workers.startBrain();
      this.#brain = brain;
      brain.addEventListener("error", (event) => this.#fail(new NodeError("BrainCrashed", event.message)));
      const booted = await watchBoot(brain, (stage) => this.#onStage(stage));
      if (booted) return { brain, booted };
      brain.terminate();
      if (this.#isClosed) break;
    }
    throw new NodeError("BrainCrashed", "Python went silent while it started");
  }

  /** @param {any} stage of the start @returns {number | null} the bytes that are still to come */
  #onStage({ name, bytes, bytesTotal }) {
    const toGo = bytesTotal ? bytesTotal - bytes : this.#state.bytesToGo;
    if (this.#state.phase === "starting") this.#setState({ phase: "starting", step: name, bytesToGo: toGo });
    return toGo;
  }

  /** @param {any} message */
  #onIo(message) {
    if (message.type === "lock") this.#onLock(message.state);
    else if (message.type === "sink-closed") this.onSinkClosed(message);
    else if (message.type === "registered") {
      this.#registering.get(message.id)?.resolve();
      this.#registering.delete(message.id);
    }
  }

  /** @param {"held" | "busy" | "asked" | "lost" | "released"} state */
  async #onLock(state) {
    if (state === "held") {
      if (this.#state.phase === "busy-elsewhere") {
        if (this.#wasOpen) location.reload(); // what Python knows of the vault may be old: begin anew
        this.#setState({ phase: "starting", step: "vault", bytesToGo: 0 });
      }
      this.#lock.resolve();
    } else if (state === "asked") {
      await this.#letGo();
    } else {
      if (state === "released") this.#released.resolve();
      if (this.#isLocking) return; // the page is about to be loaded anew
      this.#wasOpen ||= state === "lost";
      this.#setState({ phase: "busy-elsewhere", step: "", bytesToGo: null });
    }
  }
  #wasOpen = false;

  #onLocked() {
    this.#isLocking = this.#state.phase === "ready";
    this.#setState({ phase: "locked", step: this.#isLocking ? "closing" : "", bytesToGo: null });
  }

  /** Commit, close the vault, give its lock back. */
  async #letGo() {
    this.#wasOpen = true;
    this.#io({ type: "abort-sinks" });
    await this.#line?.call("close").catch(() => {});
    this.#io({ type: "release" });
  }

  /** @param {any} message */
  #onBrain(message) {
    if (message.type === "reply") this.#line?.onReply(message);
    else if (message.type === "peers") this.network?.handle(message.command);
    else if (message.type === "compute") this.#compute?.handle(message.command, message.files);
    else if (message.type === "failed") this.#fail(new NodeError(message.code, message.message));
  }

  /** @param {any} event from the ring */
  #onEvent(event) {
    if (event.e === "progress") this.#progress.get(event.op)?.(event);
    else if (event.e === "topic") this.onTopic(event);
    else this.#events.emit(event.e, event);
  }

  /** @param {NodeState} state */
  #setState(state) {
    this.#state = state;
    this.#events.emit("state", state);
  }

  /** @param {any} error */
  #fail(error) {
    const known =
      error instanceof NodeError
        ? error
        : new NodeError(error?.code ?? "BrainCrashed", String(error?.message ?? error));
    const { code, message, lacks } = known;
    this.#setState({ phase: "failed", step: "", bytesToGo: null, error: { code, message, lacks } });
    this.#line?.fail(known);
    for (const { reject } of this.#registering.values()) reject(known);
    this.#compute?.stop();
    this.#ready.reject(known);
  }

  // --- inside --------------------------------------------------------------------------------------------------------

  /** @param {object} message @param {Transferable[]} [transfer] */
  #io(message, transfer = []) {
    this.#workers?.io.postMessage(message, transfer);
  }

  /**
   * Make a source or sink known to the io worker. The brain's frames come by shared memory and overtake messages: it must not
   * be asked to use one before the io worker has it.
   * @param {{id: number, type: string} & Record<string, any>} message @param {Transferable[]} [transfer]
   */
  #register(message, transfer) {
    const registering = Promise.withResolvers();
    this.#registering.set(message.id, registering);
    this.#io(message, transfer);
    return registering.promise;
  }

  /** @param {string} method @param {object} [args] */
  async #call(method, args) {
    await this.ready;
    return /** @type {BrainLine} */ (this.#line).call(method, args);
  }

  /** @param {string} method @param {object} args @param {Options} options */
  async #operation(method, args, { onProgress, signal }) {
    await this.ready;
    signal?.throwIfAborted();
    const line = /** @type {BrainLine} */ (this.#line);
    const id = line.nextId();
    const meter = new ProgressMeter();
    if (onProgress) {
      this.#progress.set(id, (event) => {
        onProgress({ ...event, ...meter.update(event.bytes, event.total, performance.now()) });
      });
    }
    const cancel = () => line.call("cancel", { op: id }).catch(() => {});
    signal?.addEventListener("abort", cancel);
    this.#operations++;
    try {
      return await whileBusy(() => line.call(method, args, id));
    } finally {
      this.#operations--;
      this.#progress.delete(id);
      signal?.removeEventListener("abort", cancel);
    }
  }
}
