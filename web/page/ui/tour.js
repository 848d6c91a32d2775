/**
 * The first-run tour: three steps in index.html, each ticked off when it is done, by the tour or not.
 *
 * Invariants: it stands in the page and covers nothing, so it never has to be clicked away; once it was left or done it stays away,
 * until Settings starts it again.
 */

import { settings } from "../settings.js";
import { words } from "../words.js";
import { h, icon, need, setText } from "./dom.js";

const STEPS = /** @type {const} */ (["add", "share", "mesh"]);

/** @typedef {typeof STEPS[number]} Step */

export class Tour {
  #section = need("tour", HTMLElement);
  /** @type {Set<Step>} */ #done = new Set();

  /** @param {() => void} shareFirst shares some file that is there */
  constructor(shareFirst) {
    this.#section.querySelector("[data-action=tour-skip]")?.addEventListener("click", () => this.#end());
    this.#section.querySelector("[data-action=tour-share]")?.addEventListener("click", shareFirst);
    settings.on("tourSeen", () => this.#show());
    this.#show();
  }

  /** A step was done, however. @param {Step} step */
  happened(step) {
    if (settings.get("tourSeen") || this.#done.has(step)) return;
    this.#done.add(step);
    this.#show();
    if (this.#done.size === STEPS.length) this.#end();
  }

  #end() {
    settings.set("tourSeen", true);
    this.#done.clear();
  }

  #show() {
    document.documentElement.dataset.tour = settings.get("tourSeen") ? "seen" : "open";
    const next = STEPS.find((step) => !this.#done.has(step));
    for (const [at, step] of STEPS.entries()) {
      const row = /** @type {HTMLElement} */ (this.#section.querySelector(`[data-step=${step}]`));
      const mark = /** @type {HTMLElement} */ (row.querySelector(".tour-mark"));
      const isDone = this.#done.has(step);
      row.dataset.state = isDone ? "done" : step === next ? "next" : "later";
      if (isDone) mark.replaceChildren(icon("check"), h("span", { class: "unseen" }, words.tour.done));
      else setText(mark, String(at + 1));
      if (step === next) row.setAttribute("aria-current", "step");
      else row.removeAttribute("aria-current");
    }
  }
}
