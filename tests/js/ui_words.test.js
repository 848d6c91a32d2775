/** Every error has words, every text of the pages is the one in words/en.js, and every id the interface needs is there. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { stateText } from "../../web/page/ui/status.js";
import { codeOf, errorWords, explain, words } from "../../web/page/words.js";

/** @param {string} path */
const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const html = read("static/index.html");
const benchHtml = read("static/bench.html");

test("every error class of py/inos/errors.py says what happened and what to do", () => {
  const codes = [...read("py/inos/errors.py").matchAll(/^class (\w+)\(\w+\):/gm)].map((match) => match[1]);
  assert.ok(codes.length >= 30, `only ${codes.length} classes found: has the file another form now?`);
  for (const code of codes) {
    const told = explain({ code });
    assert.ok(told.known, `${code} has no words`);
    assert.ok(told.title.length > 5 && told.todo.length > 10, code);
  }
});

test("every way in which starting can fail has words", () => {
  const source = read("web/worker/python/boot_error.js");
  const union = /@typedef \{([^}]*)\} BootErrorCode/.exec(source)?.[1] ?? "";
  const codes = [...union.matchAll(/"([\w-]+)"/g)].map((match) => match[1]);
  assert.ok(codes.length >= 4);
  for (const code of [
    ...codes,
    "NotIsolated",
    "NotSecure",
    "Unsupported",
    "NetworkError",
    "CorruptAsset",
    "OutOfMemory",
  ]) {
    assert.ok(explain({ code }).known, `${code} has no words`);
    assert.equal(explain({ code: `BootError.${code}` }).title, explain({ code }).title);
  }
});

test("sentences are plain: short titles without a full stop, advice with one, no markup", () => {
  for (const [code, { title, todo }] of Object.entries(errorWords)) {
    assert.ok(title.length <= 60 && !/[.!]$/.test(title), `${code}: ${title}`);
    assert.match(todo, /[.]$/, `${code}: ${todo}`);
    assert.ok(!/[<>]|undefined|Exception/.test(title + todo), code);
  }
});

test("an unknown error gets general words and keeps its code", () => {
  const told = explain(Object.assign(new Error("boom"), { code: "Newfangled" }));
  assert.deepEqual([told.code, told.known, told.title], ["Newfangled", false, errorWords.InosError.title]);
  for (const odd of [null, undefined, "text", 7, {}]) assert.equal(explain(odd).known, false);
  assert.equal(explain({ code: "constructor" }).known, false);
  assert.equal(explain({ code: "__proto__" }).known, false);
});

test("a browser's own error goes by its name, since its code is a number", () => {
  assert.equal(codeOf(new DOMException("full", "QuotaExceededError")), "QuotaExceededError");
  assert.equal(explain(new DOMException("full", "QuotaExceededError")).title, errorWords.StorageFull.title);
});

test("texts of the pages are the ones of words/en.js", () => {
  for (const [page, least] of /** @type {const} */ ([
    [html, 15],
    [benchHtml, 9],
  ])) {
    const found = [...page.matchAll(/<(?:meta|\w+)[^>]*data-words="([\w.]+)"[^>]*>([^<]*)</g)];
    assert.ok(found.length >= least);
    for (const [, path, text] of found) {
      assert.equal(text, at(path), path);
    }
    const labels = [...page.matchAll(/(?:data-words-label="([\w.]+)" )?aria-label="([^"]*)"/g)];
    for (const [, path, text] of labels) assert.equal(text, at(path), `the label “${text}” is of no words`);
  }
  assert.ok(html.includes(`content="${words.tagline}"`));
  assert.ok(benchHtml.includes(`content="${words.bench.tagline}"`));
});

/** @param {string} path of words */
function at(path) {
  return path?.split(".").reduce((/** @type {any} */ part, key) => part?.[key], words);
}

/** Sources of one folder, not of those below it. @param {string} path */
function sourcesOf(path) {
  const folder = new URL(`../../web/page/ui/${path}`, import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith(".js"));
  return names.map((name) => readFileSync(new URL(name, folder), "utf8"));
}

/** @param {string} page @param {string[]} sources @param {string[]} more drawings that are named elsewhere */
function checkParts(page, sources, more) {
  const ids = new Set([...page.matchAll(/\bid="([\w-]+)"/g)].map((match) => match[1]));
  const asked = sources.flatMap((source) => [...source.matchAll(/need\("([\w-]+)"/g)].map((match) => match[1]));
  assert.ok(asked.length > 9);
  for (const id of asked) assert.ok(ids.has(id), `#${id}`);
  const drawings = sources.flatMap((source) => [...source.matchAll(/icon[(:] ?"(\w+)"/g)].map((match) => match[1]));
  for (const name of [...drawings, ...more]) assert.ok(ids.has(`i-${name}`), `drawing ${name}`);
}

test("index.html has every element and drawing that the interface asks for", () => {
  checkParts(html, sourcesOf(""), "share open download delete file text image audio video".split(" "));
});

test("bench.html has every element and drawing that the bench page asks for", () => {
  checkParts(benchHtml, [...sourcesOf("bench/"), 'need("announcer"'], ["mark", "check", "warn"]);
});

test("the pages keep to their policy: no inline script or style, nothing from elsewhere", () => {
  for (const page of [html, benchHtml]) {
    assert.doesNotMatch(page, /<script(?![^>]*\bsrc=)/);
    assert.doesNotMatch(page, /<style|\sstyle=|\son\w+=|javascript:|https?:/i);
  }
});

test("the state in words", () => {
  assert.equal(stateText({ phase: "ready", step: "", bytesToGo: null }), "Ready");
  assert.equal(stateText({ phase: "starting", step: "python", bytesToGo: 4_130_000 }), "Starting · 4.13 MB to go");
  assert.equal(stateText({ phase: "starting", step: "vault", bytesToGo: 0 }), "Starting · opening your files");
  assert.equal(stateText({ phase: "starting", step: "", bytesToGo: null }), "Starting");
  assert.equal(stateText({ phase: "starting", step: "warming up", bytesToGo: null }), "Starting · warming up");
});
