/**
 * Room in this browser: what is used, about how much there is, and asking that it is never cleared by the browser itself.
 */

import { words } from "../words.js";
import { button, h, need, setText } from "./dom.js";
import { formatBytes } from "./format.js";

const NEARLY_FULL = 0.9;
const TEXTS = words.storage;

export class Storage {
  #section = need("storage", HTMLElement);
  #text = h("p", { class: "quiet-text numbers" });
  #meter = h("meter", { min: "0", max: "1", low: "0.8", high: "0.9", optimum: "0", "aria-label": TEXTS.heading });
  #note = h("p", { class: "quiet-text", role: "status" });
  #persist;

  /**
   * @param {import("./types.js").NodeApi} node
   * @param {(error: unknown) => void} fail
   */
  constructor(node, fail) {
    this.#persist = button({
      text: TEXTS.persist,
      kind: "soft",
      action: "persist",
      onClick: async () => {
        try {
          this.#showPersisted(await node.persist(), true);
        } catch (error) {
          fail(error);
        }
      },
    });
    this.#persist.title = TEXTS.persistHint;
    this.#section.append(
      h("div", { class: "storage-head" }, h("h2", { id: "storage-heading" }, TEXTS.heading), this.#text),
      this.#meter,
      h("div", { class: "storage-foot" }, this.#note, this.#persist),
    );
  }

  /** @param {Record<string, number>} stats */
  async show({ storageUsage, storageQuota }) {
    const known = storageQuota > 0 && storageUsage >= 0;
    const part = known ? storageUsage / storageQuota : 0;
    this.#section.hidden = false;
    this.#meter.hidden = !known;
    this.#meter.value = part;
    setText(this.#text, known ? TEXTS.used(formatBytes(storageUsage), formatBytes(storageQuota)) : TEXTS.unknown);
    if (part >= NEARLY_FULL) setText(this.#note, TEXTS.nearlyFull);
    else this.#showPersisted((await navigator.storage?.persisted?.()) ?? false, false);
  }

  /** @param {boolean} persisted @param {boolean} asked */
  #showPersisted(persisted, asked) {
    this.#persist.hidden = persisted;
    if (persisted) setText(this.#note, TEXTS.persisted);
    else if (asked) setText(this.#note, TEXTS.notPersisted);
    else if (this.#note.textContent === "" || this.#note.textContent === TEXTS.nearlyFull) {
      setText(this.#note, TEXTS.persistHint);
    }
  }
}
