/**
 * One row of the benchmark on the page: its choice, its progress, its figures, and how they were measured.
 *
 * What tests may rely on: `[data-row=ID][data-state=idle|waiting|running|done|left-out|failed]`, in it `input[type=checkbox]`,
 * `[data-role=value]`, `[data-goal=met|missed|unknown]`.
 */

import { words } from "../../words.js";
import { append, h, icon, setBar, setText } from "../dom.js";
import { formatAgo, safeText } from "../format.js";
import { chart, scaleOf } from "./chart.js";
import { latencies } from "./report.js";
import { formatValue, noteText, ratioWords } from "./say.js";

/** @typedef {import("../../bench/catalog.js").CatalogRow} CatalogRow */
/** @typedef {import("./store.js").Entry} Entry */
/** @typedef {"idle" | "waiting" | "running" | "done" | "left-out" | "failed"} RowState */

const TEXTS = words.bench;

/** Whether a page can measure it at all. @param {CatalogRow} row */
export const isPagesOwn = ({ needs }) => !(needs.length === 1 && needs[0] === "cli");

export class RowView {
  #row;
  #pick = h("input", { type: "checkbox" });
  #value = h("p", { class: "row-value numbers", data: { role: "value" } });
  #when = h("p", { class: "quiet-text" });
  #bar = h("progress", { max: "1", hidden: true });
  #figures = h("div", { class: "row-figures" });
  #samples = h("p", { class: "quiet-text numbers" });

  /** @param {CatalogRow} row */
  constructor(row) {
    this.#row = row;
    const { id, title, method, needs } = row;
    this.#pick.setAttribute("aria-label", TEXTS.pick(title));
    this.#bar.setAttribute("aria-label", title);
    this.#pick.disabled = !isPagesOwn(row);
    const asks = needs.map((need) => TEXTS.needs[need]).filter(Boolean);
    this.element = h(
      "li",
      { class: "bench-row", data: { row: id } },
      h(
        "div",
        { class: "row-head" },
        this.#pick,
        h("div", { class: "row-id" }, h("h3", { class: "row-title" }, title), this.#when),
        this.#value,
      ),
      this.#bar,
      this.#figures,
      h(
        "details",
        { class: "method" },
        h("summary", null, TEXTS.how, h("span", { class: "unseen" }, `: ${title}`)),
        h("p", null, method),
        asks.length ? h("p", { class: "quiet-text" }, asks.join(" ")) : null,
        this.#samples,
        h("p", { class: "quiet-text" }, TEXTS.rowId(id)),
      ),
    );
    this.setState("idle");
  }

  get isChosen() {
    return this.#pick.checked && !this.#pick.disabled;
  }

  /** @param {boolean} canChoose */
  setChoosing(canChoose) {
    this.#pick.hidden = !canChoose;
  }

  /** @param {RowState} state @param {number} [part] @param {string} [text] what it does, in the runner's words */
  setState(state, part = 0, text = "") {
    this.element.dataset.state = state;
    this.#bar.hidden = state !== "running";
    setBar(this.#bar, part > 0 ? part : null);
    if (state === "waiting") setText(this.#when, TEXTS.waiting);
    if (state === "running") setText(this.#when, text ? TEXTS.runningNow(safeText(text)) : TEXTS.running);
    if (state === "idle") setText(this.#when, isPagesOwn(this.#row) ? TEXTS.notYet : TEXTS.onlyByCommand);
  }

  /** As if it had never been measured. */
  clear() {
    setText(this.#value, "");
    setText(this.#samples, "");
    this.#figures.replaceChildren();
  }

  /** @param {Entry} entry @param {number} nowMs */
  show(entry, nowMs) {
    const { result, timeMs, quick } = entry;
    const has = result.value !== null;
    this.setState(has ? "done" : result.error ? "failed" : "left-out");
    setText(this.#value, has ? formatValue(result.value, result.unit) : "");
    const ago = TEXTS.measured(formatAgo(timeMs, nowMs), quick, this.#row.better === "less");
    setText(this.#when, has ? ago : result.error ? TEXTS.failed : TEXTS.leftOut);
    this.#figures.replaceChildren();
    if (has) append(this.#figures, chart(result), this.#sentences(entry), this.#goal(entry));
    const spread = latencies(entry);
    if (has && spread) append(this.#figures, h("p", { class: "quiet-text numbers" }, `${spread} ${result.unit}`));
    const notes = result.notes.map((note) => h("li", null, safeText(noteText(note))));
    if (notes.length) append(this.#figures, h("ul", { class: "notes quiet-text" }, ...notes));
    const values = result.samples.slice(0, 12).map((sample) => formatValue(sample, "").trim());
    setText(this.#samples, values.length ? TEXTS.samples(result.runs, values.join(", "), result.unit) : "");
  }

  /** @param {Entry} entry */
  #sentences({ result }) {
    const known = Object.entries(result.ratio).filter(([name]) => name in result.baselines || name in result.target);
    const told = known.map(([name, ratio]) => ratioWords(ratio, name, this.#row));
    return told.length ? h("p", { class: "ratios" }, `${told.join(", ")}.`) : null;
  }

  /** @param {Entry} entry */
  #goal({ result }) {
    const { seed, meets_seed: meets } = result;
    if (!seed) return null;
    if (meets === null) return h("p", { class: "verdict", data: { goal: "unknown" } }, TEXTS.goalIs(seed.text));
    const beyond = scaleOf(result).isGoalDrawn ? null : h("span", { class: "unseen" }, TEXTS.beyond);
    return h(
      "p",
      { class: "verdict", data: { goal: meets ? "met" : "missed" } },
      icon(meets ? "check" : "warn"),
      TEXTS.goalVerdict(seed.text, meets),
      beyond,
    );
  }
}
