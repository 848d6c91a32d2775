/**
 * A row's chart: a bar for INOS, one for each baseline, and the goal as a mark, all on one scale that begins at zero.
 *
 * Invariants: every figure stands as text beside its bar, so the drawing itself is hidden from screen readers; nothing is
 * told by colour alone; a goal far beyond the bars is said, not drawn, or they would be too short to compare.
 */

import { words } from "../../words.js";
import { h } from "../dom.js";
import { baselineName, formatValue } from "./say.js";

const SVG = "http://www.w3.org/2000/svg";
const GOAL_BEYOND = 3; // how many times the longest bar a goal may be to be drawn
const ROOM = 0.98; // the longest bar ends before the edge, so that a mark there is seen
const TEXTS = words.bench;

/** @typedef {import("../../bench/result.js").RowResult} RowResult */

/** @param {RowResult} result @returns {number | null} */
export function goalOf({ seed }) {
  return seed?.least ?? seed?.most ?? null;
}

/** What the whole width stands for, and whether the goal lies on it. @param {RowResult} result */
export function scaleOf(result) {
  const longest = Math.max(result.value ?? 0, ...Object.values(result.baselines));
  const goal = goalOf(result);
  const isGoalDrawn = goal !== null && goal <= longest * GOAL_BEYOND;
  return { full: Math.max(longest, isGoalDrawn ? goal : 0) / ROOM || 1, isGoalDrawn };
}

/** @param {RowResult} result with a value */
export function chart(result) {
  const { full, isGoalDrawn } = scaleOf(result);
  const goal = goalOf(result);
  const mark = isGoalDrawn && goal !== null ? goal / full : null;
  const bar = (/** @type {string} */ name, /** @type {number} */ value, /** @type {string} */ kind) =>
    h(
      "li",
      { class: `bar ${kind}` },
      h("span", { class: "bar-name" }, name),
      drawing(value / full, mark),
      h("span", { class: "bar-value numbers" }, formatValue(value, result.unit)),
    );
  const others = Object.entries(result.baselines).map(([name, value]) => bar(baselineName(name), value, "theirs"));
  return h(
    "ul",
    { class: "bars" },
    bar(TEXTS.ours, result.value ?? 0, "ours"),
    ...others,
    mark === null
      ? null
      : h("li", { class: "bar goal" }, h("span", { class: "bar-name" }, TEXTS.goal), ...goalLine(mark, result)),
  );
}

/** @param {number} part @param {number | null} mark */
function drawing(part, mark) {
  const svg = canvas("bar-drawing");
  svg.append(rect("bar-track", 0, 1), rect("bar-fill", 0, part));
  if (mark !== null) svg.append(line(mark));
  return svg;
}

/** @param {number} mark @param {RowResult} result */
function goalLine(mark, result) {
  const svg = canvas("bar-drawing");
  svg.append(line(mark));
  return [svg, h("span", { class: "bar-value numbers" }, formatValue(goalOf(result), result.unit))];
}

/** @param {string} name */
function canvas(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", name);
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

/** @param {string} name @param {number} from @param {number} part */
function rect(name, from, part) {
  const shape = document.createElementNS(SVG, "rect");
  shape.setAttribute("class", name);
  shape.setAttribute("x", percent(from));
  shape.setAttribute("y", "25%");
  shape.setAttribute("rx", "3");
  shape.setAttribute("height", "50%");
  shape.setAttribute("width", percent(part));
  return shape;
}

/** @param {number} at */
function line(at) {
  const shape = document.createElementNS(SVG, "line");
  shape.setAttribute("class", "bar-mark");
  shape.setAttribute("x1", percent(at));
  shape.setAttribute("x2", percent(at));
  shape.setAttribute("y1", "0");
  shape.setAttribute("y2", "100%");
  return shape;
}

/** @param {number} part */
const percent = (part) => `${(Math.min(1, Math.max(0, part)) * 100).toFixed(2)}%`;
