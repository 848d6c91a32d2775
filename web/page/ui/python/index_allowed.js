/**
 * Which package index a scratch worker may use: none, unless this very server offers one and the person allows it.
 *
 * The content security policy lets nothing on this page reach another origin, and stays so. A server that was started with
 * `--python-index ADDRESS` passes on that index's pure wheels under its own address (`config.json` says which); what the person
 * allows is that address and no other, so a server that turns to another index has to be allowed anew.
 */

import { readConfig } from "../../config.js";
import { settings } from "../../settings.js";
import { words } from "../../words.js";
import { h } from "../dom.js";

const INDEX = new URL("../../../../python-index/simple", import.meta.url);

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
    return isAllowed ? INDEX.href : "";
  }

  /** Ask the server what it offers, once. */
  look() {
    this.#asked ??= this.#look();
    return this.#asked;
  }

  async #look() {
    const { pythonIndex } = await readConfig();
    this.#offered = typeof pythonIndex === "string" ? pythonIndex : "";
    this.#label.textContent = words.python.allowIndex(this.#offered);
    this.#box.checked = settings.get("pythonIndexAllowed") === this.#offered;
    this.element.hidden = this.#offered === "";
  }
}
