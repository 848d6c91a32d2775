/**
 * A place to run Python: beside the node, or in a scratch worker; started when something is first asked of it.
 *
 * Theory of operation. What does not stop beside the node cannot be ended without the node, so the person is told to reload; a
 * scratch worker is ended, also while it starts, and the next source starts another.
 */

import { words } from "../../words.js";
import { Session } from "./session.js";

const HOLD_MS_MAX = 3_000;
const END_AFTER_MS = 3_000;
const STUCK_AFTER_MS = 6_000;
const LOOK_INTERVAL_MS = 250;
/** Runs whose tasks may still write: as many as the log keeps. */
const LISTENERS_MAX = 100;

/** @typedef {import("./session.js").Piece} Piece */
/** @typedef {import("./session.js").Ended} Ended */
/** @typedef {{onPiece: (piece: Piece) => void, note: (text: string) => void}} Listener */

export class Place {
  #open;
  #answer;
  #isScratch;
  /** @type {Promise<Session> | null} */ #session = null;
  /** @type {AbortController | null} of the start that is under way */ #starting = null;
  /** @type {Worker | undefined} */ #worker;
  /** @type {Map<number, Listener>} */ #listeners = new Map();

  /**
   * @param {() => Promise<import("../../console_calls.js").ConsoleEnd>} open
   * @param {import("./session.js").Answer} answer
   * @param {{isScratch: boolean}} options
   */
  constructor(open, answer, { isScratch }) {
    this.#open = open;
    this.#answer = answer;
    this.#isScratch = isScratch;
  }

  get isStarted() {
    return this.#session !== null;
  }

  /** @param {string} source @param {Listener} listener @returns {Promise<Ended>} */
  async run(source, listener) {
    const session = await this.#started().catch((error) => {
      if (error?.name !== "AbortError") throw error;
    });
    if (!session) return { how: "stopped", error: null };
    this.#isTold = false;
    const { number, ended } = session.run(source);
    this.#listeners.set(number, listener);
    if (this.#listeners.size > LISTENERS_MAX) this.#listeners.delete(number - LISTENERS_MAX);
    const timer = setInterval(() => this.#look(session, listener), LOOK_INTERVAL_MS);
    try {
      return await ended;
    } finally {
      clearInterval(timer);
    }
  }

  async stop() {
    if (this.#isScratch && this.#starting) this.end();
    else (await this.#session)?.stop();
  }

  /** @param {string} source */
  async check(source) {
    return (await this.#started()).check(source);
  }

  /** @param {string} source @param {number} at */
  async complete(source, at) {
    return (await this.#started()).complete(source, at);
  }

  /** End a scratch worker, with all that it knows. */
  end() {
    this.#starting?.abort();
    this.#starting = null;
    this.#worker?.terminate();
    this.#session?.then(
      (session) => session.close(),
      () => {}, // who asked for it hears why
    );
    this.#session = null;
    this.#worker = undefined;
    this.#listeners.clear();
  }

  // --- inside --------------------------------------------------------------------------------------------------------

  /** @returns {Promise<Session>} */
  #started() {
    if (this.#session) return this.#session;
    const starting = new AbortController();
    this.#starting = starting;
    const session = this.#start(starting.signal).finally(() => {
      if (this.#starting === starting) this.#starting = null;
    });
    session.catch(() => {
      if (this.#session === session) this.#session = null;
    });
    this.#session = session;
    return session;
  }

  /** @param {AbortSignal} signal */
  async #start(signal) {
    const end = await this.#open();
    if (signal.aborted) end.worker?.terminate();
    signal.throwIfAborted();
    this.#worker = end.worker;
    if (end.worker) await running(end.worker, signal, () => this.end());
    return new Session(end, {
      onPiece: (piece) => this.#listeners.get(piece.run)?.onPiece(piece),
      answer: this.#answer,
      holdMsMax: this.#isScratch ? undefined : HOLD_MS_MAX,
    });
  }

  /** @param {Session} session @param {Listener} listener */
  #look(session, listener) {
    const { stoppingMs } = session;
    if (this.#isScratch && stoppingMs >= END_AFTER_MS) {
      this.end();
    } else if (stoppingMs >= STUCK_AFTER_MS && !this.#isTold) {
      this.#isTold = true;
      listener.note(words.python.stuck);
    }
  }
  #isTold = false;
}

/** @param {Worker} worker @param {AbortSignal} signal @param {() => void} onDeath @returns {Promise<void>} once its Python runs */
function running(worker, signal, onDeath) {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
    worker.addEventListener("message", ({ data }) => {
      if (data.type === "running") {
        resolve();
        return;
      }
      reject(new Error(data.message));
      onDeath();
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      reject(new Error(event.message ?? "the worker could not be loaded"));
      onDeath();
    });
  });
}
