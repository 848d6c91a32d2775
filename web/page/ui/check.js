/**
 * Checking the vault: three levels, progress, and a verdict in words.
 */

import { words } from "../words.js";
import { button, h, setBar, setText } from "./dom.js";
import { isCancel } from "./errors.js";
import { formatBytes, formatDuration, formatRate, formatSecondsLeft, fraction } from "./format.js";

const TEXTS = words.panel;

/** @typedef {import("./types.js").CheckLevel} CheckLevel */

/**
 * @param {import("./types.js").NodeApi} node
 * @param {import("./announce.js").Announcer} announcer
 * @param {(error: unknown) => void} fail
 */
export function makeCheck(node, announcer, fail) {
  /** @type {AbortController | null} */
  let running = null;
  const bar = h("progress", { max: "1", hidden: true, data: { role: "progress" }, "aria-label": TEXTS.checking });
  const verdict = h("p", { id: "check-result", class: "check-result numbers", role: "status" });
  const levels = h("fieldset", { class: "levels" }, h("legend", { class: "unseen" }, TEXTS.checkHeading));
  levels.append(...levelChoices());
  const start = button({
    text: TEXTS.checkStart,
    kind: "soft",
    action: "check",
    onClick: () => (running ? running.abort() : void run()),
  });

  async function run() {
    running = new AbortController();
    const chosen = levels.querySelector("input:checked");
    const level = /** @type {CheckLevel} */ (chosen instanceof HTMLInputElement ? chosen.value : "quick");
    setText(start, TEXTS.checkStop);
    bar.hidden = false;
    setBar(bar, null);
    delete verdict.dataset.verdict;
    setText(verdict, TEXTS.checking);
    try {
      const result = await node.check(level, {
        signal: running.signal,
        onProgress: (progress) => show(bar, verdict, progress),
      });
      showVerdict(verdict, result);
      announcer.say(verdict.textContent ?? "");
    } catch (error) {
      setText(verdict, running.signal.aborted || isCancel(error) ? TEXTS.checkCancelled : "");
      if (!running.signal.aborted && !isCancel(error)) fail(error);
    }
    running = null;
    bar.hidden = true;
    setText(start, TEXTS.checkStart);
  }

  return h(
    "section",
    { id: "check", class: "check" },
    h("h3", null, TEXTS.checkHeading),
    levels,
    h("div", { class: "check-run" }, start, verdict),
    bar,
  );
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
 * @param {import("./types.js").AnyProgress} progress
 */
function show(bar, verdict, progress) {
  setBar(bar, fraction(progress));
  const done = words.work.of(formatBytes(progress.bytes), formatBytes(progress.total));
  const parts = [TEXTS.checking, done, formatRate(progress.rate), formatSecondsLeft(progress.secondsLeft)];
  setText(verdict, parts.filter(Boolean).join(" · "));
}

/**
 * @param {HTMLElement} verdict
 * @param {import("./types.js").CheckResult} result
 */
function showVerdict(verdict, { blocks, bytes, bad, lost, ms }) {
  const lostFiles = Array.isArray(lost) ? lost.length : Number(lost) || 0;
  const good = bad.length === 0 && lostFiles === 0;
  verdict.dataset.verdict = good ? "good" : "bad";
  const text = good
    ? TEXTS.checkGood(blocks, formatBytes(bytes), formatDuration(ms))
    : TEXTS.checkBad(bad.length, lostFiles);
  setText(verdict, text);
}
