/**
 * Room in this browser: what is used and by what, about how much there is, and asking that it is never cleared by the browser
 * itself.
 *
 * In Files it is one quiet line, with the bar once much of the room is used; all of it stands in Settings.
 *
 * Invariant: counting what older versions take walks every block, so it is asked for only where there are any, and once a
 * `COUNT_INTERVAL_MS`.
 */

import { words } from "../words.js";
import { button, h, need, setText } from "./dom.js";
import { formatBytes } from "./format.js";
import { layOut, NEARLY_FULL, partsOf } from "./room_parts.js";

const COUNT_INTERVAL_MS = 15_000;
const BAR_MATTERS_FROM = 0.5; // of the quota: before that, the bar in Files would only be one thing more to look at
const BAR_WIDTH = 100;
const SVG = "http://www.w3.org/2000/svg";
const TEXTS = words.storage;

export class Storage {
  #node;
  #section = need("storage", HTMLElement);
  #text = h("p", { class: "quiet-text numbers" });
  #bar = roomBar();
  #line = need("room-line", HTMLElement);
  #lineText = h("span");
  #lineBar = roomBar();
  #legend = h("ul", { class: "room-legend numbers" });
  #note = h("p", { class: "quiet-text", role: "status" });
  #persist;
  #older = { bytes: 0, timeMs: Number.NEGATIVE_INFINITY };

  /**
   * @param {import("./types.js").NodeApi} node
   * @param {(error: unknown) => void} fail
   * @param {{buttons: HTMLElement[], below: HTMLElement}} more  further buttons, and what stands under them
   */
  constructor(node, fail, { buttons, below }) {
    this.#node = node;
    this.#persist = button({
      text: TEXTS.persist,
      kind: "soft",
      action: "persist",
      onClick: async () => {
        try {
          this.#showPersisted(await node.persist(), true);
        } catch (error) {
          fail(error);
        }
      },
    });
    this.#persist.title = TEXTS.persistHint;
    this.#line.append(this.#lineBar, this.#lineText, h("a", { href: "#/settings" }, TEXTS.settings));
    this.#section.append(
      h("div", { class: "setting-head" }, h("h3", { id: "storage-heading" }, TEXTS.heading), this.#text),
      h(
        "div",
        { class: "setting-body" },
        this.#bar,
        this.#legend,
        this.#note,
        h("div", { class: "storage-buttons" }, this.#persist, ...buttons),
        below,
      ),
    );
  }

  /** @param {Record<string, number>} stats @param {boolean} hasVersions */
  async show(stats, hasVersions) {
    const { storageUsage, storageQuota } = stats;
    const known = storageQuota > 0 && storageUsage >= 0;
    const part = known ? storageUsage / storageQuota : 0;
    this.#bar.toggleAttribute("hidden", !known);
    this.#bar.dataset.level = part >= NEARLY_FULL ? "high" : "";
    this.#line.hidden = !known;
    this.#lineBar.toggleAttribute("hidden", part < BAR_MATTERS_FROM);
    setText(this.#lineText, TEXTS.used(formatBytes(storageUsage), formatBytes(storageQuota)));
    setText(this.#text, known ? TEXTS.used(formatBytes(storageUsage), formatBytes(storageQuota)) : TEXTS.unknown);
    if (part >= NEARLY_FULL) setText(this.#note, TEXTS.nearlyFull);
    else this.#showPersisted((await navigator.storage?.persisted?.()) ?? false, false);
    this.#showParts(stats, hasVersions ? await this.#countOlder() : 0);
  }

  async #countOlder() {
    if (performance.now() - this.#older.timeMs > COUNT_INTERVAL_MS) {
      const rows = await this.#node.space();
      this.#older = { bytes: rows.reduce((sum, row) => sum + row.olderBytes, 0), timeMs: performance.now() };
    }
    return this.#older.bytes;
  }

  /** @param {Record<string, number>} stats @param {number} olderBytes */
  #showParts(stats, olderBytes) {
    const parts = partsOf(stats, olderBytes);
    const said = parts.map(({ name, bytes }) => `${name} ${formatBytes(bytes)}`);
    for (const bar of [this.#bar, this.#lineBar]) {
      bar.replaceChildren(...layOut(parts, stats.storageQuota, BAR_WIDTH).map(rectangle));
      bar.setAttribute("aria-label", words.room.bar(said));
    }
    const mark = said.join();
    if (this.#legend.dataset.mark === mark) return;
    this.#legend.dataset.mark = mark;
    this.#legend.replaceChildren(
      ...parts.map(({ key, name, bytes }) =>
        h("li", { data: { part: key } }, h("span", { class: `swatch part-${key}` }), `${name} ${formatBytes(bytes)}`),
      ),
    );
  }

  /** @param {boolean} persisted @param {boolean} asked */
  #showPersisted(persisted, asked) {
    this.#persist.hidden = persisted;
    if (persisted) setText(this.#note, TEXTS.persisted);
    else if (asked) setText(this.#note, TEXTS.notPersisted);
    else if (this.#note.textContent === "" || this.#note.textContent === TEXTS.nearlyFull) {
      setText(this.#note, TEXTS.persistHint);
    }
  }
}

function roomBar() {
  const bar = document.createElementNS(SVG, "svg");
  bar.setAttribute("class", "room-bar");
  bar.setAttribute("viewBox", `0 0 ${BAR_WIDTH} 1`);
  bar.setAttribute("preserveAspectRatio", "none");
  bar.setAttribute("role", "img");
  return bar;
}

/** @param {{key: string, x: number, width: number}} part */
function rectangle({ key, x, width }) {
  const rect = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ x, y: 0, width, height: 1 })) rect.setAttribute(name, String(value));
  rect.setAttribute("class", `part-${key}`);
  return rect;
}
