/**
 * What stands where the files were while the vault is locked: a passphrase field, a passkey's button, and nothing else.
 *
 * Invariants: the field has the focus when it appears; a refusal is said beside it and changes nothing; what was typed is gone
 * with the card.
 */

import { explain, words } from "../words.js";
import { button, h, need, setText } from "./dom.js";
import { passwordField, userName } from "./protect_dialog.js";

const TEXTS = words.unlock;

export class Unlock {
  #node;
  #fail;
  #section = need("unlock", HTMLElement);
  #isShown = false;

  /**
   * @param {import("./types.js").NodeApi} node
   * @param {(error: unknown) => void} fail
   */
  constructor(node, fail) {
    this.#node = node;
    this.#fail = fail;
  }

  /** Follow the node's phase. */
  refresh() {
    const { phase, step } = this.#node.state();
    const isLocked = phase === "locked" && step === ""; // while it closes there is nothing to unlock yet
    if (isLocked === this.#isShown) return;
    this.#isShown = isLocked;
    this.#section.hidden = !isLocked;
    this.#section.replaceChildren();
    if (isLocked) void this.#show().catch(this.#fail);
  }

  async #show() {
    const { slots } = await this.#node.protection();
    if (!this.#isShown) return;
    const kinds = new Set(slots.map(({ kind }) => kind));
    const { input, elements } = passwordField("unlock-passphrase", TEXTS.label, "current-password");
    const told = h("p", { id: "unlock-told", class: "field-told", role: "alert" });
    const submit = h("button", { type: "submit", class: "button main", data: { action: "unlock" } }, TEXTS.unlock);
    const passkey = button({
      text: TEXTS.passkey,
      kind: kinds.has("passphrase") ? "soft" : "main",
      action: "unlock-passkey",
      onClick: () => void attempt({ passkey: true }),
    });
    const attempt = async (/** @type {import("./types.js").Given} */ given) => {
      submit.disabled = passkey.disabled = true;
      input.removeAttribute("aria-invalid");
      setText(told, TEXTS.working);
      try {
        await this.#node.unlock(given);
        return;
      } catch (error) {
        const { title, todo } = explain(error);
        setText(told, `${title}. ${todo}`);
      }
      submit.disabled = passkey.disabled = false;
      if (!("passphrase" in given)) return;
      input.setAttribute("aria-invalid", "true");
      input.focus();
      input.select();
    };
    const form = h(
      "form",
      { class: "unlock-form", method: "dialog", novalidate: true },
      ...(kinds.has("passphrase") ? [userName(), ...elements, submit] : []),
      kinds.has("passkey") ? passkey : null,
      told,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (input.value === "") setText(told, TEXTS.empty);
      else if (!submit.disabled) void attempt({ passphrase: input.value });
    });
    this.#section.replaceChildren(
      h("h2", { id: "unlock-heading" }, TEXTS.heading),
      h("p", { class: "quiet-text" }, TEXTS.hint),
      form,
      h("p", { class: "quiet-text" }, TEXTS.forgotten),
    );
    (kinds.has("passphrase") ? input : passkey).focus();
  }
}
