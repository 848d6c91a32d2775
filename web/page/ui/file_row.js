/**
 * One row of "Your files": its facts, and the head of the table above them.
 *
 * Invariants: names are shown through `safeName` alone; facts may be filled in again at any time, and what has the focus keeps it;
 * a name that is being changed is left alone.
 */

import { words } from "../words.js";
import { h, icon, isolated, setText } from "./dom.js";
import { formatAgo, formatBytes, formatCount, safeName, safeText, savedPercent } from "./format.js";
import { iconOf } from "./kinds.js";

const TEXTS = words.files;

/** @typedef {import("./types.js").FileEntry} FileEntry */

/** @param {FileEntry} entry */
export function shownName(entry) {
  return safeName(entry.name) || TEXTS.unnamed;
}

/**
 * What of the facts can be pressed.
 *
 * @typedef {object} FactActions
 * @property {(entry: FileEntry) => void} versions
 * @property {(entry: FileEntry) => void} repair
 */

/**
 * @param {Record<string, HTMLElement>} cells
 * @param {FileEntry} entry
 * @param {number | undefined} files  in a folder, once it is known
 * @param {FactActions} actions
 */
export function fillFacts(cells, entry, files, actions) {
  if (!cells.name.querySelector("[data-role=rename]")) fillName(cells.name, entry, files, actions);
  const percent = savedPercent(entry.size, entry.stored);
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

/**
 * @param {HTMLElement} cell
 * @param {FileEntry} entry
 * @param {number | undefined} files
 * @param {FactActions} actions
 */
function fillName(cell, entry, files, actions) {
  const shown = shownName(entry);
  const isFolder = entry.kind === "folder";
  const name = h("span", { class: "file-name" }, isolated(shown, safeText(entry.name).slice(0, 600)));
  const count = isFolder && files !== undefined ? h("span", { class: "quiet-text numbers file-count" }) : null;
  if (count) setText(count, words.folder.files(files ?? 0));
  const badges = h("span", { class: "badges" });
  if (entry.lost) {
    const label = words.repair.named(shown);
    badges.append(
      badgeButton("bad", `${TEXTS.lost} · ${words.repair.verb}`, `${label}. ${TEXTS.lostHint}`, "file-repair", () =>
        actions.repair(entry),
      ),
    );
  }
  if (entry.versions > 1) {
    const label = words.versions.badge(entry.versions, shown);
    badges.append(
      badgeButton("", words.versions.count(entry.versions), label, "versions", () => actions.versions(entry)),
    );
  }
  if (entry.shared) badges.append(h("span", { class: "badge accent" }, TEXTS.shared));
  if (entry.received) badges.append(h("span", { class: "badge" }, TEXTS.received));
  const busy = cell.querySelector(".busy") ?? h("span", { class: "busy quiet-text numbers" });
  const focused = cell.contains(document.activeElement) ? document.activeElement : null;
  const action = focused instanceof HTMLElement ? focused.dataset.action : undefined;
  cell.replaceChildren(
    icon(isFolder ? "folder" : iconOf(entry.name, entry.mediaType)),
    h("div", { class: "file-id" }, name, ...(count ? [count] : []), badges, busy),
  );
  if (action) /** @type {HTMLElement | null} */ (cell.querySelector(`[data-action=${action}]`))?.focus();
}

/** @param {string} kind @param {string} text @param {string} label @param {string} action @param {() => void} onClick */
function badgeButton(kind, text, label, action, onClick) {
  return h(
    "button",
    {
      type: "button",
      class: `badge badge-button ${kind}`.trim(),
      title: label,
      data: { action },
      on: { click: onClick },
    },
    text,
  );
}

export function header() {
  const { columns, hints } = TEXTS;
  const row = h("div", { role: "row", class: "row head" });
  for (const [key, text] of Object.entries(columns)) {
    const hint = Object.hasOwn(hints, key) ? hints[/** @type {keyof typeof hints} */ (key)] : undefined;
    const label = key === "actions" ? h("span", { class: "unseen" }, text) : text;
    row.append(h("div", { role: "columnheader", class: `cell cell-${key}`, title: hint }, label));
  }
  return h("div", { role: "rowgroup" }, row);
}
