/**
 * The brain's compute workers, as browser threads: started, interrupted and ended as the brain says.
 *
 * It decides nothing. What happens is told to the brain: running, done, failed, interrupted, crashed, and *gone* when the
 * browser has ended the thread, asked or not: the thread holds a Web Lock for its life, and this side queues behind it.
 */

/** @typedef {{thread: number, op: string, text: string}} Happening */
/** @typedef {{op: "start", thread: number, slot: number, name: string, source: string, args: string}} StartCommand */
/** @typedef {{op: "interrupt" | "end", thread: number}} OtherCommand */
/** @typedef {{worker: Worker, lock: string, isWatched: boolean}} Thread */

/**
 * @typedef {{id: number, name: string, result: () => Promise<any>, cancel: () => Promise<void>, close: () => Promise<void>}}
 *   ComputeWorker what `inos.spawn` answers: `result` is the value of `main(**args)`, or else of the last expression, and rejects
 *   with code WorkerFailed and the traceback, or Cancelled; `close` ends it if it runs and resolves when it has given all back
 */

/** @param {{id: number, name: string}} spawned @param {(verb: string) => Promise<any>} call @returns {ComputeWorker} */
export function computeWorker(spawned, call) {
  const result = call("worker_result");
  result.catch(() => {}); // whoever asks hears of it
  return {
    ...spawned,
    result: () => result,
    cancel: () => call("worker_cancel"),
    close: () => call("worker_close"),
  };
}

export class ComputeThreads {
  #start;
  #tell;
  /** @type {Map<number, Thread>} */ #threads = new Map();

  /** @param {(name: string, start: object) => Worker} start @param {(happening: Happening) => void} tell */
  constructor(start, tell) {
    this.#start = start;
    this.#tell = tell;
  }

  /** @param {StartCommand | OtherCommand} command @param {Record<string, Uint8Array>} [files] of a start */
  handle(command, files) {
    if (command.op === "start") this.#begin(command, files);
    else if (command.op === "interrupt") this.#threads.get(command.thread)?.worker.postMessage({ type: "interrupt" });
    else this.#end(command.thread);
  }

  /** The brain is no more: so are its workers. */
  stop() {
    for (const { worker } of this.#threads.values()) worker.terminate();
    this.#threads.clear();
  }

  /** @param {StartCommand} command @param {Record<string, Uint8Array>} [files] */
  #begin({ thread, slot, name, source, args }, files) {
    const lock = `inos compute ${crypto.randomUUID()}`;
    const worker = this.#start(name, { files, lock, slot, source, args });
    const known = { worker, lock, isWatched: false };
    this.#threads.set(thread, known);
    const crashed = (/** @type {string} */ text) => this.#tell({ thread, op: "crashed", text });
    worker.addEventListener("message", ({ data }) => {
      if (data.type === "alive") this.#watch(thread, known);
      else this.#tell({ thread, op: data.type, text: data.text ?? "" });
    });
    worker.addEventListener("messageerror", () => crashed("a message of the worker could not be read"));
    worker.addEventListener("error", (event) => {
      event.preventDefault(); // whoever spawned it is told
      crashed(event.message ?? "the worker could not be loaded");
    });
  }

  /** @param {number} thread */
  #end(thread) {
    const known = this.#threads.get(thread);
    if (!known) return;
    known.worker.terminate();
    this.#watch(thread, known);
  }

  /** @param {number} thread @param {Thread} known */
  #watch(thread, known) {
    if (known.isWatched) return;
    known.isWatched = true;
    navigator.locks.request(known.lock, () => {
      if (this.#threads.delete(thread)) this.#tell({ thread, op: "gone", text: "" });
    });
  }
}
