/**
 * The words of the page in the language of whoever reads it, English where there is no translation.
 *
 * A language is a file beside `words/en.js`, of the same shape or a part of it, and a line in `LANGUAGES`.
 */

import * as english from "./words/en.js";
import { numbersOf } from "./words/numbers.js";

/** @typedef {import("./words/en.js").ErrorAction} ErrorAction */
/** @typedef {import("./words/en.js").ErrorWords} ErrorWords */
/** @typedef {{words?: object, errorWords?: Record<string, ErrorWords>}} Translation */

/** @type {Record<string, () => Promise<Translation>>} besides English */
const LANGUAGES = {};

/**
 * The first language of these that there is, by its whole tag or the part before the hyphen; else English.
 *
 * @param {readonly string[]} wanted @param {string[]} there
 */
export function languageOf(wanted, there) {
  for (const tag of wanted.map((each) => each.toLowerCase())) {
    const [short] = tag.split("-");
    const found = ["en", ...there].find((each) => [tag, short].includes(each.toLowerCase()));
    if (found) return found;
  }
  return "en";
}

/**
 * A translation over English, key by key: what it leaves out, or has in another shape, stays English.
 *
 * @template T
 * @param {T} original @param {any} translated @returns {T}
 */
export function translatedOver(original, translated) {
  if (typeof original !== "object" || original === null || Array.isArray(original))
    return typeof translated === typeof original && Array.isArray(translated) === Array.isArray(original)
      ? translated
      : original;
  if (typeof translated !== "object" || translated === null) return original;
  const entries = Object.entries(original).map(([key, value]) => [
    key,
    Object.hasOwn(translated, key) ? translatedOver(value, translated[key]) : value,
  ]);
  return Object.fromEntries(entries);
}

export const language = languageOf(globalThis.navigator?.languages ?? [], Object.keys(LANGUAGES));
/** @type {Translation} */
const translation = language === "en" ? {} : await LANGUAGES[language]();

export const words = translatedOver(english.words, translation.words);
export const errorWords = translatedOver(english.errorWords, translation.errorWords);
export const numbers = numbersOf(language);

/** The texts that the page has had since before any script ran, in its reader's language. @param {Document} page */
export function translate(page) {
  page.documentElement.lang = language;
  if (language === "en") return; // they are English
  /** @param {string} path @returns {string} */
  const at = (path) => path.split(".").reduce((part, key) => part[key], /** @type {any} */ (words));
  for (const element of page.querySelectorAll("[data-words]"))
    element.textContent = at(element.getAttribute("data-words") ?? "");
  for (const element of page.querySelectorAll("[data-words-label]"))
    element.setAttribute("aria-label", at(element.getAttribute("data-words-label") ?? ""));
}

/**
 * The code of anything that was thrown: our own `code`, the name a browser gave it, or the last part of "BootError.X".
 *
 * @param {unknown} error
 * @returns {string}
 */
export function codeOf(error) {
  if (typeof error !== "object" || error === null) return "Error";
  const { code, name } = /** @type {{code?: unknown, name?: unknown}} */ (error);
  // a DOMException's `code` is a number from before names were used
  const found = typeof code === "string" && code !== "" ? code : name;
  return typeof found === "string" && found !== "" ? found : "Error";
}

/**
 * What to tell people about an error.
 *
 * @param {unknown} error
 * @returns {ErrorWords & {code: string, known: boolean}}
 */
export function explain(error) {
  const code = codeOf(error);
  const key = [code, code.slice(code.lastIndexOf(".") + 1)].find((each) => Object.hasOwn(errorWords, each));
  return key ? { ...errorWords[key], code, known: true } : { ...errorWords.InosError, code, known: false };
}
