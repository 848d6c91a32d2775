/**
 * The bench page: chooses rows, runs them, shows what comes of it.
 *
 * What end-to-end tests may rely on: `#bench[data-running]`, `[name=bench-mode]`, `[data-action=start]` (which stops, too),
 * `#bench-bar`, `#bench-said`, `[data-row]` (see row.js), `#results` with `[data-action=copy-markdown|copy-json|save-json|forget]`
 * and `[data-result]`.
 * Invariants: one run at a time in all tabs of this browser; a row's result is kept as soon as there is one, so a stop or a
 * reload loses nothing that was finished; the visitor's vault is not touched.
 */

import { ROWS } from "../../bench/catalog.js";
import { runRows } from "../../bench/run.js";
import { words } from "../../words.js";
import { Announcer } from "../announce.js";
import { button, h, need, setBar, setText } from "../dom.js";
import { messageOf } from "../errors.js";
import { formatCount, formatDuration, formatSecondsLeft } from "../format.js";
import { Estimate, secondsOf } from "./estimate.js";
import { OwnNode } from "./own_node.js";
import { isPagesOwn, RowView } from "./row.js";
import { describeMachine } from "./say.js";
import { Results } from "./store.js";
import { ResultsTable } from "./table.js";

const TEXTS = words.bench;
const LOCK_NAME = "inos-bench run";
const VAULT_LOCK = "inos-vault";
/** @typedef {"quick" | "all" | "chosen"} Mode */
/** @typedef {import("../../bench/catalog.js").CatalogRow} CatalogRow */

const OURS = ROWS.filter(isPagesOwn);

export class BenchApp {
  #main = need("bench", HTMLElement);
  #bar = need("bench-bar", HTMLProgressElement);
  #said = need("bench-said", HTMLElement);
  #notice = need("bench-notice", HTMLElement);
  #announcer = new Announcer();
  #machine = machineFacts();
  #results = new Results(storage());
  /** @type {Map<string, RowView>} */
  #views = new Map(ROWS.map((row) => [row.id, new RowView(row)]));
  #table = new ResultsTable(ROWS, this.#machine, () => this.#forget());
  #button = button({ text: TEXTS.start, kind: "main", action: "start", onClick: () => this.#toggle() });
  /** @type {AbortController | null} */
  #running = null;

  constructor() {
    setText(need("bench-machine", HTMLElement), TEXTS.thisMachine(this.#machine.text));
    need("bench-modes", HTMLFieldSetElement).append(...this.#modes());
    need("bench-start", HTMLElement).prepend(this.#button);
    need("bench-rows", HTMLElement).append(...this.#sections());
    this.#showAll();
    addEventListener("beforeunload", (event) => {
      if (this.#running) event.preventDefault();
    });
  }

  // --- what stands there -----------------------------------------------------------------------------------------------

  #modes() {
    const hints = {
      quick: TEXTS.modes.quick.hint(formatDuration(secondsOf(OURS, true) * 1000)),
      all: TEXTS.modes.all.hint(formatDuration(secondsOf(OURS, false) * 1000)),
      chosen: TEXTS.modes.chosen.hint,
    };
    return /** @type {Mode[]} */ (["quick", "all", "chosen"]).map((mode) => {
      const input = h("input", {
        type: "radio",
        name: "bench-mode",
        value: mode,
        checked: mode === "quick",
        on: { change: () => this.#followMode() },
      });
      const text = h("span", { class: "level-name" }, TEXTS.modes[mode].name);
      return h(
        "label",
        { class: "level" },
        input,
        h("span", null, text, h("span", { class: "quiet-text" }, hints[mode])),
      );
    });
  }

  #sections() {
    const bySection = Map.groupBy(ROWS, ({ section }) => section);
    return [...bySection].map(([section, rows], index) => {
      const id = `section-${index}`;
      const views = rows.map(({ id }) => this.#view(id).element);
      return h(
        "section",
        { class: "card", "aria-labelledby": id },
        h("div", { class: "card-head" }, h("h2", { id }, section.replace(/^\d+\.\s*/, ""))),
        h("ul", { class: "bench-list" }, ...views),
      );
    });
  }

  /** @param {string} id */
  #view(id) {
    return /** @type {RowView} */ (this.#views.get(id));
  }

  get #mode() {
    const chosen = this.#main.querySelector("input[name=bench-mode]:checked");
    return /** @type {Mode} */ (chosen instanceof HTMLInputElement ? chosen.value : "quick");
  }

  #followMode() {
    for (const view of this.#views.values()) view.setChoosing(this.#mode === "chosen");
  }

  #showAll() {
    this.#followMode();
    for (const { id } of ROWS) this.#showRow(id);
    this.#table.show(this.#results.measured(ROWS.map(({ id }) => id)));
  }

  /** What is known of a row, or that nothing is. @param {string} id */
  #showRow(id) {
    const entry = this.#results.get(id);
    if (entry) this.#view(id).show(entry, Date.now());
    else this.#view(id).setState("idle");
  }

  #forget() {
    this.#results.clear();
    for (const view of this.#views.values()) view.clear();
    this.#showAll();
    setText(this.#said, "");
  }

  // --- a run -----------------------------------------------------------------------------------------------------------

  #toggle() {
    if (this.#running) {
      this.#running.abort(new DOMException("stopped", "AbortError"));
      setText(this.#said, TEXTS.stopping);
      return;
    }
    const mode = this.#mode;
    const rows = mode === "chosen" ? OURS.filter(({ id }) => this.#view(id).isChosen) : OURS;
    if (rows.length === 0) this.#say(TEXTS.nothingChosen);
    else void this.#exclusively(() => this.#run(rows, mode === "quick"));
  }

  /** @param {() => Promise<void>} run */
  async #exclusively(run) {
    await navigator.locks.request(LOCK_NAME, { ifAvailable: true }, async (lock) => {
      if (lock) await run();
      else this.#say(TEXTS.elsewhere);
    });
  }

  /** @param {CatalogRow[]} rows @param {boolean} quick */
  async #run(rows, quick) {
    const running = new AbortController();
    const estimate = new Estimate(rows, quick);
    const started = performance.now();
    this.#begin(running, rows);
    /** @type {OwnNode | null} */
    let node = null;
    let told = "";
    try {
      this.#notice.hidden = !(await isConsoleOpen());
      if (rows.some(({ needs }) => needs.includes("node") || needs.includes("python"))) {
        setText(this.#said, TEXTS.startingNode);
        node = await OwnNode.open(running.signal);
      }
      await runRows({
        only: rows.map(({ id }) => id),
        quick,
        signal: running.signal,
        onProgress: ({ id, part, text }) => {
          estimate.note(id, part);
          if (part < 1) this.#view(id).setState(part > 0 ? "running" : "waiting", part, text);
          this.#showProgress(estimate, rows.length, (performance.now() - started) / 1000);
        },
        onResult: (result) => this.#keep(result, quick),
      });
      told = TEXTS.finished(rows.length, formatDuration(performance.now() - started));
    } catch (error) {
      told = running.signal.aborted ? TEXTS.stopped : TEXTS.broken(messageOf(error));
    }
    await node?.close().catch((error) => console.warn(error));
    this.#end(rows);
    this.#say(told);
  }

  /** @param {AbortController} running @param {CatalogRow[]} rows */
  #begin(running, rows) {
    this.#running = running;
    this.#main.dataset.running = "true";
    need("bench-modes", HTMLFieldSetElement).disabled = true;
    setText(this.#button.firstElementChild ?? this.#button, TEXTS.stop);
    this.#bar.hidden = false;
    setBar(this.#bar, null);
    for (const { id } of rows) this.#view(id).setState("waiting");
  }

  /** @param {CatalogRow[]} rows */
  #end(rows) {
    this.#running = null;
    delete this.#main.dataset.running;
    need("bench-modes", HTMLFieldSetElement).disabled = false;
    setText(this.#button.firstElementChild ?? this.#button, TEXTS.start);
    this.#bar.hidden = true;
    for (const { id } of rows) this.#showRow(id);
  }

  /** @param {Estimate} estimate @param {number} count @param {number} elapsed_s */
  #showProgress(estimate, count, elapsed_s) {
    if (this.#running?.signal.aborted) return;
    setBar(this.#bar, estimate.part);
    const left = formatSecondsLeft(estimate.secondsLeft(elapsed_s));
    const text = TEXTS.progress(formatCount(estimate.rowsDone), formatCount(count), left);
    setText(this.#said, text);
    this.#announcer.progress(text);
  }

  /** @param {import("../../bench/result.js").RowResult} result @param {boolean} quick */
  #keep(result, quick) {
    const entry = this.#results.add({ result, timeMs: Date.now(), quick, machine: this.#machine.text });
    this.#view(result.id).show(entry, Date.now());
    this.#table.show(this.#results.measured(ROWS.map(({ id }) => id)));
  }

  /** @param {string} text */
  #say(text) {
    setText(this.#said, text);
    this.#announcer.say(text);
  }
}

/** The same origin's console in another tab works on the same cores. */
async function isConsoleOpen() {
  const { held = [] } = await navigator.locks.query();
  return held.some(({ name }) => name === VAULT_LOCK);
}

/** Storage may be denied; then results live as long as the page. */
function storage() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

/** What this browser tells of itself. */
function machineFacts() {
  const { userAgent, hardwareConcurrency: cores } = navigator;
  const { userAgentData, deviceMemory: memoryGb } = /** @type {any} */ (navigator);
  const facts = { userAgent, cores, memoryGb, brands: userAgentData?.brands, platform: userAgentData?.platform };
  return { ...facts, text: describeMachine(facts) };
}
