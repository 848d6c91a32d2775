/**
 * What is found inside folders for the text in the filter field, each with its path.
 *
 * Invariants: the node is asked once the typing pauses, and the last question wins; at most `ROWS_MAX` are drawn.
 */

import { words } from "../words.js";
import { button, h, icon, isolated, need } from "./dom.js";
import { formatBytes, safeName } from "./format.js";
import { iconOf } from "./kinds.js";
import { parentOf, shownPath } from "./paths.js";

const ROWS_MAX = 50;
const PAUSE_MS = 200;
const TEXTS = words.find;

/** @typedef {import("./types.js").Found} FoundRow */
/**
 * @typedef {object} FoundTarget
 * @property {import("./types.js").NodeApi} node
 * @property {(root: string) => string | undefined} nameOf
 * @property {(row: FoundRow) => void} open
 * @property {(row: FoundRow) => void} download
 * @property {(error: unknown) => void} fail
 */

export class Found {
  #target;
  #section = need("found", HTMLElement);
  #query = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #onCount;

  /** @param {FoundTarget} target @param {(count: number) => void} onCount */
  constructor(target, onCount) {
    this.#target = target;
    this.#onCount = onCount;
  }

  /** @param {string} query  "" clears */
  ask(query) {
    if (query === this.#query) return;
    this.#query = query;
    clearTimeout(this.#timer);
    if (query === "") this.#show([]);
    else this.#timer = setTimeout(() => void this.#look(query), PAUSE_MS);
  }

  /** What is there may have changed. */
  again() {
    const query = this.#query;
    if (query) void this.#look(query);
  }

  /** @param {string} query */
  async #look(query) {
    try {
      const rows = await this.#target.node.find(query);
      if (query === this.#query) this.#show(rows.filter(({ path }) => path !== ""));
    } catch (error) {
      if (query !== this.#query) return;
      this.#show([]);
      this.#target.fail(error);
    }
  }

  /** @param {FoundRow[]} rows */
  #show(rows) {
    this.#section.hidden = rows.length === 0;
    const shown = rows.slice(0, ROWS_MAX);
    const list = h("ul", { class: "entries", "aria-label": TEXTS.heading }, ...shown.map((row) => this.#row(row)));
    const more = rows.length > ROWS_MAX ? h("p", { class: "quiet-text" }, TEXTS.more(ROWS_MAX)) : null;
    this.#section.replaceChildren(h("h3", null, TEXTS.heading), list, ...(more ? [more] : []));
    this.#onCount(rows.length);
  }

  /** @param {FoundRow} row */
  #row(row) {
    const { root, path, name, kind, size } = row;
    const { nameOf, open, download } = this.#target;
    const shown = safeName(name);
    const steps = [nameOf(root) ?? "", ...parentOf(path).split("/")].filter(Boolean).map((step) => safeName(step, 40));
    const isFolder = kind === "folder";
    return h(
      "li",
      { class: "entry", data: { root, path } },
      h(
        "button",
        {
          type: "button",
          class: "entry-main",
          title: words.folder.openNamed(shown),
          data: { action: "found-open" },
          on: { click: () => open(row) },
        },
        icon(isFolder ? "folder" : iconOf(name, "")),
        h(
          "span",
          { class: "entry-text" },
          isolated(shown, safeName(name, 300)),
          h("span", { class: "quiet-text" }, shownPath(steps)),
        ),
      ),
      h("span", { class: "quiet-text numbers" }, formatBytes(size)),
      button({
        icon: "download",
        label: isFolder ? words.folder.zipNamed(shown) : words.folder.saveNamed(shown),
        action: "found-save",
        onClick: () => download(row),
      }),
    );
  }
}
