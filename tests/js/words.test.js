/**
 * The words and who uses them: every one that is asked for is there, none stands there unused, and another language falls back
 * to English piece by piece.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { numbersOf } from "../../web/page/words/numbers.js";
import { errorWords, languageOf, translatedOver, words } from "../../web/page/words.js";

const PAGE = new URL("../../web/page/", import.meta.url);
const HTML = ["index", "bench"].map((name) =>
  readFileSync(new URL(`../../static/${name}.html`, import.meta.url), "utf8"),
);

/** Every module of the page that has words, without comments. */
function sources() {
  const names = readdirSync(PAGE, { recursive: true }).map(String);
  const modules = names.filter((name) => name.endsWith(".js") && !/^words(\.js|[\\/])/.test(name));
  const all = modules.map((name) => ({
    name,
    text: readFileSync(new URL(name, PAGE), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|(?<![:"'`])\/\/.*/g, ""),
  }));
  return all.filter(({ text }) => /\/words\.js"/.test(text));
}

/** @param {string[]} path @returns {unknown} undefined: there is no such word */
function at(path) {
  return path.reduce((/** @type {any} */ part, key) => (Object.hasOwn(part ?? {}, key) ? part[key] : undefined), words);
}

/**
 * What a module says of words: chains from `words`, or from a name that stands for a part of them (in several functions perhaps
 * for several parts: then it is each that fits). A chain that ends at a group uses all of it, since it is indexed, handed on or
 * taken apart there.
 *
 * @param {string} text @returns {{paths: string[][], isShort: boolean}[]} for each chain the paths that it may be; short: from a name that may
 * be something else elsewhere in the module
 */
function usesOf(text) {
  /** @type {Map<string, string[][]>} */
  const names = new Map([["words", [[]]]]);
  const chain = "((?:\\s*\\.\\s*[A-Za-z]\\w*)*)";
  const keysOf = (/** @type {string} */ found) =>
    found
      .split(".")
      .map((each) => each.trim())
      .filter(Boolean);
  const declared = new RegExp(`const (\\w+) = (\\w+)${chain};`, "g");
  for (const [, name, from, found] of text.matchAll(declared)) {
    const starts = names.get(from)?.map((start) => [...start, ...keysOf(found)]);
    if (starts) names.set(name, [...(names.get(name) ?? []), ...starts]);
  }
  const rest = text.replaceAll(declared, (whole, name) => (names.has(name) ? "" : whole));
  return [...names].flatMap(([name, starts]) => {
    const chains = [...rest.matchAll(new RegExp(`(?<![\\w.$"'/-])${name}\\b(?!["':])${chain}`, "g"))];
    return chains.map(([, found]) => ({
      paths: starts.map((start) => [...start, ...wordsOf(start, keysOf(found))]),
      isShort: name !== "words",
    }));
  });
}

/** As much of a chain as leads through words: what follows is a text's own method. @param {string[]} start @param {string[]} keys */
function wordsOf(start, keys) {
  for (let end = 0; end < keys.length; end++)
    if (!isGroup(at([...start, ...keys.slice(0, end)]))) return keys.slice(0, end);
  return keys;
}

/** @param {unknown} part */
function isGroup(part) {
  return typeof part === "object" && part !== null && !Array.isArray(part);
}

/** @param {any} part @param {string[]} path @returns {string[][]} */
function leavesOf(part, path = []) {
  if (!isGroup(part)) return [path];
  return Object.entries(part).flatMap(([key, value]) => leavesOf(value, [...path, key]));
}

test("every word that is asked for is there, and every word is asked for", () => {
  const used = new Set();
  for (const { name, text } of sources())
    for (const { paths, isShort } of usesOf(text)) {
      if (paths[0].length === 0) continue; // handed on whole
      const there = paths.filter((path) => at(path) !== undefined);
      assert.ok(there.length > 0 || isShort, `${name}: words.${paths[0].join(".")}`);
      for (const path of there) for (const leaf of leavesOf(at(path), path)) used.add(leaf.join("."));
    }
  for (const page of HTML)
    for (const [, path] of page.matchAll(/data-words(?:-label)?="([\w.]+)"/g)) {
      assert.equal(typeof at(path.split(".")), "string", path);
      used.add(path);
    }
  for (const path of ["tagline", "bench.tagline"]) used.add(path); // the pages' descriptions
  const unused = leavesOf(words).filter((leaf) => !used.has(leaf.join(".")));
  assert.deepEqual(
    unused.map((leaf) => leaf.join(".")),
    [],
  );
});

test("no sentence stands in the code", () => {
  // a text node, label or title of three words and more is a sentence for people
  const sentence =
    /(?:h\(\s*"\w+",\s*(?:null|\{[^}]*\}),\s*|setText\([^,]+,\s*|(?:label|text|title|"aria-label"): ?)["'`][A-Z][^"'`]* [^"'`]* [^"'`]*["'`]/g;
  for (const { name, text } of sources().filter(({ name }) => name.startsWith("ui")))
    assert.deepEqual(
      [...text.matchAll(sentence)].map(([found]) => found),
      [],
      name,
    );
});

test("a language that is there is taken, by its tag or the part before the hyphen, in the reader's order", () => {
  for (const [wanted, expected] of /** @type {[string[], string][]} */ ([
    [["de-AT", "en"], "de"],
    [["fr", "pt-BR", "de"], "pt-BR"],
    [["en-GB", "de"], "en"],
    [["fr"], "en"],
    [[], "en"],
  ]))
    assert.equal(languageOf(wanted, ["de", "pt-BR"]), expected, wanted.join());
});

test("what a translation leaves out stays English, and so does what has another shape", () => {
  const german = {
    skip: "Zum Inhalt",
    state: { ready: "Bereit" },
    work: "nicht",
    files: { empty: 7, newChunks: "neu" },
  };
  const mixed = translatedOver(words, german);
  assert.equal(mixed.skip, "Zum Inhalt");
  assert.equal(mixed.state.ready, "Bereit");
  assert.equal(mixed.state.failed, words.state.failed);
  assert.equal(mixed.work.heading, words.work.heading);
  assert.equal(mixed.files.empty, words.files.empty);
  assert.equal(mixed.files.newChunks(3), "3 new");
  assert.deepEqual(translatedOver(errorWords, undefined), errorWords);
});

test("numbers and plurals are the language's own", () => {
  const [english, polish, german] = ["en", "pl", "de"].map(numbersOf);
  const plik = { one: "plik", few: "pliki", many: "plików", other: "pliku" };
  assert.deepEqual(
    [1, 2, 5, 22].map((count) => polish.counted(count, plik)),
    ["1 plik", "2 pliki", "5 plików", "22 pliki"],
  );
  assert.equal(english.counted(1200, { one: "file", other: "files" }), "1,200 files");
  assert.equal(german.decimal(1.5, 2), "1,5");
  assert.equal(german.number(1200), "1.200");
  assert.equal(english.decimal(2, 1), "2");
});
