/**
 * The versions of a file or folder: when each came, how large it is, which is current; open, save, make current, delete.
 *
 * Invariants: deleting asks first, in its row; the current one goes only with the file; names through `safeName` alone; what
 * comes after the dialog closed is dropped.
 */

import { words } from "../words.js";
import { button, h, isolated, need } from "./dom.js";
import { formatAgo, formatBytes, safeName } from "./format.js";

const TEXTS = words.versions;

/** @typedef {import("./types.js").FileEntry} FileEntry */
/** @typedef {import("./types.js").Version} Version */
/**
 * @typedef {object} VersionsTarget
 * @property {import("./types.js").NodeApi} node
 * @property {(file: import("./folder.js").Opened) => void} open
 * @property {(file: import("./folder.js").Opened) => boolean} canOpen
 * @property {(file: import("./folder.js").Opened) => void} download
 * @property {(text: string) => void} say
 * @property {(error: unknown, subject: string) => void} fail
 */

export class Versions {
  #target;
  #dialog = need("versions-dialog", HTMLDialogElement);
  #looks = 0;

  /** @param {VersionsTarget} target */
  constructor(target) {
    this.#target = target;
    this.#dialog.addEventListener("close", () => {
      this.#looks += 1;
      this.#dialog.replaceChildren();
    });
  }

  /** @param {FileEntry} entry */
  open(entry) {
    const list = h("ul", { class: "versions", "aria-label": TEXTS.list });
    const close = button({ icon: "close", label: TEXTS.close, action: "close", onClick: () => this.close() });
    this.#dialog.replaceChildren(
      h(
        "div",
        { class: "dialog-head" },
        h("h2", { id: "versions-heading", tabindex: "-1" }, TEXTS.heading(safeName(entry.name))),
        close,
      ),
      h("div", { class: "dialog-body" }, list, h("p", { class: "quiet-text" }, TEXTS.hint)),
    );
    this.#dialog.showModal();
    void this.#look(entry, list);
  }

  close() {
    if (this.#dialog.open) this.#dialog.close();
  }

  /** @param {FileEntry} entry @param {HTMLElement} list */
  async #look(entry, list) {
    const look = ++this.#looks;
    try {
      const versions = await this.#target.node.versions(entry.root);
      if (look === this.#looks) list.replaceChildren(...versions.map((version) => this.#row(entry, version, list)));
    } catch (error) {
      if (look !== this.#looks) return;
      this.close();
      this.#target.fail(error, safeName(entry.name));
    }
  }

  /** @param {FileEntry} entry @param {Version} version @param {HTMLElement} list */
  #row(entry, version, list) {
    const when = new Date(version.timeMs);
    const time = h("time", { datetime: when.toISOString(), title: when.toLocaleString() });
    time.textContent = formatAgo(version.timeMs, Date.now());
    const facts = h("p", { class: "quiet-text numbers" }, formatBytes(version.size));
    if (version.name !== entry.name) facts.append(" · ", isolated(safeName(version.name)));
    const actions = h("div", { class: "version-actions" });
    this.#fillActions(actions, entry, version, list);
    return h(
      "li",
      { class: "version", data: { root: version.root, seq: String(version.seq) } },
      h(
        "div",
        { class: "version-main" },
        h(
          "p",
          { class: "version-when" },
          time,
          version.current ? h("span", { class: "badge accent" }, TEXTS.current) : null,
        ),
        facts,
      ),
      actions,
    );
  }

  /** @param {HTMLElement} cell @param {FileEntry} entry @param {Version} version @param {HTMLElement} list */
  #fillActions(cell, entry, version, list) {
    const { open, canOpen, download } = this.#target;
    const file = { ...entry, root: version.root, name: version.name, size: version.size };
    const when = new Date(version.timeMs).toLocaleString();
    const named = (/** @type {string} */ verb) => TEXTS.named(verb, when);
    const buttons = [
      canOpen(file)
        ? button({ icon: "open", label: named(TEXTS.open), action: "version-open", onClick: () => open(file) })
        : null,
      button({ icon: "download", label: named(TEXTS.download), action: "version-save", onClick: () => download(file) }),
    ];
    if (!version.current) {
      buttons.push(
        button({
          icon: "restore",
          label: named(TEXTS.restore),
          action: "version-restore",
          onClick: () =>
            void this.#change(
              entry,
              list,
              TEXTS.restored,
              async () => (await this.#target.node.restore(version.root)).root,
            ),
        }),
        button({
          icon: "delete",
          label: named(TEXTS.forget),
          action: "version-forget",
          onClick: () => this.#confirm(cell, entry, version, list),
        }),
      );
    }
    cell.replaceChildren(...buttons.filter((each) => each !== null));
  }

  /** @param {HTMLElement} cell @param {FileEntry} entry @param {Version} version @param {HTMLElement} list */
  #confirm(cell, entry, version, list) {
    const back = () => {
      this.#fillActions(cell, entry, version, list);
      /** @type {HTMLElement | null} */ (cell.querySelector("[data-action=version-forget]"))?.focus();
    };
    const forget = async () => {
      await this.#target.node.forget(version.root);
      return entry.root;
    };
    const yes = button({
      text: TEXTS.forgetYes,
      kind: "danger",
      action: "version-forget-confirm",
      onClick: () => void this.#change(entry, list, TEXTS.forgotten, forget),
    });
    const no = button({ text: TEXTS.forgetNo, kind: "soft", action: "version-forget-cancel", onClick: back });
    const question = h(
      "div",
      { class: "confirm", role: "group", "aria-label": TEXTS.forgetAsk },
      h("span", { class: "confirm-text" }, TEXTS.forgetAsk),
      yes,
      no,
    );
    question.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // it answers the question; the dialog stays
      back();
    });
    cell.replaceChildren(question);
    no.focus();
  }

  /**
   * @param {FileEntry} entry
   * @param {HTMLElement} list
   * @param {string} told
   * @param {() => Promise<string>} change  the root that is current afterwards
   */
  async #change(entry, list, told, change) {
    try {
      const root = await change();
      this.#target.say(told);
      this.#dialog.querySelector("h2")?.focus(); // the button that was pressed goes with its row
      await this.#look({ ...entry, root }, list);
    } catch (error) {
      this.close();
      this.#target.fail(error, safeName(entry.name));
    }
  }
}
