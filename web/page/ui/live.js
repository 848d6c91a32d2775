/**
 * The live part of the panel: what moves each second, read from the shared memory without asking the brain.
 *
 * Nouns: a *tile* is a title, a figure, what it is made of, and a line of its last minute.
 * Invariants: nothing here has a timer or asks the node; who draws calls `show` and, after a pause, `forget`.
 */

import { words } from "../words.js";
import { h, setText } from "./dom.js";
import { formatBytes, formatCount, formatPercent } from "./format.js";
import { History, sparkPath } from "./history.js";

const SVG = "http://www.w3.org/2000/svg";
const SPARK_WIDTH = 120;
const SPARK_HEIGHT = 28;
const TEXTS = words.panel.live;

/** @typedef {Record<string, number>} Figures */
/**
 * @typedef {object} Tile
 * @property {keyof typeof TEXTS.tiles} key
 * @property {string[]} counters their rates, added up, are the line
 * @property {(history: History, figures: Figures) => string} value
 * @property {(history: History, figures: Figures) => string} made what the value is made of
 */

/** @param {number | null} rate */
const bytesPerSecond = (rate) => TEXTS.perSecond(formatBytes(rate ?? 0));
/** @param {number | null} rate */
const perSecond = (rate) => TEXTS.perSecond(formatCount(rate ?? 0));
/** @param {History} history @param {string} first @param {string} second */
const sumOf = (history, first, second) => (history.rate(first) ?? 0) + (history.rate(second) ?? 0);
/** The part of a second that a counter of milliseconds grew by, for one of `count` threads. @param {number | null} ms @param {number} count */
const share = (ms, count) => formatPercent(Math.min(1, (ms ?? 0) / 1000 / Math.max(1, count)));

/** @type {Tile[]} */
const TILES = [
  {
    key: "jobs",
    counters: ["jobsDone", "jobsFailed"],
    value: (history) => perSecond(sumOf(history, "jobsDone", "jobsFailed")),
    made: (history, { jobsRunning, jobsQueued, muscles }) =>
      TEXTS.jobs(jobsRunning, jobsQueued, share(history.rate("jobsBusyMs"), muscles)),
  },
  {
    key: "disk",
    counters: ["diskBytesWritten", "diskBytesRead"],
    value: (history) => bytesPerSecond(sumOf(history, "diskBytesWritten", "diskBytesRead")),
    made: (history) =>
      TEXTS.disk(bytesPerSecond(history.rate("diskBytesWritten")), bytesPerSecond(history.rate("diskBytesRead"))),
  },
  {
    key: "network",
    counters: ["netBytesIn", "netBytesOut"],
    value: (history) => bytesPerSecond(sumOf(history, "netBytesIn", "netBytesOut")),
    made: (history) =>
      TEXTS.network(bytesPerSecond(history.rate("netBytesIn")), bytesPerSecond(history.rate("netBytesOut"))),
  },
  {
    key: "copies",
    counters: ["copyBytesIn", "copyBytesOut"],
    value: (history) => bytesPerSecond(sumOf(history, "copyBytesIn", "copyBytesOut")),
    made: (history) =>
      TEXTS.copies(bytesPerSecond(history.rate("copyBytesIn")), bytesPerSecond(history.rate("copyBytesOut"))),
  },
  {
    key: "brain",
    counters: ["brainTurns"],
    value: (history) => perSecond(history.rate("brainTurns")),
    made: (history) => TEXTS.brain(formatCount(history.rate("brainSleeps") ?? 0)),
  },
  {
    key: "arena",
    counters: [],
    value: (_history, { arenaBytesUsed }) => formatBytes(arenaBytesUsed),
    made: (_history, { arenaBytes, arenaBlocks }) => TEXTS.arena(formatBytes(arenaBytes), arenaBlocks),
  },
];

export class Live {
  #history = new History();
  #arena = h("meter", { min: "0", max: "1", high: "0.95", "aria-label": TEXTS.tiles.arena });
  #tiles = TILES.map((tile) => {
    const value = h("p", { class: "tile-value numbers", data: { live: tile.key } }, "–");
    const made = h("p", { class: "quiet-text numbers" });
    const line = tile.counters.length ? sparkline() : null;
    return { tile, value, made, line };
  });

  element = h(
    "section",
    { class: "live", "aria-label": TEXTS.heading },
    ...this.#tiles.map(({ tile, value, made, line }) =>
      h("div", { class: "tile" }, h("h3", null, TEXTS.tiles[tile.key]), value, line?.svg ?? this.#arena, made),
    ),
  );

  /** @param {number} timeMs @param {Figures} figures */
  show(timeMs, figures) {
    const history = this.#history;
    history.add(timeMs, figures);
    for (const { tile, value, made, line } of this.#tiles) {
      setText(value, tile.value(history, figures));
      setText(made, tile.made(history, figures));
      line?.path.setAttribute("d", sparkPath(history.rates(...tile.counters), SPARK_WIDTH, SPARK_HEIGHT));
    }
    this.#arena.value = figures.arenaBytes > 0 ? figures.arenaBytesUsed / figures.arenaBytes : 0;
  }

  /** After a pause the past has a gap: begin anew. */
  forget() {
    this.#history.clear();
  }
}

function sparkline() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "spark");
  svg.setAttribute("viewBox", `0 -2 ${SPARK_WIDTH} ${SPARK_HEIGHT + 4}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  svg.append(path);
  return { svg, path };
}
