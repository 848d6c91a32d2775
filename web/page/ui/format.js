/**
 * Numbers and names as people read them. Pure: no DOM, no clock (the present is an argument).
 *
 * Invariants: a size is decimal (1 MB = 1,000,000 bytes, as download dialogs show it); a name that comes from a peer
 * leaves `safeName` without control, bidi or invisible characters, at most `NAME_POINTS_MAX` code points long.
 */

import { numbers, words } from "../words.js";

const UNITS = ["kB", "MB", "GB", "TB", "PB"];
const TIMES = words.times;
/** The longest name shown; the vault allows 255 bytes. Longer ones lose their middle, so the extension stays visible. */
export const NAME_POINTS_MAX = 72;
const ELLIPSIS = "…";
const MARKS_MAX = 3;

/** @param {number} count */
export function formatCount(count) {
  return numbers.number(count);
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  if (!Number.isFinite(bytes) || bytes < 0) return "–";
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  let value = bytes / 1000;
  let unit = 0;
  // 999.5 would round to "1000 kB": a unit ends there, not at 1000
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${numbers.decimal(value, digits)} ${UNITS[unit]}`;
}

/** A part of one in whole per cent; what is there at all is never "0 %". @param {number} part */
export function formatPercent(part) {
  if (!Number.isFinite(part)) return "–";
  const percent = Math.round(part * 100);
  return percent === 0 && part > 0 ? "< 1 %" : `${percent} %`;
}

/** @param {number} bytesPerSecond "" while nothing is known, so that callers can leave it out */
export function formatRate(bytesPerSecond) {
  return bytesPerSecond > 0 && Number.isFinite(bytesPerSecond)
    ? words.panel.live.perSecond(formatBytes(bytesPerSecond))
    : "";
}

/** @param {number | null | undefined} seconds "" when unknown */
export function formatSecondsLeft(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds) || seconds < 0) return "";
  if (seconds < 1.5) return TIMES.secondsLeft(1);
  if (seconds < 60) return TIMES.secondsLeft(Math.round(seconds));
  if (seconds < 3570) return TIMES.minutesLeft(Math.round(seconds / 60));
  if (seconds < 86_400) return TIMES.hoursLeft(numbers.decimal(seconds / 3600, 1));
  return TIMES.longLeft;
}

/** @param {number} milliseconds */
export function formatDuration(milliseconds) {
  if (!Number.isFinite(milliseconds) || milliseconds < 0) return "–";
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${numbers.decimal(milliseconds / 1000, 1)} s`;
  return `${Math.round(milliseconds / 60_000)} min`;
}

/**
 * How much smaller the stored form is, in whole per cent. A file that did not shrink (random bytes, or one so small that
 * its envelope weighs more) saved nothing: 0, never a negative number.
 *
 * @param {number} size
 * @param {number} stored
 */
export function savedPercent(size, stored) {
  if (!(size > 0) || !(stored >= 0) || stored >= size) return 0;
  // "100 %" would claim that nothing at all is stored
  return Math.min(stored > 0 ? 99 : 100, Math.round((1 - stored / size) * 100));
}

/**
 * @param {number} timeMs
 * @param {number} nowMs
 */
export function formatAgo(timeMs, nowMs) {
  const seconds = (nowMs - timeMs) / 1000;
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 45) return TIMES.justNow;
  if (seconds < 3570) return TIMES.minutesAgo(Math.round(seconds / 60));
  if (seconds < 84_600) return TIMES.hoursAgo(Math.round(seconds / 3600));
  if (seconds < 7 * 86_400) return TIMES.daysAgo(Math.round(seconds / 86_400));
  return new Date(timeMs).toISOString().slice(0, 10);
}

/**
 * The fraction done, 0 to 1, or null when it is not known (an empty total is known to be done).
 *
 * @param {{bytes: number, total: number}} progress
 */
export function fraction({ bytes, total }) {
  if (!Number.isFinite(total) || total < 0 || !Number.isFinite(bytes)) return null;
  return total === 0 ? 1 : Math.min(1, Math.max(0, bytes / total));
}

// Controls, formats (bidi marks and overrides, tags, soft hyphen), lone surrogates, line separators, private use, and
// letters that draw nothing. The two joiners stay: emoji and Persian need them.
const HIDDEN =
  /(?![\u200c\u200d])(?:[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]|[\u17b4\u17b5]|[\u180b-\u180f])/gu;
const MARK_RUN = new RegExp(`(\\p{M}{${MARKS_MAX}})\\p{M}+`, "gu");

/** @param {string} character */
function escapeCharacter(character) {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/**
 * Text from somebody else, made safe to read: nothing hidden, nothing that reorders its neighbours, no towers of marks.
 *
 * @param {unknown} text
 */
export function safeText(text) {
  const plain = typeof text === "string" ? text : String(text ?? "");
  // 4 KiB is sixteen times the longest name; what lies beyond is not worth normalising
  return plain.slice(0, 4096).normalize("NFC").replace(HIDDEN, escapeCharacter).replace(MARK_RUN, "$1");
}

/**
 * @param {string} text
 * @param {number} pointsMax
 */
export function cutMiddle(text, pointsMax) {
  const points = [...text];
  if (points.length <= pointsMax) return text;
  const tail = Math.floor((pointsMax - 1) / 3);
  return points.slice(0, pointsMax - 1 - tail).join("") + ELLIPSIS + points.slice(points.length - tail).join("");
}

/**
 * @param {unknown} name
 * @param {number} [pointsMax]
 */
export function safeName(name, pointsMax = NAME_POINTS_MAX) {
  return cutMiddle(safeText(name).trim(), pointsMax);
}
