/**
 * All results in one text: Markdown to paste, JSON to keep. Pure.
 *
 * The JSON is the command's, `{machine, rows}`, with when and how each row was measured beside it.
 */

import { words } from "../../words.js";
import { baselineName, formatFigure, formatValue, noteText } from "./say.js";

/** @typedef {import("./store.js").Entry} Entry */
/** @typedef {import("../../bench/catalog.js").CatalogRow} CatalogRow */

const TEXTS = words.bench;

/** @param {number} timeMs */
export const dateOf = (timeMs) => new Date(timeMs).toISOString().slice(0, 16).replace("T", " ");

/** @param {Entry} entry "libsodium 512 (2.7 ×), …" @returns {string} */
export function besides({ result }) {
  return Object.entries(result.baselines)
    .map(([name, value]) => `${baselineName(name)} ${formatFigure(value)} (${formatFigure(result.ratio[name])} ×)`)
    .join(", ");
}

/** @param {Entry} entry "p50 3 · p99 7 · …", "" for what is no latency */
export function latencies({ result }) {
  const { p50, p99, p999, max } = result;
  return Object.entries({ p50, p99, "p99.9": p999, max })
    .flatMap(([name, value]) => (value === null ? [] : `${name} ${formatFigure(value)}`))
    .join(" · ");
}

/** @param {Entry} entry */
export function goal({ result }) {
  if (!result.seed) return "";
  return result.meets_seed === null ? result.seed.text : TEXTS.goalShort(result.seed.text, result.meets_seed);
}

/**
 * @param {CatalogRow[]} rows
 * @param {Entry[]} entries
 */
export function toMarkdown(rows, entries) {
  const titles = new Map(rows.map(({ id, title }) => [id, title]));
  const cells = (/** @type {string[]} */ texts) => `| ${texts.map((text) => text.replace(/\|/g, "\\|")).join(" | ")} |`;
  const { row, value, latency, beside, goal: goalHead, when } = TEXTS.columns;
  const table = entries.map((entry) =>
    cells([
      `${titles.get(entry.result.id) ?? ""} \`${entry.result.id}\``,
      formatValue(entry.result.value, entry.result.unit),
      latencies(entry),
      besides(entry),
      goal(entry),
      `${dateOf(entry.timeMs)}${entry.quick ? ` (${TEXTS.quickShort})` : ""}`,
    ]),
  );
  const machines = [...new Set(entries.map(({ machine }) => machine))].join("; ");
  const notes = entries.flatMap(({ result }) => result.notes.map((note) => `- \`${result.id}\`: ${noteText(note)}`));
  const head = [cells([row, value, latency, beside, goalHead, when]), "|---|--:|---|---|---|---|"];
  return [`INOS, ${machines}`, "", ...head, ...table, "", ...notes, ""].join("\n");
}

/**
 * @param {Record<string, unknown>} machine
 * @param {Entry[]} entries
 */
export function toJson(machine, entries) {
  const rows = entries.map(({ result, timeMs, quick, machine: on }) => ({
    ...result,
    measured: new Date(timeMs).toISOString(),
    quick,
    machine: on,
  }));
  return `${JSON.stringify({ machine, rows }, null, 1)}\n`;
}
