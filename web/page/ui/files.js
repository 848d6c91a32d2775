/**
 * "Your files": the list, newest first, with what each takes and what can be done with it.
 *
 * Nouns: the *count* of a folder is how many files it holds, asked for one folder at a time once its row is drawn.
 * Invariants: a row is keyed by its root and updated in place; at most `shown` rows exist ("show more" raises it by
 * `PAGE_ROWS`); names are shown through `safeName` alone; deleting asks first.
 */

import { words } from "../words.js";
import { button, h, need, setText, throttled } from "./dom.js";
import { fillFacts, header, shownName } from "./file_row.js";
import { formatAgo, formatBytes, safeName, savedPercent } from "./format.js";
import { canPreview, safeKind } from "./kinds.js";
import { renameField } from "./rename.js";

const PAGE_ROWS = 100;
/** With fewer files than this the eye is quicker than a filter. */
const FILTER_FROM_FILES = 8;
const TEXTS = words.files;

/** @typedef {import("./types.js").FileEntry} FileEntry */
/** @typedef {{row: HTMLElement, cells: Record<string, HTMLElement>, mark: string}} FileRow */
/**
 * @typedef {object} FileActions
 * @property {(entry: FileEntry) => void} share
 * @property {(entry: FileEntry) => void} open
 * @property {(entry: FileEntry) => void} download
 * @property {(entry: FileEntry) => Promise<boolean>} remove  true when it is gone
 * @property {(entry: FileEntry, name: string) => Promise<string>} rename  the root that it is then
 * @property {(entry: FileEntry) => void} versions
 * @property {(entry: FileEntry) => void} repair
 * @property {(root: string) => Promise<number>} countFiles
 * @property {(query: string) => void} find  "" when nothing is looked for
 */

export class Files {
  #actions;
  #table = need("files", HTMLElement);
  #body = h("div", { role: "rowgroup", class: "rows" });
  #empty = need("files-empty", HTMLElement);
  #summary = need("files-summary", HTMLElement);
  #filter = need("files-filter", HTMLInputElement);
  #moreButton = need("files-more", HTMLButtonElement);
  /** @type {FileEntry[]} */
  #entries = [];
  #loaded = false;
  #unavailable = false;
  #shown = PAGE_ROWS;
  #foundInside = 0;
  /** @type {Map<string, number | undefined>} by root, which never changes what it names */
  #counts = new Map();
  #counting = false;
  #focusNext = "";
  /** @type {Map<string, FileRow>} */
  #rows = new Map();
  #draw = throttled(() => this.#render(), 50);

  /** @param {FileActions} actions */
  constructor(actions) {
    this.#actions = actions;
    this.#table.append(header(), this.#body);
    this.#filter.placeholder = TEXTS.filter;
    this.#filter.setAttribute("aria-label", TEXTS.filter);
    this.#filter.addEventListener("input", () => {
      this.#shown = PAGE_ROWS;
      this.#actions.find(this.#query());
      this.#draw();
    });
    this.#moreButton.addEventListener("click", () => this.#showMore());
    // "2 min ago" grows old by itself
    setInterval(() => this.#draw(), 30_000);
  }

  /** @param {FileEntry[]} entries */
  show(entries) {
    this.#loaded = true;
    this.#entries = entries.toSorted((a, b) => b.timeMs - a.timeMs);
    document.documentElement.dataset.listed = "";
    document.documentElement.dataset.files = entries.length > 0 ? "some" : "none"; // page.css: the list matters more
    this.#draw();
  }

  /** @param {boolean} unavailable  the node failed, or is in another tab */
  setUnavailable(unavailable) {
    this.#unavailable = unavailable;
    this.#table.inert = unavailable; // what is listed stays readable, but nothing would answer
    this.#draw();
  }

  /**
   * What is going on with a file just now ("Downloading · 40 %"), or null.
   *
   * @param {string} root
   * @param {string | null} text
   */
  setBusy(root, text) {
    const row = this.#rows.get(root)?.row;
    const place = row?.querySelector(".busy");
    if (!row || !place) return;
    setText(place, text ?? "");
    row.classList.toggle("is-busy", text !== null);
  }

  /** Newest first. */
  all() {
    return this.#entries;
  }

  /** @param {string} root @returns {string | undefined} */
  nameOf(root) {
    return this.entryOf(root)?.name;
  }

  /** @param {string} root */
  entryOf(root) {
    return this.#entries.find((entry) => entry.root === root);
  }

  /**
   * The own file, or folder, that alone has this name; a received one is somebody else's and never counts.
   *
   * @param {string} name
   * @param {"file" | "folder"} kind
   * @returns {string | undefined} its root
   */
  sameName(name, kind) {
    const same = this.#entries.filter((entry) => entry.name === name && entry.kind === kind && !entry.received);
    return same.length === 1 ? same[0].root : undefined;
  }

  /** Whether anything has older versions. */
  hasVersions() {
    return this.#entries.some(({ versions }) => versions > 1);
  }

  /** The vault is locked: no name of it stays on the page. */
  forget() {
    this.#loaded = false;
    this.#entries = [];
    this.#counts.clear();
    this.#filter.value = "";
    this.#actions.find("");
    this.#render();
  }

  /** How many were found inside folders. @param {number} count */
  setFoundInside(count) {
    this.#foundInside = count;
    this.#draw();
  }

  #query() {
    return this.#filter.value.trim();
  }

  #showMore() {
    const first = this.#shown;
    this.#shown += PAGE_ROWS;
    this.#render();
    const row = this.#body.children[first];
    const next = row?.querySelector("button");
    if (next instanceof HTMLElement) next.focus();
  }

  #render() {
    const query = this.#query().toLowerCase();
    const found = query ? this.#entries.filter((entry) => entry.name.toLowerCase().includes(query)) : this.#entries;
    const visible = found.slice(0, this.#shown);
    this.#syncRows(visible);
    this.#table.hidden = visible.length === 0;
    this.#table.setAttribute("aria-rowcount", String(found.length + 1));
    const hasFolders = this.#entries.some(({ kind }) => kind === "folder");
    this.#filter.hidden = this.#entries.length < FILTER_FROM_FILES && !hasFolders && query === "";
    this.#empty.hidden = visible.length > 0 || (query !== "" && this.#foundInside > 0);
    setText(this.#empty, this.#emptyText(query));
    const rest = found.length - visible.length;
    this.#moreButton.hidden = rest <= 0;
    setText(this.#moreButton, TEXTS.more(Math.min(rest, PAGE_ROWS)));
    setText(this.#summary, this.#summaryText());
    this.#takeFocus();
    void this.#countFolders();
  }

  /** A renamed file is another row: the focus goes with it. */
  #takeFocus() {
    const button = this.#rows.get(this.#focusNext)?.row.querySelector("[data-action=rename]");
    if (!(button instanceof HTMLElement)) return;
    button.focus();
    this.#focusNext = "";
  }

  async #countFolders() {
    if (this.#counting) return;
    this.#counting = true;
    for (const [root] of this.#rows) {
      const entry = this.entryOf(root);
      if (entry?.kind !== "folder" || this.#counts.has(root)) continue;
      // one that cannot be counted, being damaged or just gone, is shown without
      this.#counts.set(root, await this.#actions.countFiles(root).catch(() => undefined));
      const known = this.#rows.get(root);
      if (known) this.#fill(known.cells, entry);
    }
    this.#counting = false;
  }

  /** @param {Record<string, HTMLElement>} cells @param {FileEntry} entry */
  #fill(cells, entry) {
    fillFacts(cells, entry, this.#counts.get(entry.root), this.#actions);
  }

  /** @param {string} query */
  #emptyText(query) {
    if (!this.#loaded) return this.#unavailable ? TEXTS.unavailable : TEXTS.loading;
    return query && this.#entries.length > 0 ? TEXTS.noMatch(safeName(query)) : TEXTS.empty;
  }

  #summaryText() {
    if (this.#entries.length === 0) return "";
    const size = this.#entries.reduce((sum, entry) => sum + entry.size, 0);
    const stored = this.#entries.reduce((sum, entry) => sum + entry.stored, 0);
    const folders = this.#entries.filter(({ kind }) => kind === "folder").length;
    const what = words.folder.both(this.#entries.length - folders, folders);
    return TEXTS.summary(what, formatBytes(size), formatBytes(stored), savedPercent(size, stored));
  }

  /** @param {FileEntry[]} visible */
  #syncRows(visible) {
    const wanted = new Set(visible.map((entry) => entry.root));
    for (const [root, { row }] of this.#rows) {
      if (wanted.has(root)) continue;
      if (row.contains(document.activeElement)) need("files-heading", HTMLElement).focus({ preventScroll: true });
      row.remove();
      this.#rows.delete(root);
    }
    let place = this.#body.firstElementChild;
    for (const entry of visible) {
      const row = this.#rowOf(entry);
      if (row === place) place = place.nextElementSibling;
      else this.#body.insertBefore(row, place);
    }
  }

  /** @param {FileEntry} entry */
  #rowOf(entry) {
    const mark = JSON.stringify(entry);
    const known = this.#rows.get(entry.root);
    if (known?.mark === mark) {
      setText(known.cells.time, formatAgo(entry.timeMs, Date.now()));
      return known.row;
    }
    if (known) {
      // numbers and badges may change under the pointer; the actions, and with them focus, stay
      this.#fill(known.cells, entry);
      known.mark = mark;
      return known.row;
    }
    const made = this.#makeRow(entry);
    this.#rows.set(entry.root, { ...made, mark });
    return made.row;
  }

  /** @param {FileEntry} entry */
  #makeRow(entry) {
    /** @type {Record<string, HTMLElement>} */
    const cells = {};
    for (const key of ["name", "size", "stored", "saved", "chunks", "deduped", "time"]) {
      cells[key] = h(key === "time" ? "time" : "div", { role: "cell", class: `cell cell-${key}` });
      if (key !== "name") cells[key].dataset.label = TEXTS.columns[/** @type {keyof typeof TEXTS.columns} */ (key)];
    }
    this.#fill(cells, entry);
    const actions = h("div", { role: "cell", class: "cell cell-actions" });
    this.#fillActions(actions, entry);
    const row = h(
      "div",
      { role: "row", class: "row", data: { root: entry.root, kind: entry.kind } },
      ...Object.values(cells),
      actions,
    );
    row.addEventListener("keydown", (event) => event.key === "F2" && this.#rename(row, cells, entry));
    return { row, cells };
  }

  /**
   * @param {HTMLElement} cell
   * @param {FileEntry} entry
   */
  #fillActions(cell, entry) {
    const name = shownName(entry);
    const openable = entry.kind === "folder" || canPreview(safeKind(entry.name, entry.mediaType), entry.size);
    /** @param {"share" | "open" | "download" | "rename" | "delete"} action @param {() => void} onClick */
    const make = (action, onClick) =>
      button({ icon: action, label: TEXTS.named(TEXTS[action], name), action, onClick });
    cell.replaceChildren(
      make("share", () => this.#actions.share(entry)),
      openable ? make("open", () => this.#actions.open(entry)) : h("span", { class: "action-gap" }), // the others stay in line
      make("download", () => this.#actions.download(entry)),
      make("rename", () => {
        const known = this.#rows.get(entry.root);
        if (known) this.#rename(known.row, known.cells, entry);
      }),
      make("delete", () => this.#confirmDelete(cell, entry)),
    );
  }

  /** @param {HTMLElement} row @param {Record<string, HTMLElement>} cells @param {FileEntry} entry */
  #rename(row, cells, entry) {
    const name = cells.name.querySelector(".file-id");
    if (!name || cells.name.querySelector("[data-role=rename]")) return;
    const save = async (/** @type {string} */ text) => {
      this.#focusNext = await this.#actions.rename(entry, text);
    };
    const field = renameField(entry.name, save, () => {
      field.element.remove();
      this.#fill(cells, this.entryOf(entry.root) ?? entry);
      /** @type {HTMLElement | null} */ (row.querySelector("[data-action=rename]"))?.focus();
      this.#takeFocus();
    });
    name.replaceWith(field.element);
    field.begin();
  }

  /**
   * @param {HTMLElement} cell
   * @param {FileEntry} entry
   */
  #confirmDelete(cell, entry) {
    const keep = () => {
      this.#fillActions(cell, entry);
      cell.classList.remove("asking");
      const again = cell.querySelector('[data-action="delete"]');
      if (again instanceof HTMLElement) again.focus();
    };
    let asked = false;
    const yes = button({
      text: TEXTS.confirmYes,
      kind: "danger",
      action: "delete-confirm",
      onClick: async () => {
        // not `disabled`: that would drop the focus, which #syncRows hands on when the row goes
        if (asked) return;
        asked = true;
        if (!(await this.#actions.remove(entry))) keep();
      },
    });
    const no = button({ text: TEXTS.confirmNo, kind: "soft", action: "delete-cancel", onClick: keep });
    const versions = this.entryOf(entry.root)?.versions ?? 1;
    const text = versions > 1 ? words.versions.confirmAll(versions) : TEXTS.confirm;
    const question = h("div", { class: "confirm", role: "group", "aria-label": text });
    question.append(h("span", { class: "confirm-text" }, text), yes, no);
    question.addEventListener("keydown", (event) => event.key === "Escape" && keep());
    cell.replaceChildren(question);
    cell.classList.add("asking");
    no.focus();
  }
}
