/**
 * Checking the vault: three levels, progress, a verdict in words, a report to keep, and repair of what was found damaged.
 *
 * Invariants: one check or repair at a time, and both can be stopped; what cannot be repaired is listed by name, with what to do.
 */

import { explain, words } from "../words.js";
import { button, h, isolated, setBar, setText } from "./dom.js";
import { isCancel } from "./errors.js";
import { formatBytes, formatDuration, formatRate, formatSecondsLeft, fraction, safeName } from "./format.js";
import { isGood, reportText } from "./report.js";

const TEXTS = words.panel;
const REPAIR = words.repair;
const LISTED_MAX = 100;

/** @typedef {import("./types.js").CheckLevel} CheckLevel */
/** @typedef {import("./types.js").CheckResult} CheckResult */
/** @typedef {import("./types.js").RepairResult} RepairResult */
/**
 * @typedef {object} CheckTarget
 * @property {import("./types.js").NodeApi} node
 * @property {import("./announce.js").Announcer} announcer
 * @property {(error: unknown) => void} fail
 * @property {(root: string) => string | undefined} nameOf
 */

export class Check {
  #target;
  /** @type {AbortController | null} */
  #running = null;
  /** @type {{timeMs: number, result: CheckResult, repair: RepairResult | null} | null} */
  #last = null;
  #bar = h("progress", { max: "1", hidden: true, data: { role: "progress" }, "aria-label": TEXTS.checking });
  #verdict = h("p", { id: "check-result", class: "check-result numbers", role: "status" });
  #levels = h("fieldset", { class: "levels" }, h("legend", { class: "unseen" }, TEXTS.checkHeading));
  #start;
  #repair;
  #report;
  #left = h("div", { class: "check-left", hidden: true });
  element;

  /** @param {CheckTarget} target */
  constructor(target) {
    this.#target = target;
    this.#levels.append(...levelChoices());
    this.#start = button({
      text: TEXTS.checkStart,
      kind: "soft",
      action: "check",
      onClick: () => (this.#running ? this.#running.abort() : void this.#check()),
    });
    this.#repair = button({ text: REPAIR.verb, kind: "main", action: "repair", onClick: () => void this.repair() });
    this.#report = button({ text: REPAIR.report, action: "check-report", onClick: () => this.#saveReport() });
    this.#repair.hidden = true;
    this.#report.hidden = true;
    this.element = h(
      "section",
      { id: "check", class: "card setting", "aria-labelledby": "check-heading" },
      h(
        "div",
        { class: "setting-head" },
        h("h3", { id: "check-heading" }, TEXTS.checkHeading),
        h("p", { class: "quiet-text" }, TEXTS.checkHint),
      ),
      h(
        "div",
        { class: "setting-body" },
        this.#levels,
        h("div", { class: "check-run" }, this.#start, this.#verdict, this.#repair, this.#report),
        this.#bar,
        this.#left,
      ),
    );
  }

  /** What was found names files: it goes when the vault does. */
  close() {
    this.#running?.abort();
    this.#last = null;
    this.#repair.hidden = this.#report.hidden = this.#left.hidden = true;
    this.#left.replaceChildren();
    delete this.#verdict.dataset.verdict;
    setText(this.#verdict, "");
  }

  async #check() {
    const chosen = this.#levels.querySelector("input:checked");
    const level = /** @type {CheckLevel} */ (chosen instanceof HTMLInputElement ? chosen.value : "quick");
    await this.#run(TEXTS.checking, TEXTS.checkCancelled, TEXTS.checkStop, async (options) => {
      const result = await this.#target.node.check(level, options);
      this.#last = { timeMs: Date.now(), result, repair: null };
      this.#showVerdict(result);
    });
  }

  /** Look for good copies of whatever is known to be damaged. */
  async repair() {
    if (this.#running) return;
    await this.#run(REPAIR.running, REPAIR.stopped, REPAIR.stop, async (options) => {
      const result = await this.#target.node.repair(options);
      if (this.#last) this.#last.repair = result;
      this.#showRepaired(result);
    });
  }

  /**
   * @param {string} doing
   * @param {string} stopped
   * @param {string} stop
   * @param {(options: {signal: AbortSignal, onProgress: (progress: import("./types.js").AnyProgress) => void}) => Promise<void>} work
   */
  async #run(doing, stopped, stop, work) {
    const running = new AbortController();
    this.#running = running;
    const { signal } = running;
    setText(this.#start, stop);
    this.#bar.hidden = false;
    this.#bar.setAttribute("aria-label", doing);
    setBar(this.#bar, null);
    this.#repair.hidden = this.#report.hidden = this.#left.hidden = true;
    delete this.#verdict.dataset.verdict;
    setText(this.#verdict, doing);
    try {
      const onProgress = (/** @type {import("./types.js").AnyProgress} */ progress) => {
        if (!signal.aborted) showProgress(this.#bar, this.#verdict, doing, progress);
      };
      await work({ signal, onProgress });
      this.#target.announcer.say(this.#verdict.textContent ?? "");
    } catch (error) {
      const cancelled = signal.aborted || isCancel(error);
      setText(this.#verdict, cancelled ? stopped : "");
      if (!cancelled) this.#target.fail(error);
    }
    this.#running = null;
    this.#bar.hidden = true;
    setText(this.#start, TEXTS.checkStart);
  }

  /** @param {CheckResult} result */
  #showVerdict(result) {
    const { blocks, bytes, bad, lost, ms } = result;
    const good = isGood(result);
    this.#verdict.dataset.verdict = good ? "good" : "bad";
    setText(
      this.#verdict,
      good ? TEXTS.checkGood(blocks, formatBytes(bytes), formatDuration(ms)) : TEXTS.checkBad(bad.length, lost.length),
    );
    this.#repair.hidden = good;
    this.#report.hidden = false;
  }

  /** @param {RepairResult} result */
  #showRepaired({ repaired, unrepaired }) {
    const whole = unrepaired.length === 0;
    this.#verdict.dataset.verdict = whole ? "good" : "bad";
    const none = whole && repaired.length === 0;
    const parts = [
      repaired.length > 0 ? REPAIR.repaired(repaired.length) : "",
      none ? REPAIR.nothing : whole ? REPAIR.allGood : REPAIR.unrepaired(unrepaired.length),
    ];
    setText(this.#verdict, parts.filter(Boolean).join(" "));
    this.#report.hidden = this.#last === null;
    this.#repair.hidden = whole;
    this.#left.hidden = whole;
    if (whole) return;
    const rows = unrepaired
      .slice(0, LISTED_MAX)
      .map(({ root, name, code }) =>
        h(
          "li",
          { data: { root, code } },
          isolated(safeName(name) || words.files.unnamed, safeName(name, 300)),
          h("span", { class: "quiet-text" }, REPAIR.why[code] ?? explain({ code }).title),
        ),
      );
    this.#left.replaceChildren(h("ul", { class: "unrepaired" }, ...rows), h("p", null, REPAIR.todo));
  }

  #saveReport() {
    if (!this.#last) return;
    const text = reportText({ ...this.#last, nameOf: this.#target.nameOf });
    const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    h("a", { href: url, download: REPAIR.reportName }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }
}

function levelChoices() {
  return /** @type {CheckLevel[]} */ (["quick", "hash", "data"]).map((level) => {
    const input = h("input", { type: "radio", name: "check-level", value: level, checked: level === "quick" });
    const { name, hint } = TEXTS.levels[level];
    return h(
      "label",
      { class: "level" },
      input,
      h("span", null, h("span", { class: "level-name" }, name), h("span", { class: "quiet-text" }, hint)),
    );
  });
}

/**
 * @param {HTMLProgressElement} bar
 * @param {HTMLElement} verdict
 * @param {string} doing
 * @param {import("./types.js").AnyProgress} progress
 */
function showProgress(bar, verdict, doing, progress) {
  setBar(bar, fraction(progress));
  const isBytes = progress.stage === "checking";
  const done = isBytes
    ? words.work.of(formatBytes(progress.bytes), formatBytes(progress.total))
    : words.tidy.of(progress.bytes, progress.total);
  const parts = [doing, done, isBytes ? formatRate(progress.rate) : "", formatSecondsLeft(progress.secondsLeft)];
  setText(verdict, parts.filter(Boolean).join(" · "));
}
