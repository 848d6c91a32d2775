/**
 * What the vault does by itself, in one quiet line, with a way to stop it and to have it now.
 *
 * Invariant: a pause holds until it is ended, also over a reload.
 */

import { words } from "../words.js";
import { button, h, setText } from "./dom.js";
import { formatBytes } from "./format.js";

const TEXTS = words.tidy;
const PAUSED_KEY = "inos-tidy-paused";

/** @typedef {import("./types.js").TidyState} TidyState */

export class Tidy {
  #node;
  #fail;
  /** @type {TidyState} */
  #state = { phase: "", done: 0, total: 0, savedBytes: 0, paused: false };
  #text = h("p", { class: "quiet-text numbers", id: "tidy-text" });
  #pause;
  #now;
  element;

  /**
   * @param {import("./types.js").NodeApi} node
   * @param {(text: string) => void} say
   * @param {(error: unknown) => void} fail
   */
  constructor(node, say, fail) {
    this.#node = node;
    this.#fail = fail;
    this.#pause = button({ text: TEXTS.pause, action: "tidy-pause", onClick: () => void this.#toggle() });
    this.#now = button({ text: TEXTS.now, action: "tidy-now", onClick: () => void this.#tidy(say) });
    this.element = h("div", { id: "tidy", class: "tidy" }, this.#text, this.#pause, this.#now);
    this.show(this.#state);
  }

  /** @param {Partial<TidyState>} state */
  show(state) {
    this.#state = { ...this.#state, ...state };
    this.element.dataset.phase = this.#state.phase;
    this.element.dataset.paused = String(this.#state.paused);
    setText(this.#text, tidyText(this.#state));
    setText(this.#pause, this.#state.paused ? TEXTS.resume : TEXTS.pause);
  }

  /** The node is ready: it learns of a pause from before. */
  async begin() {
    await this.#setPaused(isPaused());
  }

  async #toggle() {
    const paused = !this.#state.paused;
    remember(paused);
    await this.#setPaused(paused);
  }

  /** @param {boolean} paused */
  async #setPaused(paused) {
    try {
      this.show(await this.#node.housekeeping({ paused }));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {(text: string) => void} say */
  async #tidy(say) {
    if (this.#now.getAttribute("aria-disabled") === "true") return;
    this.#now.setAttribute("aria-disabled", "true"); // not `disabled`, which would drop the focus
    try {
      this.show(await this.#node.tidy());
      say(TEXTS.done);
    } catch (error) {
      this.#fail(error);
    }
    this.#now.removeAttribute("aria-disabled");
  }
}

function isPaused() {
  try {
    return localStorage.getItem(PAUSED_KEY) !== null;
  } catch {
    return false; // no storage for settings: then it is as at first
  }
}

/** @param {boolean} paused */
function remember(paused) {
  try {
    if (paused) localStorage.setItem(PAUSED_KEY, "1");
    else localStorage.removeItem(PAUSED_KEY);
  } catch {
    // it holds for this visit
  }
}

/** @param {TidyState} state */
export function tidyText({ phase, done, total, savedBytes, paused }) {
  const doing = TEXTS.phases[phase] ?? (paused ? TEXTS.paused : TEXTS.idle);
  const parts = [
    doing,
    phase && total > 0 ? TEXTS.of(done, total) : "",
    savedBytes > 0 ? TEXTS.saved(formatBytes(savedBytes)) : "",
  ];
  return parts.filter(Boolean).join(" · ");
}
