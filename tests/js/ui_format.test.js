/** Numbers and names as people read them: boundaries of each unit, and names made to deceive. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as format from "../../web/page/ui/format.js";

test("sizes change their unit where rounding would leave it", () => {
  const cases = [
    [0, "0 B"],
    [1, "1 B"],
    [999, "999 B"],
    [1000, "1 kB"],
    [1234, "1.23 kB"],
    [9999, "10 kB"],
    [99_960, "100 kB"],
    [999_499, "999 kB"],
    [999_500, "1 MB"],
    [1_500_000, "1.5 MB"],
    [64 * 2 ** 20, "67.1 MB"],
    [2 ** 46, "70.4 TB"],
    [Number.NaN, "–"],
    [-1, "–"],
  ];
  for (const [bytes, shown] of cases) assert.equal(format.formatBytes(Number(bytes)), shown);
});

test("rates and times left are empty while unknown", () => {
  assert.equal(format.formatRate(0), "");
  assert.equal(format.formatRate(Number.NaN), "");
  assert.equal(format.formatRate(Number.POSITIVE_INFINITY), "");
  assert.equal(format.formatRate(23_400_000), "23.4 MB/s");
  assert.equal(format.formatSecondsLeft(null), "");
  assert.equal(format.formatSecondsLeft(Number.POSITIVE_INFINITY), "");
  assert.equal(format.formatSecondsLeft(0), "1 s left");
  assert.equal(format.formatSecondsLeft(59), "59 s left");
  assert.equal(format.formatSecondsLeft(90), "2 min left");
  assert.equal(format.formatSecondsLeft(5400), "1.5 h left");
  assert.equal(format.formatSecondsLeft(1e9), "more than a day left");
});

test("durations and ages", () => {
  assert.equal(format.formatDuration(12.4), "12 ms");
  assert.equal(format.formatDuration(1234), "1.2 s");
  assert.equal(format.formatDuration(600_000), "10 min");
  const now_ms = Date.UTC(2026, 10, 23);
  assert.equal(format.formatAgo(now_ms - 1000, now_ms), "just now");
  assert.equal(format.formatAgo(now_ms + 60_000, now_ms), "just now"); // another device's clock may be ahead
  assert.equal(format.formatAgo(now_ms - 300_000, now_ms), "5 min ago");
  assert.equal(format.formatAgo(now_ms - 3 * 3_600_000, now_ms), "3 h ago");
  assert.equal(format.formatAgo(now_ms - 2 * 86_400_000, now_ms), "2 d ago");
  assert.equal(format.formatAgo(now_ms - 30 * 86_400_000, now_ms), "2026-10-24");
  assert.equal(format.formatAgo(Number.NaN, now_ms), "–");
});

test("what was saved is never negative and never claims everything", () => {
  assert.equal(format.savedPercent(1000, 250), 75);
  assert.equal(format.savedPercent(1000, 1), 99);
  assert.equal(format.savedPercent(1000, 0), 100); // nothing new was stored
  assert.equal(format.savedPercent(1, 4096), 0);
  assert.equal(format.savedPercent(0, 0), 0);
});

test("fractions stay between 0 and 1, and an empty file is done", () => {
  assert.equal(format.fraction({ bytes: 5, total: 10 }), 0.5);
  assert.equal(format.fraction({ bytes: 11, total: 10 }), 1);
  assert.equal(format.fraction({ bytes: -1, total: 10 }), 0);
  assert.equal(format.fraction({ bytes: 0, total: 0 }), 1);
  assert.equal(format.fraction({ bytes: 0, total: Number.NaN }), null);
});

test("nothing hidden survives in a name", () => {
  assert.equal(format.safeName("invoice\u202Efdp.exe"), "invoice\\u{202e}fdp.exe");
  const hidden = "\0\b\n\x7f\x85\xad\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u2066\u2069\ufeff\u3164\u{e0041}\ud800";
  for (const character of hidden) {
    const shown = format.safeText(`a${character}b`);
    assert.match(shown, /^a\\u\{[0-9a-f]+\}b$/, `U+${character.codePointAt(0)?.toString(16)}`);
  }
});

test("ordinary names of any script stay as they are", () => {
  for (const name of ["notes.md", "Größe.txt", "דוח שנתי.txt", "報告書.pdf", "👩‍👩‍👧 family.jpg", "می‌خواهم.txt"]) {
    assert.equal(format.safeName(name), name.normalize("NFC"));
  }
});

test("names are composed, and towers of marks are cut", () => {
  assert.equal(format.safeName("e\u0301.txt"), "é.txt");
  assert.ok(format.safeText(`a${"\u0336".repeat(500)}`).length <= 5);
});

test("long names lose their middle and keep their extension", () => {
  const shown = format.safeName(`${"long ".repeat(50)}name.final.docx`);
  assert.equal([...shown].length, format.NAME_POINTS_MAX);
  assert.match(shown, /^long .*….*name\.final\.docx$/);
  assert.equal(format.cutMiddle("😀".repeat(9), 5), `${"😀".repeat(3)}…${"😀".repeat(1)}`);
  assert.equal(format.cutMiddle("short", 5), "short");
});

test("what is not a string is shown, not thrown", () => {
  assert.equal(format.safeText(undefined), "");
  assert.equal(format.safeText(7), "7");
  assert.ok(format.safeText("x".repeat(1_000_000)).length <= 4096);
});
