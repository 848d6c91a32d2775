/**
 * The share dialog: a link, copied at once where the browser allows, and what to know about it.
 *
 * Invariant: the link is shown in `#share-link` whether or not copying worked.
 */

import { words } from "../words.js";
import { button, h, isolated, need, setText } from "./dom.js";
import { safeName } from "./format.js";

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

export class Share {
  #node;
  #fail;
  #dialog = need("share-dialog", HTMLDialogElement);

  /**
   * @param {import("./types.js").NodeApi} node
   * @param {(error: unknown, subject: string) => void} fail
   */
  constructor(node, fail) {
    this.#node = node;
    this.#fail = fail;
  }

  /** @param {{root: string, name: string}} file */
  async open({ root, name }) {
    const field = h("input", { type: "text", id: "share-link", readonly: true, value: "", "aria-busy": "true" });
    field.placeholder = words.share.making;
    field.addEventListener("focus", () => field.select());
    const told = h("p", { class: "share-told", role: "status" });
    const copy = button({
      icon: "copy",
      text: words.share.copy,
      kind: "main",
      action: "copy",
      onClick: () => void copyLink(field, told),
    });
    copy.disabled = true;
    this.#dialog.replaceChildren(...this.#content(safeName(name), field, copy, told));
    if (!this.#dialog.open) this.#dialog.showModal();
    try {
      field.value = await this.#node.share(root);
      field.removeAttribute("aria-busy");
      copy.disabled = false;
      copy.focus();
      await copyLink(field, told);
    } catch (error) {
      this.#dialog.close();
      this.#fail(error, safeName(name));
    }
  }

  /**
   * @param {string} name
   * @param {HTMLInputElement} field
   * @param {HTMLButtonElement} copy
   * @param {HTMLElement} told
   */
  #content(name, field, copy, told) {
    return [
      h(
        "div",
        { class: "dialog-head" },
        h("h2", { id: "share-heading" }, `${words.share.heading} `, isolated(name)),
        button({ icon: "close", label: words.share.close, action: "close", onClick: () => this.#dialog.close() }),
      ),
      h(
        "div",
        { class: "dialog-body" },
        h("label", { class: "unseen", for: "share-link" }, words.share.label),
        h("div", { class: "share-row" }, field, copy),
        told,
        h("p", { class: "quiet-text" }, words.share.warning),
        h("p", { class: "quiet-text" }, words.share.keepOpen),
        LOOPBACK.test(location.hostname) ? h("p", { class: "notice warn" }, words.share.loopback) : null,
      ),
    ];
  }
}

/**
 * @param {HTMLInputElement} field
 * @param {HTMLElement} told
 */
async function copyLink(field, told) {
  try {
    await navigator.clipboard.writeText(field.value);
    setText(told, words.share.copied);
    told.classList.remove("failed");
  } catch {
    // no permission, or the window is not in front: selected, one key press copies it
    field.select();
    setText(told, words.share.copyFailed);
    told.classList.add("failed");
  }
}
