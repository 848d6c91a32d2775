/**
 * A folder, opened: what it holds, with the way to where one is ("Photos / 2024"), each file to open or save.
 *
 * Nouns: a *view* is one folder of the vault and a path in it. Invariants: names are shown through `safeName` alone; at most `shown`
 * rows exist; an answer that comes after the view moved on is dropped; rows are built once, so focus stays.
 */

import { words } from "../words.js";
import { button, h, icon, isolated, need } from "./dom.js";
import { formatBytes, safeName } from "./format.js";
import { iconOf } from "./kinds.js";
import { crumbs, joined } from "./paths.js";

const PAGE_ROWS = 200;
const TEXTS = words.folder;

/** @typedef {import("./types.js").FolderEntry} FolderEntry */
/** @typedef {{root: string, name: string, size: number, mediaType: string, path?: string, kind?: "file" | "folder"}} Opened */
/**
 * @typedef {object} FolderTarget
 * @property {import("./types.js").NodeApi} node
 * @property {import("./preview.js").Preview} preview
 * @property {(file: Opened) => void} download
 * @property {(error: unknown, subject: string) => void} fail
 */

export class FolderView {
  #target;
  #dialog = need("folder-dialog", HTMLDialogElement);
  #shown = PAGE_ROWS;
  #views = 0;

  /** @param {FolderTarget} target */
  constructor(target) {
    this.#target = target;
    this.#dialog.addEventListener("close", () => {
      this.#views += 1;
      this.#dialog.replaceChildren();
    });
  }

  /** @param {Opened} folder @param {string} [path] */
  async open(folder, path = "") {
    const view = ++this.#views;
    this.#shown = PAGE_ROWS;
    const body = h(
      "div",
      { class: "folder-body", "aria-busy": "true" },
      h("p", { class: "quiet-text" }, TEXTS.loading),
    );
    const moved = this.#dialog.open;
    this.#dialog.replaceChildren(this.#head(folder, path), this.#crumbs(folder, path), body);
    if (!moved) this.#dialog.showModal();
    try {
      const entries = await this.#target.node.entries(folder.root, path);
      if (view !== this.#views) return;
      body.removeAttribute("aria-busy");
      this.#fill(body, folder, path, entries);
      // what was pressed is gone with the rows: the way to here takes the focus
      const here = this.#dialog.querySelector(".crumbs [aria-current]");
      if (moved && here instanceof HTMLElement) here.focus();
    } catch (error) {
      if (view !== this.#views) return;
      this.#dialog.close();
      this.#target.fail(error, safeName(folder.name));
    }
  }

  /** It shows names: it goes when the vault does. */
  close() {
    if (this.#dialog.open) this.#dialog.close();
  }

  /** @param {Opened} folder @param {string} path */
  #head(folder, path) {
    const name = crumbs(path).at(-1)?.name ?? folder.name;
    const shown = safeName(name);
    return h(
      "div",
      { class: "dialog-head" },
      icon("folder"),
      h("h2", { id: "folder-heading" }, isolated(shown, safeName(name, 300))),
      button({
        icon: "download",
        label: TEXTS.zipNamed(shown),
        action: "folder-save",
        onClick: () => this.#target.download({ ...folder, name, path, kind: "folder" }),
      }),
      button({ icon: "close", label: TEXTS.close, action: "close", onClick: () => this.#dialog.close() }),
    );
  }

  /** @param {Opened} folder @param {string} path */
  #crumbs(folder, path) {
    const steps = [{ name: folder.name, path: "" }, ...crumbs(path)];
    const list = h("ol");
    for (const [at, step] of steps.entries()) {
      const shown = safeName(step.name, 40);
      const here = at === steps.length - 1;
      const part = here
        ? h("span", { class: "crumb", "aria-current": "page", tabindex: "-1" }, isolated(shown))
        : h(
            "button",
            { type: "button", class: "crumb", on: { click: () => void this.open(folder, step.path) } },
            isolated(shown),
          );
      list.append(h("li", null, part));
    }
    return h("nav", { class: "crumbs", "aria-label": TEXTS.path, hidden: steps.length === 1 }, list);
  }

  /**
   * @param {HTMLElement} body
   * @param {Opened} folder
   * @param {string} path
   * @param {FolderEntry[]} entries
   */
  #fill(body, folder, path, entries) {
    if (entries.length === 0) {
      body.replaceChildren(h("p", { class: "quiet-text" }, TEXTS.empty));
      return;
    }
    const sorted = foldersFirst(entries);
    const list = h("ul", { class: "entries", "aria-label": TEXTS.contents });
    const more = h("button", { type: "button", class: "button soft more", data: { action: "folder-more" } });
    const draw = (/** @type {number} */ from) => {
      for (const entry of sorted.slice(from, this.#shown)) list.append(this.#row(folder, path, entry));
      const rest = sorted.length - this.#shown;
      more.hidden = rest <= 0;
      more.textContent = TEXTS.more(Math.min(rest, PAGE_ROWS));
    };
    more.addEventListener("click", () => {
      const from = this.#shown;
      this.#shown += PAGE_ROWS;
      draw(from);
      list.children[from]?.querySelector("button")?.focus();
    });
    draw(0);
    const bytes = entries.reduce((sum, entry) => sum + entry.size, 0);
    body.replaceChildren(
      list,
      more,
      h("p", { class: "quiet-text numbers" }, TEXTS.summary(entries.length, formatBytes(bytes))),
    );
  }

  /** @param {Opened} folder @param {string} path @param {FolderEntry} entry */
  #row(folder, path, { name, kind, size }) {
    const shown = safeName(name);
    const inside = joined(path, name);
    const file = { root: folder.root, name, size, mediaType: "", path: inside, kind };
    const { preview, download } = this.#target;
    const isFolder = kind === "folder";
    const act = () => {
      if (isFolder) void this.open(folder, inside);
      else if (preview.can(file)) void preview.open(file);
      else download(file);
    };
    const verb = isFolder || preview.can(file) ? TEXTS.openNamed(shown) : TEXTS.saveNamed(shown);
    return h(
      "li",
      { class: "entry", data: { path: inside, kind } },
      h(
        "button",
        { type: "button", class: "entry-main", title: verb, data: { action: "entry-open" }, on: { click: act } },
        icon(isFolder ? "folder" : iconOf(name, "")),
        isolated(shown, safeName(name, 300)),
      ),
      h("span", { class: "quiet-text numbers" }, formatBytes(size)),
      button({
        icon: "download",
        label: isFolder ? TEXTS.zipNamed(shown) : TEXTS.saveNamed(shown),
        action: "entry-save",
        onClick: () => download(file),
      }),
    );
  }
}

/** Folders before files, each in the order of their names as people count ("file 2" before "file 10"). @param {FolderEntry[]} entries */
export function foldersFirst(entries) {
  const order = new Intl.Collator(undefined, { numeric: true });
  return entries.toSorted(
    (a, b) => Number(b.kind === "folder") - Number(a.kind === "folder") || order.compare(a.name, b.name),
  );
}
