/**
 * All results in one table, to be copied or saved.
 */

import { words } from "../../words.js";
import { button, copyText, h, need, setText } from "../dom.js";
import { besides, dateOf, goal, latencies, toJson, toMarkdown } from "./report.js";
import { formatValue } from "./say.js";

const TEXTS = words.bench;
const FILE_NAME = "inos-bench.json";

/** @typedef {import("../../bench/catalog.js").CatalogRow} CatalogRow */
/** @typedef {import("./store.js").Entry} Entry */

export class ResultsTable {
  #rows;
  #machine;
  #section = need("results", HTMLElement);
  #body = h("tbody");
  #told = h("p", { class: "quiet-text", role: "status" });
  /** @type {Entry[]} */
  #entries = [];

  /** @param {CatalogRow[]} rows @param {Record<string, unknown>} machine @param {() => void} forget */
  constructor(rows, machine, forget) {
    this.#rows = rows;
    this.#machine = machine;
    const { row, value, latency, beside, goal: goalHead, when } = TEXTS.columns;
    const heads = [row, value, latency, beside, goalHead, when].map((text) => h("th", { scope: "col" }, text));
    const act = (/** @type {string} */ text, /** @type {string} */ action, /** @type {() => void} */ onClick) =>
      button({ text, kind: "soft", action, onClick });
    need("results-buttons", HTMLElement).append(
      act(TEXTS.copyMarkdown, "copy-markdown", () => void this.#copy(toMarkdown(this.#rows, this.#entries))),
      act(TEXTS.copyJson, "copy-json", () => void this.#copy(toJson(this.#machine, this.#entries))),
      act(TEXTS.save, "save-json", () => this.#save()),
      act(TEXTS.forget, "forget", forget),
    );
    const scroll = need("results-table", HTMLElement);
    scroll.tabIndex = 0; // wider than a phone: its keys scroll it
    scroll.append(h("table", { class: "results" }, h("thead", null, h("tr", null, ...heads)), this.#body));
    need("results-told", HTMLElement).append(this.#told);
  }

  /** @param {Entry[]} entries those with a figure, in the order of the catalog */
  show(entries) {
    this.#entries = entries;
    this.#section.hidden = entries.length === 0;
    const titles = new Map(this.#rows.map(({ id, title }) => [id, title]));
    this.#body.replaceChildren(
      ...entries.map((entry) =>
        h(
          "tr",
          { data: { result: entry.result.id } },
          h("th", { scope: "row" }, titles.get(entry.result.id) ?? entry.result.id),
          h("td", { class: "numbers" }, formatValue(entry.result.value, entry.result.unit)),
          h("td", { class: "numbers" }, latencies(entry)),
          h("td", { class: "numbers" }, besides(entry)),
          h("td", null, goal(entry)),
          h("td", { class: "numbers" }, `${dateOf(entry.timeMs)}${entry.quick ? ` (${TEXTS.quickShort})` : ""}`),
        ),
      ),
    );
  }

  /** @param {string} text */
  async #copy(text) {
    setText(this.#told, (await copyText(text)) ? TEXTS.copied : TEXTS.copyFailed);
  }

  #save() {
    const url = URL.createObjectURL(new Blob([toJson(this.#machine, this.#entries)], { type: "application/json" }));
    const link = h("a", { href: url, download: FILE_NAME });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }
}
