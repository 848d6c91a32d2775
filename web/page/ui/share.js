/**
 * The share dialog: a link, copied at once where the browser allows, and what to know about it.
 *
 * Nouns: a *plain* link holds what opens the file; a *revocable* one asks this node for it, and can be withdrawn.
 * Invariants: the link is shown in `#share-link` whether or not copying worked; no plain link is made where a revocable one is
 * wished for, which is remembered.
 */

import { words } from "../words.js";
import { button, copyText, h, isolated, need, setText } from "./dom.js";
import { formatAgo, safeName } from "./format.js";
import { choiceRow } from "./protect_dialog.js";

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
const REVOCABLE_KEY = "inos-share-revocable";
const TEXTS = words.share;

/** @typedef {{root: string, name: string}} Shared */

export class Share {
  #node;
  #announcer;
  #fail;
  #dialog = need("share-dialog", HTMLDialogElement);

  /**
   * @param {import("./types.js").NodeApi} node
   * @param {import("./announce.js").Announcer} announcer
   * @param {(error: unknown, subject: string) => void} fail
   */
  constructor(node, announcer, fail) {
    this.#node = node;
    this.#announcer = announcer;
    this.#fail = fail;
  }

  /** @param {Shared} file */
  async open(file) {
    const field = h("input", { type: "text", id: "share-link", readonly: true, value: "" });
    field.placeholder = TEXTS.making;
    field.addEventListener("focus", () => field.select());
    const told = h("p", { class: "share-told", role: "status" });
    const copy = button({
      icon: "copy",
      text: TEXTS.copy,
      kind: "main",
      action: "copy",
      onClick: () => void copyLink(field, told),
    });
    const revocable = h("input", { type: "checkbox", id: "share-revocable", checked: recall() });
    const links = h("section", { id: "share-links", class: "protect-part", hidden: true });
    const show = (/** @type {() => Promise<string>} */ make) => this.#show(file, field, copy, told, make);
    const fill = async () => {
      await show(() => (revocable.checked ? this.#revocable(file.root) : this.#node.share(file.root)));
      await this.#listLinks(file, links, { field, copy, told }, show);
    };
    revocable.addEventListener("change", () => {
      remember(revocable.checked);
      void fill();
    });
    this.#dialog.replaceChildren(...this.#content(safeName(file.name), { field, copy, told, revocable, links }));
    if (!this.#dialog.open) this.#dialog.showModal();
    await fill();
  }

  /** The newest link that holds, or a new one. @param {string} root */
  async #revocable(root) {
    const newest = (await this.#node.links(root)).at(-1);
    return newest?.link ?? (await this.#node.shareRevocable(root)).link;
  }

  /**
   * @param {Shared} file @param {HTMLInputElement} field @param {HTMLButtonElement} copy @param {HTMLElement} told
   * @param {() => Promise<string>} make
   */
  async #show({ name }, field, copy, told, make) {
    field.value = "";
    field.setAttribute("aria-busy", "true");
    copy.disabled = true;
    try {
      field.value = await make();
      field.removeAttribute("aria-busy");
      copy.disabled = false;
      if (document.activeElement === document.body || this.#dialog.contains(document.activeElement) === false)
        copy.focus();
      await copyLink(field, told);
    } catch (error) {
      this.#dialog.close();
      this.#fail(error, safeName(name));
    }
  }

  /**
   * @param {Shared} file @param {HTMLElement} section
   * @param {{field: HTMLInputElement, copy: HTMLButtonElement, told: HTMLElement}} shown
   * @param {(make: () => Promise<string>) => Promise<void>} show
   */
  async #listLinks(file, section, shown, show) {
    const again = () => this.#listLinks(file, section, shown, show);
    const made = await this.#node.links(file.root).catch(() => []);
    section.hidden = made.length === 0;
    const rows = made.map(({ id, link, timeMs }) => {
      const when = formatAgo(timeMs, Date.now());
      const revoke = button({
        text: TEXTS.revoke,
        kind: "soft",
        action: "revoke",
        onClick: async () => {
          try {
            await this.#node.revoke(id);
          } catch (error) {
            this.#fail(error, safeName(file.name));
            return;
          }
          if (shown.field.value === link) {
            shown.field.value = "";
            shown.copy.disabled = true;
          }
          setText(shown.told, TEXTS.revoked);
          this.#announcer.say(TEXTS.revoked);
          await again();
        },
      });
      revoke.setAttribute("aria-label", TEXTS.revokeNamed(when));
      return h("li", { class: "slot", data: { link: id } }, h("span", { class: "numbers" }, TEXTS.made(when)), revoke);
    });
    const another = button({
      text: TEXTS.another,
      kind: "quiet",
      action: "share-another",
      onClick: async () => {
        await show(async () => (await this.#node.shareRevocable(file.root)).link);
        await again();
      },
    });
    section.replaceChildren(
      h("h3", null, TEXTS.links),
      h("ul", { class: "slots" }, ...rows),
      h("div", { class: "protect-buttons" }, another),
    );
  }

  /**
   * @param {string} name
   * @param {{field: HTMLElement, copy: HTMLElement, told: HTMLElement, revocable: HTMLInputElement, links: HTMLElement}} parts
   */
  #content(name, { field, copy, told, revocable, links }) {
    return [
      h(
        "div",
        { class: "dialog-head" },
        h("h2", { id: "share-heading" }, `${TEXTS.heading} `, isolated(name)),
        button({ icon: "close", label: TEXTS.close, action: "close", onClick: () => this.#dialog.close() }),
      ),
      h(
        "div",
        { class: "dialog-body" },
        h("label", { class: "unseen", for: "share-link" }, TEXTS.label),
        h("div", { class: "share-row" }, field, copy),
        told,
        h("p", { class: "quiet-text" }, TEXTS.warning),
        h("p", { class: "quiet-text" }, TEXTS.keepOpen),
        choiceRow(revocable, { label: TEXTS.revocable, hint: TEXTS.revocableHint }),
        links,
        LOOPBACK.test(location.hostname) ? h("p", { class: "notice warn" }, TEXTS.loopback) : null,
      ),
    ];
  }
}

function recall() {
  try {
    return localStorage.getItem(REVOCABLE_KEY) === "1";
  } catch {
    return false; // a page without storage of this kind: it is not remembered
  }
}

/** @param {boolean} revocable */
function remember(revocable) {
  try {
    localStorage.setItem(REVOCABLE_KEY, revocable ? "1" : "0");
  } catch {
    // as above
  }
}

/**
 * @param {HTMLInputElement} field
 * @param {HTMLElement} told
 */
async function copyLink(field, told) {
  const isCopied = await copyText(field.value);
  if (!isCopied) field.select(); // one key press copies it
  setText(told, isCopied ? TEXTS.copied : TEXTS.copyFailed);
  told.classList.toggle("failed", !isCopied);
}
