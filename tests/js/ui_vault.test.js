/** The pure parts of what the page shows of the vault: paths, strength, report, parts of the room, tidying in words. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { foldersFirst } from "../../web/page/ui/folder.js";
import { byFolder, bytesOf, crumbs, joined, parentOf } from "../../web/page/ui/paths.js";
import { reportText } from "../../web/page/ui/report.js";
import { choicesOf, layOut, partsOf } from "../../web/page/ui/room_parts.js";
import { strengthOf } from "../../web/page/ui/strength.js";
import { tidyText } from "../../web/page/ui/tidy.js";
import { explain } from "../../web/page/words.js";

/** @param {string} webkitRelativePath @param {number} [size] */
const chosen = (webkitRelativePath, size = 1) => /** @type {any} */ ({ webkitRelativePath, size });

test("what a folder chooser gives becomes folders, each with paths of its own", () => {
  const { folders, loose } = byFolder([
    chosen("Photos/a.png", 3),
    chosen("Photos/2024/b.png", 4),
    chosen("", 9),
    chosen("Notes/a.txt"),
  ]);
  assert.deepEqual(
    folders.map(({ name, items }) => [name, items.map(({ path }) => path), bytesOf(items)]),
    [
      ["Photos", ["a.png", "2024/b.png"], 7],
      ["Notes", ["a.txt"], 1],
    ],
  );
  assert.equal(loose.length, 1);
});

test("paths go down and back up", () => {
  assert.equal(joined("", "a"), "a");
  assert.equal(joined("a/b", "c"), "a/b/c");
  assert.equal(parentOf("a/b/c"), "a/b");
  assert.equal(parentOf("a"), "");
  assert.deepEqual(crumbs(""), []);
  assert.deepEqual(crumbs("a/b"), [
    { name: "a", path: "a" },
    { name: "b", path: "a/b" },
  ]);
});

test("folders stand before files, and numbers count as numbers", () => {
  /** @param {string} name @param {"file" | "folder"} kind */
  const entry = (name, kind) => ({ name, kind, size: 1, mtimeMs: 0 });
  const sorted = foldersFirst([entry("f10", "file"), entry("f9", "file"), entry("z", "folder"), entry("b", "folder")]);
  assert.deepEqual(
    sorted.map(({ name }) => name),
    ["b", "z", "f9", "f10"],
  );
});

test("a passphrase's strength: short, repeated and plain words are weak; several words are strong", () => {
  assert.equal(strengthOf(""), "none");
  for (const weak of ["password", "aaaaaaaaaaaaaaaaaaaaaaaa", "12121212121212121212", "12345678"]) {
    assert.equal(strengthOf(weak), "weak", weak);
  }
  assert.equal(strengthOf("blue tramways"), "fair");
  assert.equal(strengthOf("correct horse battery staple"), "strong");
});

const ROOT = "ab".repeat(32);
/** @type {import("../../web/page/ui/types.js").CheckResult} */
const DAMAGED = {
  level: "hash",
  blocks: 1200,
  bytes: 3_400_000,
  bad: [{ block: "cd".repeat(32), code: "IdMismatch" }],
  lost: [ROOT],
  findings: [],
  ms: 1500,
};

test("the report names level, figures, files and codes, and nothing hidden in a name", () => {
  const nameOf = () => "report\u202etxt.exe";
  const repair = { repaired: [], unrepaired: [{ root: ROOT, name: "report", code: "NoPeers" }], blocks: 0 };
  const text = reportText({ timeMs: Date.UTC(2026, 0, 2), result: DAMAGED, nameOf, repair });
  for (const part of [
    "2026-01-02T00:00:00.000Z",
    "Level: Hashes",
    "Blocks: 1,200",
    "Bytes: 3,400,000 (3.4 MB)",
    "Verdict: 1 block damaged, 1 file affected",
    `report\\u{202e}txt.exe  (${ROOT.slice(0, 16)})`,
    `${"cd".repeat(32)}  IdMismatch`,
    "Not repaired:\n  report  NoPeers",
  ]) {
    assert.ok(text.includes(part), part);
  }
  assert.ok(!text.includes("\u202e"));
  const good = reportText({ timeMs: 0, result: { ...DAMAGED, bad: [], lost: [] }, nameOf, repair: null });
  assert.ok(good.includes("Verdict: all is well"));
  assert.ok(!/damaged/i.test(good));
});

test("the parts of the room add up to what is used, and each that is there is seen", () => {
  const stats = { blockBytes: 600, segmentBytes: 700, storageUsage: 1000 };
  const parts = partsOf(stats, 200);
  assert.deepEqual(
    parts.map(({ key, bytes }) => [key, bytes]),
    [
      ["files", 400],
      ["older", 200],
      ["dead", 100],
      ["rest", 300],
    ],
  );
  const places = layOut(parts, 1e9, 100);
  assert.ok(places.every(({ width }) => width > 0.5));
  assert.ok(places.every(({ x }, index) => index === 0 || x > places[index - 1].x));
  // a browser that says less than what is stored: the bar is full, not wider than itself
  const full = layOut(parts, 10, 100);
  assert.ok(full.every(({ x, width }) => x + width <= 100.001));
  assert.deepEqual(partsOf({ blockBytes: 0, segmentBytes: 0, storageUsage: 0 }, 0), []);
});

test("choices: what frees most comes first, received files apart, crumbs left out", () => {
  /** @param {string} root @param {object} [more] */
  const entry = (root, more) => /** @type {any} */ ({ root, name: root, received: false, versions: 1, ...more });
  const entries = [entry("small"), entry("big"), entry("mid", { versions: 3 }), entry("theirs", { received: true })];
  const rows = [
    { root: "small", freedBytes: 100, olderBytes: 0 },
    { root: "big", freedBytes: 9_000_000, olderBytes: 0 },
    { root: "mid", freedBytes: 50_000, olderBytes: 20_000 },
    { root: "theirs", freedBytes: 70_000, olderBytes: 0 },
  ];
  const { largest, older, received } = choicesOf(entries, rows);
  const told = (/** @type {typeof largest} */ choices) => choices.map((choice) => [choice.entry.root, choice.bytes]);
  assert.deepEqual(told(largest), [
    ["big", 9_000_000],
    ["mid", 50_000],
  ]);
  assert.deepEqual(told(older), [["mid", 20_000]]);
  assert.deepEqual(told(received), [["theirs", 70_000]]);
});

test("tidying in words", () => {
  const state = { phase: "shrinking", done: 12, total: 80, savedBytes: 3_400_000, paused: false };
  assert.equal(tidyText(state), "Making files smaller while you are away · 12 of 80 · 3.4 MB saved so far");
  assert.equal(tidyText({ ...state, phase: "", savedBytes: 0 }), "Tidies itself up while you are away");
  assert.equal(tidyText({ ...state, phase: "", paused: true }), "Tidying is paused · 3.4 MB saved so far");
  assert.equal(
    tidyText({ ...state, phase: "collecting", total: 0 }),
    "Clearing what was deleted · 3.4 MB saved so far",
  );
});

test("whatever repair or an archive may report has words", () => {
  for (const code of ["NoPeers", "NotFound", "IdMismatch", "StorageFull", "Truncated"]) {
    assert.ok(explain({ code }).known, code);
  }
});
