/**
 * One console, as the page sees it: sources go out, pieces come in, and what does not stop is stopped.
 *
 * Nouns: a *piece* is text of a stream or a value's shape; *asks* are what Python wants the page to do; to *signal* is to set the word
 * that raises KeyboardInterrupt in what the person typed, for as long as it has not ended.
 * Theory of operation. To stop is to cancel what awaits, by a message; a worker that does not even answer a ping runs a loop
 * that never awaits, and is signalled. Beside the node such a loop holds up the node itself: it is signalled without being asked
 * after `holdMsMax`.
 * Invariant: one source at a time; `ended` settles exactly once, also when the worker is gone.
 */

const PING_INTERVAL_MS = 250;
const SIGNAL_INTERVAL_MS = 40;
/** How long a stop is left to what awaits, before it is taken for a loop. */
const STOP_GRACE_MS = 300;
const SIGNAL = 2;

/** @typedef {{type: string, bytes?: Uint8Array<ArrayBuffer>, [key: string]: any}} Piece */
/** @typedef {{name: string, code: string, text: string}} Told */
/** @typedef {{how: "done" | "failed" | "stopped" | "held" | "gone", error: Told | null}} Ended `held`: it held up the node */
/** @typedef {(what: string, args: any, bytes: Uint8Array<ArrayBuffer> | undefined, signal: AbortSignal) =>
 *   Promise<{value?: any, bytes?: Uint8Array}>} Answer */

export class Session {
  #port;
  #interrupts;
  #onPiece;
  #answer;
  #holdMsMax;
  #serial = 0;
  #runs = 0;
  /** @type {Map<number, (value: any) => void>} */ #questions = new Map();
  /** @type {Map<number, AbortController>} */ #asked = new Map();
  /** @type {{number: number, ended: (ended: Ended) => void, timer: ReturnType<typeof setInterval>} | null} */ #run =
    null;
  #heardMs = 0;
  #pinged = false;
  #stopMs = Number.POSITIVE_INFINITY;
  #isHeld = false;

  /**
   * @param {import("../../console_calls.js").ConsoleEnd} end
   * @param {{onPiece: (piece: Piece) => void, answer: Answer, holdMsMax?: number}} options
   */
  constructor({ port, interrupts }, { onPiece, answer, holdMsMax = Number.POSITIVE_INFINITY }) {
    this.#port = port;
    this.#interrupts = interrupts;
    this.#onPiece = onPiece;
    this.#answer = answer;
    this.#holdMsMax = holdMsMax;
    port.onmessage = ({ data }) => this.#hear(data);
  }

  get isRunning() {
    return this.#run !== null;
  }

  /** Since when a stop has been asked for, if it has. @returns {number} milliseconds */
  get stoppingMs() {
    return this.#run ? Math.max(performance.now() - this.#stopMs, 0) : 0;
  }

  /** @param {string} source @returns {{number: number, ended: Promise<Ended>}} */
  run(source) {
    if (this.#run) throw new TypeError("one source at a time");
    const number = ++this.#runs;
    this.#heardMs = performance.now();
    this.#pinged = this.#isHeld = false;
    this.#stopMs = Number.POSITIVE_INFINITY;
    const timer = setInterval(() => this.#watch(), SIGNAL_INTERVAL_MS);
    /** @type {Promise<Ended>} */
    const ended = new Promise((resolve) => {
      this.#run = { number, ended: resolve, timer };
    });
    this.#say({ type: "run", run: number, source });
    return { number, ended };
  }

  /** Stop what runs: at its next await, or else wherever it is. */
  stop() {
    if (!this.#run) return;
    this.#say({ type: "stop" });
    this.#stopMs = Math.min(this.#stopMs, performance.now());
  }

  /** @param {string} source @returns {Promise<{state: "complete" | "incomplete" | "invalid", indent: string}>} */
  check(source) {
    return this.#ask({ type: "check", source });
  }

  /** @param {string} source @param {number} at @returns {Promise<{start: number, words: string[]}>} */
  complete(source, at) {
    return this.#ask({ type: "complete", source, at });
  }

  /** The worker is gone. */
  close() {
    this.#port.close();
    for (const controller of this.#asked.values()) controller.abort();
    this.#end({ how: "gone", error: null });
  }

  // --- inside --------------------------------------------------------------------------------------------------------

  /** @param {object} message @param {Uint8Array} [bytes] */
  #say(message, bytes) {
    this.#port.postMessage({ json: JSON.stringify(message), bytes });
  }

  /** @param {object} message @returns {Promise<any>} */
  #ask(message) {
    const id = ++this.#serial;
    return new Promise((resolve) => {
      this.#questions.set(id, resolve);
      this.#say({ ...message, id });
    });
  }

  /** @param {{json?: string, bytes?: Uint8Array<ArrayBuffer>, pong?: number}} data */
  #hear({ json, bytes }) {
    if (json === undefined) {
      // only this says that it listens: a loop that prints speaks all the time
      this.#heardMs = performance.now();
      this.#pinged = this.#isHeld = false;
      Atomics.store(this.#interrupts, 0, 0); // what held it up was not theirs, or has let go
      return;
    }
    const message = JSON.parse(json);
    if (message.type === "answer") {
      this.#questions.get(message.id)?.(message.value);
      this.#questions.delete(message.id);
    } else if (message.type === "ended") {
      if (message.run === this.#run?.number) this.#end({ how: message.how, error: message.error });
    } else if (message.type === "ask") void this.#do(message, bytes);
    else if (message.type === "unask") this.#asked.get(message.id)?.abort();
    else this.#onPiece({ ...message, bytes });
  }

  /** @param {{id: number, what: string, args: object}} asked @param {Uint8Array<ArrayBuffer>} [bytes] */
  async #do({ id, what, args }, bytes) {
    const controller = new AbortController();
    this.#asked.set(id, controller);
    try {
      const done = await this.#answer(what, args, bytes, controller.signal);
      this.#say({ type: "told", id, value: done.value ?? null }, done.bytes);
    } catch (error) {
      const { code, name, message } = /** @type {any} */ (error);
      this.#say({ type: "told", id, code: typeof code === "string" ? code : name, message: String(message ?? error) });
    }
    this.#asked.delete(id);
  }

  #watch() {
    const now = performance.now();
    if (!this.#pinged && now - this.#heardMs >= PING_INTERVAL_MS) {
      this.#pinged = true;
      this.#heardMs = now;
      this.#port.postMessage({ ping: 0 });
    }
    if (!this.#pinged) return;
    const silentMs = now - this.#heardMs;
    const isStopping = now - this.#stopMs >= STOP_GRACE_MS && silentMs >= STOP_GRACE_MS;
    if (silentMs >= this.#holdMsMax) this.#isHeld = true;
    if (isStopping || this.#isHeld) Atomics.store(this.#interrupts, 0, SIGNAL);
    if (this.#isHeld) this.#stopMs = Math.min(this.#stopMs, now);
  }

  /** @param {Ended} ended */
  #end(ended) {
    const run = this.#run;
    this.#run = null;
    clearInterval(run?.timer);
    Atomics.store(this.#interrupts, 0, 0);
    run?.ended(this.#isHeld && ended.how === "stopped" ? { how: "held", error: ended.error } : ended);
  }
}
