/**
 * A dialog that asks for a passphrase: the present one, a new one, or both; it stays open until what it is for has worked.
 *
 * Invariants: what was typed leaves the page's elements when the dialog closes; an error is said inside it, at the field to fix.
 */

import { codeOf, explain, words } from "../words.js";
import { button, h, need, setText } from "./dom.js";

const TEXTS = words.protect;
const LENGTH_MIN = 8;

/**
 * @typedef {object} Question
 * @property {string} heading
 * @property {string[]} says
 * @property {boolean} current  ask for the present passphrase
 * @property {boolean} fresh  ask for a new one, twice
 * @property {{label: string, hint: string, checked: boolean}} [choice]
 * @property {string} submit
 * @property {(answer: {current: string, fresh: string, chosen: boolean}) => Promise<unknown>} run
 */

export class ProtectDialog {
  #dialog = need("protect-dialog", HTMLDialogElement);

  constructor() {
    this.#dialog.addEventListener("close", () => this.#dialog.replaceChildren());
  }

  /** @param {Question} question */
  ask({ heading, says, current, fresh, choice, submit, run }) {
    const fields = {
      current: passwordField("protect-current", TEXTS.current, "current-password"),
      fresh: passwordField("protect-new", TEXTS.fresh, "new-password"),
      again: passwordField("protect-again", TEXTS.again, "new-password"),
    };
    const told = h("p", { id: "protect-told", class: "field-told", role: "alert" });
    const box = h("input", { type: "checkbox", id: "protect-choice", checked: choice?.checked ?? false });
    const go = h("button", { type: "submit", class: "button main", data: { action: "protect-save" } }, submit);
    const form = h(
      "form",
      { class: "dialog-body protect-form", method: "dialog", novalidate: true },
      ...says.map((text) => h("p", { class: "quiet-text" }, text)),
      userName(),
      ...(current ? fields.current.elements : []),
      ...(fresh ? [...fields.fresh.elements, ...fields.again.elements] : []),
      ...(choice ? [choiceRow(box, choice)] : []),
      told,
      h("div", { class: "protect-buttons" }, go),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void send();
    });
    const refuse = (/** @type {HTMLInputElement} */ input, /** @type {string} */ text) => {
      setText(told, text);
      input.setAttribute("aria-invalid", "true");
      input.focus();
      input.select();
    };
    const send = async () => {
      for (const { input } of Object.values(fields)) input.removeAttribute("aria-invalid");
      const typed = fields.fresh.input.value;
      if (current && fields.current.input.value === "") return refuse(fields.current.input, TEXTS.empty);
      if (fresh && [...typed].length < LENGTH_MIN) return refuse(fields.fresh.input, TEXTS.short(LENGTH_MIN));
      if (fresh && typed !== fields.again.input.value) return refuse(fields.again.input, TEXTS.different);
      go.disabled = true;
      setText(told, TEXTS.working);
      try {
        await run({ current: fields.current.input.value, fresh: typed, chosen: box.checked });
        this.#dialog.close();
      } catch (error) {
        const { title, todo } = explain(error);
        const wrong = codeOf(error) === "WrongPassphrase" && current;
        refuse(wrong ? fields.current.input : fresh ? fields.fresh.input : fields.current.input, `${title}. ${todo}`);
      } finally {
        go.disabled = false;
      }
    };
    const close = button({
      icon: "close",
      label: TEXTS.close,
      action: "close",
      onClick: () => this.#dialog.close(),
    });
    const head = h("div", { class: "dialog-head" }, h("h2", { id: "protect-dialog-heading" }, heading), close);
    this.#dialog.replaceChildren(head, form);
    this.#dialog.showModal();
    (current ? fields.current : fields.fresh).input.focus();
  }
}

/** @param {string} id @param {string} label @param {string} autocomplete */
export function passwordField(id, label, autocomplete) {
  const input = h("input", { type: "password", id, autocomplete, spellcheck: "false", maxlength: "256" });
  input.setAttribute("aria-describedby", id === "unlock-passphrase" ? "unlock-told" : "protect-told");
  return { input, elements: [h("label", { for: id }, label), input] };
}

/** Password managers want to know whose it is. */
export function userName() {
  return h("input", { type: "text", autocomplete: "username", value: "INOS", hidden: true, "aria-hidden": "true" });
}

/** @param {HTMLInputElement} box @param {{label: string, hint: string}} choice */
export function choiceRow(box, { label, hint }) {
  const hintId = `${box.id}-hint`;
  box.setAttribute("aria-describedby", hintId);
  return h(
    "div",
    { class: "choice" },
    box,
    h("div", null, h("label", { for: box.id }, label), h("p", { id: hintId, class: "quiet-text" }, hint)),
  );
}
