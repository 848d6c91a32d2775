/**
 * "Your files": the list, newest first, with what each takes and what can be done with it.
 *
 * Invariants: a row is keyed by its root and updated in place; at most `shown` rows exist ("show more" raises it by
 * `PAGE_ROWS`); names are shown through `safeName` alone; deleting asks first.
 */

import { words } from "../words.js";
import { button, h, icon, isolated, need, setText, throttled } from "./dom.js";
import { formatAgo, formatBytes, formatCount, safeName, safeText, savedPercent } from "./format.js";
import { canPreview, iconOf, safeKind } from "./kinds.js";

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
    need("drop", HTMLElement).classList.toggle("compact", entries.length > 0);
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

  /** @param {string} root @returns {string | undefined} */
  nameOf(root) {
    return this.#entries.find((entry) => entry.root === root)?.name;
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
    const query = this.#filter.value.trim().toLowerCase();
    const found = query ? this.#entries.filter((entry) => entry.name.toLowerCase().includes(query)) : this.#entries;
    const visible = found.slice(0, this.#shown);
    this.#syncRows(visible);
    this.#table.hidden = visible.length === 0;
    this.#table.setAttribute("aria-rowcount", String(found.length + 1));
    this.#filter.hidden = this.#entries.length < FILTER_FROM_FILES && query === "";
    this.#empty.hidden = visible.length > 0;
    setText(this.#empty, this.#emptyText(query));
    const rest = found.length - visible.length;
    this.#moreButton.hidden = rest <= 0;
    setText(this.#moreButton, TEXTS.more(Math.min(rest, PAGE_ROWS)));
    setText(this.#summary, this.#summaryText());
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
    return TEXTS.summary(this.#entries.length, formatBytes(size), formatBytes(stored), savedPercent(size, stored));
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
      fillFacts(known.cells, entry);
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
    fillFacts(cells, entry);
    const actions = h("div", { role: "cell", class: "cell cell-actions" });
    this.#fillActions(actions, entry);
    const row = h("div", { role: "row", class: "row", data: { root: entry.root } }, ...Object.values(cells), actions);
    return { row, cells };
  }

  /**
   * @param {HTMLElement} cell
   * @param {FileEntry} entry
   */
  #fillActions(cell, entry) {
    const name = shownName(entry);
    const openable = canPreview(safeKind(entry.name, entry.mediaType), entry.size);
    /** @param {"share" | "open" | "download" | "delete"} action @param {() => void} onClick */
    const make = (action, onClick) =>
      button({ icon: action, label: TEXTS.named(TEXTS[action], name), action, onClick });
    cell.replaceChildren(
      make("share", () => this.#actions.share(entry)),
      ...(openable ? [make("open", () => this.#actions.open(entry))] : []),
      make("download", () => this.#actions.download(entry)),
      make("delete", () => this.#confirmDelete(cell, entry)),
    );
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
    const question = h("div", { class: "confirm", role: "group", "aria-label": TEXTS.confirm });
    question.append(h("span", { class: "confirm-text" }, TEXTS.confirm), yes, no);
    question.addEventListener("keydown", (event) => event.key === "Escape" && keep());
    cell.replaceChildren(question);
    cell.classList.add("asking");
    no.focus();
  }
}

/** @param {FileEntry} entry */
export function shownName(entry) {
  return safeName(entry.name) || TEXTS.unnamed;
}

/**
 * @param {Record<string, HTMLElement>} cells
 * @param {FileEntry} entry
 */
function fillFacts(cells, entry) {
  const percent = savedPercent(entry.size, entry.stored);
  const name = h("span", { class: "file-name" }, isolated(shownName(entry), safeText(entry.name).slice(0, 600)));
  const badges = h("span", { class: "badges" });
  if (entry.lost) badges.append(h("span", { class: "badge bad", title: TEXTS.lostHint }, TEXTS.lost));
  if (entry.shared) badges.append(h("span", { class: "badge accent" }, TEXTS.shared));
  if (entry.received) badges.append(h("span", { class: "badge" }, TEXTS.received));
  const busy = cells.name.querySelector(".busy") ?? h("span", { class: "busy quiet-text numbers" });
  cells.name.replaceChildren(
    icon(iconOf(entry.name, entry.mediaType)),
    h("div", { class: "file-id" }, name, badges, busy),
  );
  setText(cells.size, formatBytes(entry.size));
  cells.size.title = `${formatCount(entry.size)} B`;
  setText(cells.stored, formatBytes(entry.stored));
  cells.stored.title = `${formatCount(entry.stored)} B`;
  setText(cells.saved, `${percent} %`);
  cells.saved.classList.toggle("good", percent > 0);
  setText(cells.chunks, formatCount(entry.chunks));
  cells.chunks.title = TEXTS.newChunks(entry.newChunks);
  setText(cells.deduped, entry.dedupedBytes > 0 ? formatBytes(entry.dedupedBytes) : TEXTS.none);
  cells.deduped.classList.toggle("faint", entry.dedupedBytes <= 0);
  setText(cells.time, formatAgo(entry.timeMs, Date.now()));
  const added = new Date(entry.timeMs);
  if (cells.time instanceof HTMLTimeElement && Number.isFinite(added.getTime())) {
    cells.time.dateTime = added.toISOString();
    cells.time.title = added.toLocaleString();
  }
}

function header() {
  const { columns, hints } = TEXTS;
  const row = h("div", { role: "row", class: "row head" });
  for (const [key, text] of Object.entries(columns)) {
    const hint = Object.hasOwn(hints, key) ? hints[/** @type {keyof typeof hints} */ (key)] : undefined;
    const label = key === "actions" ? h("span", { class: "unseen" }, text) : text;
    row.append(h("div", { role: "columnheader", class: `cell cell-${key}`, title: hint }, label));
  }
  return h("div", { role: "rowgroup" }, row);
}
