/**
 * "Export everything" and "Import": one dialog, a passphrase, progress, and what came of it in words.
 *
 * Invariants: what was typed leaves the page's elements when the dialog closes; closing it stops what runs; an error is said inside
 * it, and the passphrase may be typed again.
 */

import { explain, words } from "../words.js";
import { button, h, isolated, need, setBar, setText } from "./dom.js";
import { isCancel } from "./errors.js";
import { formatBytes, formatRate, formatSecondsLeft, fraction, safeName } from "./format.js";
import { strengthOf } from "./strength.js";

const LENGTH_MIN = 8;
const LISTED_MAX = 100;
const TEXTS = words.archive;

/** @typedef {import("./types.js").AnyProgress} AnyProgress */
/**
 * @typedef {object} Question
 * @property {string} heading
 * @property {string[]} says
 * @property {boolean} twice  a new passphrase, typed twice
 * @property {string} submit
 * @property {string} doing
 * @property {string} stopped
 * @property {(passphrase: string, options: {onProgress: (progress: AnyProgress) => void, signal: AbortSignal}) =>
 *   Promise<HTMLElement[]>} run  answers what to show in the end
 */

export class Archive {
  #node;
  #say;
  #dialog = need("archive-dialog", HTMLDialogElement);
  #input = need("archive-input", HTMLInputElement);
  #aborter = new AbortController();

  /**
   * @param {import("./types.js").NodeApi} node
   * @param {(text: string) => void} say
   */
  constructor(node, say) {
    this.#node = node;
    this.#say = say;
    this.#dialog.addEventListener("close", () => {
      this.#aborter.abort();
      this.#dialog.replaceChildren();
    });
    this.#input.addEventListener("change", () => {
      const file = this.#input.files?.[0];
      this.#input.value = "";
      if (file) this.#import(file);
    });
  }

  /** The two buttons that begin it. */
  buttons() {
    return [
      button({ text: TEXTS.exportVerb, kind: "soft", action: "archive-export", onClick: () => this.#export() }),
      button({ text: TEXTS.importVerb, kind: "soft", action: "archive-import", onClick: () => this.#input.click() }),
    ];
  }

  close() {
    if (this.#dialog.open) this.#dialog.close();
  }

  #export() {
    this.#ask({
      heading: TEXTS.exportVerb,
      says: [TEXTS.exportHint, TEXTS.warning],
      twice: true,
      submit: TEXTS.start,
      doing: TEXTS.exporting,
      stopped: TEXTS.stopped,
      run: async (passphrase, options) => {
        const result = await this.#node.exportArchive({ passphrase, ...options });
        this.#say(TEXTS.exported);
        const much = TEXTS.exportedMuch(result.files, formatBytes(result.bytes));
        return [
          h("p", { class: "archive-done" }, TEXTS.exported),
          h("p", { class: "quiet-text numbers" }, much),
          ...skippedList(result.skipped),
        ];
      },
    });
  }

  /** @param {File} file */
  #import(file) {
    this.#ask({
      heading: TEXTS.importHeading,
      says: [`${safeName(file.name)} · ${formatBytes(file.size)}`, TEXTS.importHint],
      twice: false,
      submit: TEXTS.import,
      doing: TEXTS.importing,
      stopped: TEXTS.importStopped,
      run: async (passphrase, options) => {
        const result = await this.#node.importArchive(file, { passphrase, ...options });
        const told = TEXTS.imported(result.files, result.known, formatBytes(result.bytes));
        this.#say(told);
        return [h("p", { class: "archive-done" }, told), ...skippedList(result.skipped)];
      },
    });
  }

  /** @param {Question} question */
  #ask(question) {
    this.#aborter = new AbortController();
    const first = passwordField("archive-passphrase", TEXTS.passphrase, question.twice ? "new-password" : "off");
    const again = passwordField("archive-again", TEXTS.again, "new-password");
    const strength = h("p", { id: "archive-strength", class: "quiet-text", role: "status" });
    const told = h("p", { id: "archive-told", class: "field-told", role: "alert" });
    first.input.addEventListener("input", () => {
      if (question.twice) setText(strength, TEXTS.strength[strengthOf(first.input.value)]);
    });
    const go = h(
      "button",
      { type: "submit", class: "button main", data: { action: "archive-start" } },
      question.submit,
    );
    const form = h(
      "form",
      { class: "dialog-body archive-form", method: "dialog", novalidate: true },
      ...question.says.map((text) => h("p", { class: text === TEXTS.warning ? "notice warn" : "quiet-text" }, text)),
      ...first.elements,
      ...(question.twice ? [strength, ...again.elements] : []),
      told,
      h("div", { class: "dialog-buttons" }, go),
    );
    const refuse = (/** @type {HTMLInputElement} */ input, /** @type {string} */ text) => {
      setText(told, text);
      input.setAttribute("aria-invalid", "true");
      input.focus();
      input.select();
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const typed = first.input.value;
      for (const { input } of [first, again]) input.removeAttribute("aria-invalid");
      if (typed === "") return refuse(first.input, TEXTS.missing);
      if (question.twice && [...typed].length < LENGTH_MIN) return refuse(first.input, TEXTS.short(LENGTH_MIN));
      if (question.twice && typed !== again.input.value) return refuse(again.input, TEXTS.different);
      setText(told, "");
      void this.#run(question, typed, form, (text) => refuse(first.input, text));
    });
    const close = button({ icon: "close", label: TEXTS.close, action: "close", onClick: () => this.close() });
    const head = h("div", { class: "dialog-head" }, h("h2", { id: "archive-heading" }, question.heading), close);
    this.#dialog.replaceChildren(head, form);
    this.#dialog.showModal();
    first.input.focus();
  }

  /**
   * @param {Question} question
   * @param {string} passphrase
   * @param {HTMLFormElement} form
   * @param {(text: string) => void} refuse
   */
  async #run(question, passphrase, form, refuse) {
    const { signal } = this.#aborter;
    const bar = h("progress", { max: "1", "aria-label": question.doing, data: { role: "progress" } });
    const facts = h("p", { class: "quiet-text numbers", role: "status" }, TEXTS.stretching);
    const stop = button({ text: TEXTS.stop, kind: "soft", action: "archive-stop", onClick: () => this.close() });
    const body = h("div", { class: "dialog-body" }, facts, bar, h("div", { class: "dialog-buttons" }, stop));
    setBar(bar, null);
    form.replaceWith(body);
    stop.focus();
    try {
      const shown = await question.run(passphrase, {
        signal,
        onProgress: (progress) => {
          setBar(bar, progress.total > 0 ? fraction(progress) : null);
          setText(facts, progressText(question.doing, progress));
        },
      });
      if (signal.aborted) return;
      const done = button({ text: TEXTS.done, kind: "main", action: "archive-done", onClick: () => this.close() });
      body.replaceChildren(...shown, h("div", { class: "dialog-buttons" }, done));
      done.focus();
    } catch (error) {
      if (signal.aborted || isCancel(error)) {
        this.#say(question.stopped);
        return;
      }
      const { code, title, todo } = explain(error);
      body.replaceWith(form);
      refuse(TEXTS.refused[code] ?? `${title}. ${todo}`);
    }
  }
}

/** @param {string} id @param {string} label @param {string} autocomplete */
function passwordField(id, label, autocomplete) {
  const input = h("input", { type: "password", id, autocomplete, spellcheck: "false", maxlength: "256" });
  input.setAttribute("aria-describedby", "archive-told");
  return { input, elements: [h("label", { for: id }, label), input] };
}

/** @param {string} doing @param {AnyProgress} progress */
function progressText(doing, { bytes, total, rate, secondsLeft }) {
  const done = total > 0 ? words.work.of(formatBytes(bytes), formatBytes(total)) : formatBytes(bytes);
  return [doing, done, formatRate(rate), formatSecondsLeft(secondsLeft)].filter(Boolean).join(" · ");
}

/** @param {import("./types.js").Skipped[]} skipped */
function skippedList(skipped) {
  if (skipped.length === 0) return [];
  const rows = skipped
    .slice(0, LISTED_MAX)
    .map(({ name, code }) =>
      h(
        "li",
        { data: { code } },
        isolated(safeName(name) || TEXTS.itself, safeName(name, 300)),
        h("span", { class: "quiet-text" }, explain({ code }).title),
      ),
    );
  return [h("p", null, TEXTS.skipped(skipped.length)), h("ul", { class: "unrepaired" }, ...rows)];
}
