/**
 * The report of a check as a text that can be kept or sent to somebody. Pure.
 */

import { words } from "../words.js";
import { formatBytes, formatCount, formatDuration, safeText } from "./format.js";

const TEXTS = words.report;
const BLOCKS_LISTED_MAX = 1000;

/** @typedef {import("./types.js").CheckResult} CheckResult */
/** @typedef {import("./types.js").RepairResult} RepairResult */

/**
 * @param {object} checked
 * @param {number} checked.timeMs
 * @param {CheckResult} checked.result
 * @param {(root: string) => string | undefined} checked.nameOf
 * @param {RepairResult | null} checked.repair  what repairing it came to, if it was tried
 */
export function reportText({ timeMs, result, nameOf, repair }) {
  const { level, blocks, bytes, bad, lost, findings, ms } = result;
  const file = (/** @type {string} */ root) => safeText(nameOf(root) ?? words.files.unnamed);
  const good = isGood(result);
  const lines = [
    TEXTS.title,
    "",
    `${TEXTS.date}: ${new Date(timeMs).toISOString()}`,
    `${TEXTS.level}: ${words.panel.levels[level].name}`,
    `${TEXTS.blocks}: ${formatCount(blocks)}`,
    `${TEXTS.bytes}: ${formatCount(bytes)} (${formatBytes(bytes)})`,
    `${TEXTS.duration}: ${formatDuration(ms)}`,
    `${TEXTS.verdict}: ${good ? TEXTS.good : TEXTS.bad(bad.length, lost.length)}`,
  ];
  const listed = bad.slice(0, BLOCKS_LISTED_MAX).map(({ block, code }) => `${block}  ${code}`);
  if (bad.length > BLOCKS_LISTED_MAX) listed.push(`… ${formatCount(bad.length - BLOCKS_LISTED_MAX)}`);
  section(
    lines,
    TEXTS.damagedFiles,
    lost.map((root) => `${file(root)}  (${root.slice(0, 16)})`),
  );
  section(lines, TEXTS.damagedBlocks, listed);
  section(lines, TEXTS.findings, findings.map(safeText));
  if (repair) {
    section(lines, TEXTS.repaired, repair.repaired.map(file));
    section(
      lines,
      TEXTS.unrepaired,
      repair.unrepaired.map(({ name, code }) => `${safeText(name)}  ${code}`),
    );
  }
  return `${lines.join("\n")}\n`;
}

/** @param {CheckResult} result */
export function isGood({ bad, lost }) {
  return bad.length === 0 && lost.length === 0;
}

/**
 * @param {string[]} lines
 * @param {string} heading
 * @param {string[]} rows
 */
function section(lines, heading, rows) {
  if (rows.length > 0) lines.push("", `${heading}:`, ...rows.map((row) => `  ${row}`));
}
