/**
 * What screen readers hear: one polite live region, fed at a pace that leaves time to listen.
 *
 * Invariants: progress is spoken at most every `PROGRESS_INTERVAL_MS`; an event ("stored", "deleted") is never swallowed by
 * progress; the last words win when several come at once.
 */

import { need, setText, throttled } from "./dom.js";

const PROGRESS_INTERVAL_MS = 6000;

export class Announcer {
  #region = need("announcer", HTMLElement);
  #pending = "";
  #say = throttled(() => setText(this.#region, this.#pending), 250);
  #lastProgress_ms = Number.NEGATIVE_INFINITY;

  /** @param {string} text */
  say(text) {
    this.#pending = text;
    this.#lastProgress_ms = performance.now();
    this.#say();
  }

  /** @param {string} text  dropped when something was spoken a moment ago */
  progress(text) {
    const now_ms = performance.now();
    if (now_ms - this.#lastProgress_ms < PROGRESS_INTERVAL_MS) return;
    this.#lastProgress_ms = now_ms;
    this.#pending = text;
    this.#say();
  }
}
