/**
 * Figures of the benchmark as people read them. Pure: no DOM, no clock.
 *
 * Invariants: three significant digits, since more would be noise; a ratio above 1 always means that INOS is ahead, and is
 * said in words that need no chart.
 */

import { language, words } from "../../words.js";

const THREE_DIGITS = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });
const EVEN = 0.05; // a ratio nearer to one than this is no difference
const TEXTS = words.bench;
/** Units of which less is a size, not a time. */
const SIZES = new Set(["B", "KiB", "MiB", "GiB"]);

/** @param {number} value */
export const formatFigure = (value) => (Number.isFinite(value) ? THREE_DIGITS.format(value) : "–");

/** @param {number | null} value @param {string} unit */
export const formatValue = (value, unit) => (value === null ? "–" : `${formatFigure(value)} ${unit}`);

/** @param {string} name of a baseline @returns {string} */
export const baselineName = (name) => TEXTS.baselines[name] ?? name;

/** @param {number} ratio */
function times(ratio) {
  if (ratio >= 10) return THREE_DIGITS.format(ratio < 100 ? Math.round(ratio) : ratio);
  return ratio >= 0.1 ? ratio.toFixed(ratio < 0.995 ? 2 : 1) : THREE_DIGITS.format(ratio);
}

/**
 * @param {number} ratio above 1: INOS is ahead
 * @param {string} name of what it is compared with
 * @param {{unit: string, better: "more" | "less"}} row
 */
export function ratioWords(ratio, name, { unit, better }) {
  const than = baselineName(name);
  const isSize = better === "less" && SIZES.has(unit);
  if (Math.abs(ratio - 1) < EVEN) return unit === "%" || isSize ? TEXTS.asMuch(than) : TEXTS.asFast(than);
  if (unit === "%") return TEXTS.timesAsMuch(times(ratio), than);
  if (isSize) return ratio > 1 ? TEXTS.timesLess(times(ratio), than) : TEXTS.timesAsMuch(times(1 / ratio), than);
  return TEXTS.timesAsFast(times(ratio), than);
}

/** A note of the runner: its first line, without what the page says beside it already. @param {string} note */
export const noteText = (note) => note.replace(/^seed .*: MISSED\. /, "").replace(/\n.*/s, "");

/**
 * The browser and machine, as far as the browser tells.
 *
 * @param {{userAgent: string, brands?: {brand: string, version: string}[], platform?: string, cores?: number,
 *   memoryGb?: number}} told
 */
export function describeMachine({ userAgent, brands = [], platform = "", cores = 0, memoryGb = 0 }) {
  const brand = brands.find(({ brand }) => !/not.?a.?brand|^chromium$/i.test(brand)) ?? brands.find(isChromium);
  const browser = brand ? `${brand.brand} ${brand.version}` : browserOf(userAgent);
  const system = platform || systemOf(userAgent);
  const parts = [
    system ? TEXTS.on(browser, system) : browser,
    cores > 0 ? TEXTS.cores(cores) : "",
    // browsers round it, and say 8 for more
    memoryGb > 0 ? TEXTS.memory(memoryGb) : "",
  ];
  return parts.filter(Boolean).join(", ");
}

/** @param {{brand: string}} entry */
const isChromium = ({ brand }) => brand === "Chromium";

/** @param {string} userAgent */
function browserOf(userAgent) {
  const safari = /Version\/([\d.]+).*Safari/.exec(userAgent);
  const found = /(Firefox|Edg|Chrome)\/(\d+)/.exec(userAgent);
  if (found) return `${found[1].replace("Edg", "Edge")} ${found[2]}`;
  return safari ? `Safari ${safari[1]}` : TEXTS.someBrowser;
}

/** @param {string} userAgent */
const systemOf = (userAgent) => /(Android|iPhone|iPad|Windows|Mac OS X|CrOS|Linux)/.exec(userAgent)?.[1] ?? "";
