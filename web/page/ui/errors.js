/**
 * The region where errors stand until dismissed: what happened, what to do, and a button that does it.
 *
 * Invariants: one card per code and subject, however often it happens; at most `CARDS_MAX`, oldest leave first.
 */

import { codeOf, explain, words } from "../words.js";
import { button, h, icon, isolated, need } from "./dom.js";
import { safeText } from "./format.js";

const CARDS_MAX = 5;
/** Not errors: the person stopped it. */
const CANCELS = new Set(["Cancelled", "AbortError"]);

/**
 * @typedef {object} ErrorOptions
 * @property {string} [subject]  the file it is about, already safe to show
 * @property {string} [key]  errors of one key replace each other
 * @property {() => void} [onRetry]
 */

export class Errors {
  #region = need("errors", HTMLElement);
  /** @type {Map<string, {card: HTMLElement, count: number}>} */
  #cards = new Map();
  #takeOver;

  /** @param {() => void} takeOver */
  constructor(takeOver) {
    this.#takeOver = takeOver;
  }

  /**
   * @param {unknown} error
   * @param {ErrorOptions} [options]
   */
  show(error, options = {}) {
    const told = explain(error);
    const key = options.key ?? `${told.code} ${options.subject ?? ""}`;
    const count = (this.#cards.get(key)?.count ?? 0) + 1;
    this.clear(key);
    const card = this.#card(told, error, options, () => this.clear(key), options.key ? 1 : count);
    this.#cards.set(key, { card, count });
    this.#region.append(card);
    const oldest = this.#cards.keys().next().value;
    if (this.#cards.size > CARDS_MAX && oldest !== undefined) this.clear(oldest);
  }

  /** @param {string} key */
  clear(key) {
    this.#cards.get(key)?.card.remove();
    this.#cards.delete(key);
  }

  /**
   * @param {ReturnType<typeof explain>} told
   * @param {unknown} error
   * @param {ErrorOptions} options
   * @param {() => void} dismiss
   * @param {number} count
   */
  #card(told, error, { subject, onRetry }, dismiss, count) {
    const act = this.#action(told.action, onRetry, dismiss);
    const message = messageOf(error);
    /** @type {string[]} */ const lacks = /** @type {any} */ (error)?.lacks ?? [];
    return h(
      "div",
      { class: "notice bad", data: { code: told.code } },
      icon("warn"),
      h(
        "div",
        { class: "notice-text" },
        h("p", { class: "notice-title" }, told.title, subject ? ": " : null, subject ? isolated(subject) : null),
        h("p", null, told.todo),
        lacks.length > 0
          ? h("p", null, words.refusal.lacks(lacks.map((part) => words.refusal.parts[part] ?? part)))
          : null,
        h(
          "p",
          { class: "notice-code" },
          words.errors.code(safeText(told.code).slice(0, 64)),
          count > 1 ? ` · ${words.errors.times(count)}` : null,
          !told.known && message ? ` · ${message}` : null,
        ),
      ),
      h(
        "div",
        { class: "notice-buttons" },
        act,
        button({ icon: "close", label: words.errors.dismiss, action: "dismiss", onClick: dismiss }),
      ),
    );
  }

  /**
   * @param {import("../words.js").ErrorAction | undefined} action
   * @param {(() => void) | undefined} onRetry
   * @param {() => void} dismiss
   */
  #action(action, onRetry, dismiss) {
    if (!action || (action === "retry" && !onRetry)) return null;
    const onClick = () => {
      if (action === "reload") location.reload();
      else if (action === "take-over") this.#takeOver();
      else {
        dismiss();
        onRetry?.();
      }
    };
    return button({ text: words.errors.actions[action], kind: "soft", action, onClick });
  }
}

/**
 * What the error itself says, for codes that we have no words for.
 *
 * @param {unknown} error
 */
export function messageOf(error) {
  const message = error instanceof Error || isMessage(error) ? error.message : "";
  return safeText(message).slice(0, 200);
}

/**
 * @param {unknown} error
 * @returns {error is {message: string}}
 */
function isMessage(error) {
  return typeof error === "object" && error !== null && "message" in error && typeof error.message === "string";
}

/** @param {unknown} error */
export function isCancel(error) {
  return CANCELS.has(codeOf(error));
}
