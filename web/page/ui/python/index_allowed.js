/**
 * Which package index a scratch worker may use: none, unless this very server offers one and the person allows it.
 *
 * The content security policy lets nothing on this page reach another origin, and stays so. A server that was started with
 * `--python-index ADDRESS` passes on that index's pure wheels under its own address (`about.json` says which); what the person allows is
 * that address and no other, so a server that turns to another index has to be allowed anew.
 */

import { settings } from "../../settings.js";
import { pythonWords as words } from "../../words_python.js";
import { h } from "../dom.js";

export const INDEX_PATH = "/python-index";

export class IndexAllowed {
  #offered = "";
  /** @type {Promise<void> | null} */ #asked = null;
  #box = h("input", {
    type: "checkbox",
    id: "python-index",
    on: { change: () => settings.set("pythonIndexAllowed", this.#box.checked ? this.#offered : "") },
  });
  #label = h("span", null);
  element = h("label", { class: "python-choice python-index", hidden: true }, this.#box, this.#label);

  /** Where micropip shall look; nothing: nowhere. @returns {Promise<string>} */
  async url() {
    await this.look();
    const isAllowed = this.#offered !== "" && settings.get("pythonIndexAllowed") === this.#offered;
    return isAllowed ? `${location.origin}${INDEX_PATH}/simple` : "";
  }

  /** Ask the server what it offers, once. */
  look() {
    this.#asked ??= this.#look();
    return this.#asked;
  }

  async #look() {
    try {
      const response = await fetch(`${INDEX_PATH}/about.json`);
      this.#offered = response.ok ? String((await response.json()).index ?? "") : "";
    } catch {
      this.#offered = ""; // offline: there is none
    }
    this.#label.textContent = words.allowIndex(this.#offered);
    this.#box.checked = settings.get("pythonIndexAllowed") === this.#offered;
    this.element.hidden = this.#offered === "";
  }
}
