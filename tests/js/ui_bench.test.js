/** The bench page's words and numbers: figures, ratios, machines, time left, what is kept, what is copied. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BASELINES, ROWS } from "../../web/page/bench/catalog.js";
import { notMeasured, resultOf } from "../../web/page/bench/result.js";
import { goalOf, scaleOf } from "../../web/page/ui/bench/chart.js";
import { Estimate, QUICK_PART, secondsOf } from "../../web/page/ui/bench/estimate.js";
import { besides, latencies, toJson, toMarkdown } from "../../web/page/ui/bench/report.js";
import { isPagesOwn } from "../../web/page/ui/bench/row.js";
import { baselineName, describeMachine, formatValue, noteText, ratioWords } from "../../web/page/ui/bench/say.js";
import { Results } from "../../web/page/ui/bench/store.js";
import { words } from "../../web/page/words.js";

const RATE = { unit: "MiB/s", better: /** @type {const} */ ("more") };
const TIME = { unit: "ms", better: /** @type {const} */ ("less") };

/** @type {import("../../web/page/bench/catalog.js").CatalogRow} */
const ROW = {
  id: "seal",
  title: "Seal | of bytes",
  unit: "MiB/s",
  better: "more",
  seed: { text: "> 100 MB/s", least: 95 },
  method: "One sentence.",
  section: "Real-World Performance Metrics",
  needs: ["libraries"],
  seconds: 6,
};
/** @param {number} value */
const measured = (value) => ({
  result: resultOf(ROW, { samples: [value], baselines: { libsodium: [100], native: [] } }),
  timeMs: Date.UTC(2026, 10, 26, 4, 5),
  quick: true,
  machine: "Chromium 156 on Linux",
});

test("figures have three significant digits", () => {
  assert.equal(formatValue(0.021634, "ms"), "0.0216 ms");
  assert.equal(formatValue(1_084_321, "msgs/s"), "1,080,000 msgs/s");
  assert.equal(formatValue(371.4, "MiB/s"), "371 MiB/s");
  assert.equal(formatValue(0, "%"), "0 %");
  assert.equal(formatValue(null, "ms"), "–");
  assert.equal(formatValue(Number.NaN, "ms"), "– ms");
});

test("ratios in words: always above one when INOS is ahead, also for times", () => {
  assert.equal(ratioWords(2.71, "libsodium", RATE), "2.7 times as fast as libsodium");
  assert.equal(ratioWords(57.3, "postMessage", TIME), "57 times as fast as postMessage");
  assert.equal(ratioWords(1234.5, "fetch", TIME), "1,230 times as fast as fetch");
  assert.equal(ratioWords(1.04, "libsodium", RATE), "as fast as libsodium");
  assert.equal(ratioWords(0.96, "libsodium", RATE), "as fast as libsodium");
  assert.equal(ratioWords(1.06, "libsodium", RATE), "1.1 times as fast as libsodium");
  assert.equal(ratioWords(0.85, "native", RATE), "0.85 times as fast as native (Node's zlib)");
  assert.equal(ratioWords(0.012, "postMessage.transfer", TIME), "0.012 times as fast as transferred postMessage");
});

test("what is no speed is not called fast", () => {
  assert.equal(ratioWords(1.8, "gzip", { unit: "%", better: "more" }), "1.8 times as much as gzip");
  assert.equal(ratioWords(1.03, "gzip", { unit: "%", better: "more" }), "as much as gzip");
  assert.equal(ratioWords(8, "postMessage", { unit: "MiB", better: "less" }), "8.0 times less than postMessage");
  assert.equal(ratioWords(0.5, "postMessage", { unit: "MiB", better: "less" }), "2.0 times as much as postMessage");
});

test("a note does not repeat the verdict that stands beside it", () => {
  const told = resultOf(ROW, { samples: [50], missed: "One core is too slow." });
  assert.equal(told.meets_seed, false);
  assert.deepEqual(told.notes.map(noteText), ["One core is too slow."]);
  assert.equal(noteText("libsodium is not there, so it is left out"), "libsodium is not there, so it is left out");
});

test("the machine as the browser tells it", () => {
  const brands = [
    { brand: "Not;A=Brand", version: "8" },
    { brand: "Chromium", version: "156" },
    { brand: "Microsoft Edge", version: "156" },
  ];
  assert.equal(
    describeMachine({ userAgent: "", brands, platform: "Windows", cores: 8, memoryGb: 8 }),
    "Microsoft Edge 156 on Windows, 8 cores, about 8 GB of memory",
  );
  assert.equal(describeMachine({ userAgent: "", brands: brands.slice(0, 2), cores: 1 }), "Chromium 156, 1 core");
  const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
  assert.equal(describeMachine({ userAgent: firefox, cores: 2 }), "Firefox 140 on Linux, 2 cores");
  const safari =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605 Version/26.0 Mobile Safari/604";
  assert.equal(describeMachine({ userAgent: safari }), "Safari 26.0 on iPhone");
  assert.equal(describeMachine({ userAgent: "odd" }), "this browser");
});

test("time left: the catalog's at first, this machine's pace later, and rows never go back", () => {
  const rows = [
    { id: "a", seconds: 10 },
    { id: "b", seconds: 30 },
  ];
  const estimate = new Estimate(rows, false);
  assert.deepEqual([estimate.part, estimate.rowsDone, estimate.secondsLeft(0)], [0, 0, 40]);
  estimate.note("a", 0.2);
  assert.equal(estimate.secondsLeft(4), 36);
  estimate.note("a", 1);
  estimate.note("a", 0.5);
  assert.deepEqual([estimate.part, estimate.rowsDone], [0.25, 1]);
  assert.equal(estimate.secondsLeft(20), 60);
  estimate.note("b", 7);
  assert.deepEqual([estimate.part, estimate.rowsDone, estimate.secondsLeft(80)], [1, 2, 0]);
  assert.equal(new Estimate([], false).part, 1);
  assert.equal(secondsOf([{ id: "a", seconds: 300 }], true), 300 * QUICK_PART);
});

test("a chart's scale holds every bar, and a goal far beyond is not drawn", () => {
  const near = resultOf(ROW, { samples: [50], baselines: { libsodium: [80] } });
  assert.equal(goalOf(near), 95);
  const { full, isGoalDrawn } = scaleOf(near);
  assert.ok(isGoalDrawn && full > 95 && full < 100);
  const far = resultOf({ ...ROW, seed: { text: "> 1000 MB/s", least: 954 } }, { samples: [50] });
  assert.equal(scaleOf(far).isGoalDrawn, false);
  assert.ok(scaleOf(far).full < 52);
  assert.equal(scaleOf(notMeasured(ROW, "no")).full > 0, true);
});

/** @param {Map<string, string>} [kept] */
function storage(kept = new Map()) {
  return {
    getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => void kept.set(key, value),
    removeItem: (/** @type {string} */ key) => void kept.delete(key),
  };
}

test("results are still there after a reload, and gone when forgotten", () => {
  const kept = new Map();
  new Results(storage(kept)).add(measured(270));
  const again = new Results(storage(kept));
  assert.deepEqual(again.get("seal"), measured(270));
  assert.equal(again.measured(["open", "seal"]).length, 1);
  again.clear();
  assert.equal(new Results(storage(kept)).get("seal"), undefined);
  assert.equal(kept.size, 0);
});

test("what could not be measured does not replace a figure, a later figure does", () => {
  const results = new Results(storage());
  results.add(measured(270));
  const none = { ...measured(1), result: notMeasured(ROW, "the server is gone") };
  assert.equal(results.add(none).result.value, 270);
  assert.equal(results.add(measured(280)).result.value, 280);
  assert.deepEqual(new Results(storage()).add(none), none);
});

test("kept text that is not ours is as if there were none, and a full storage costs nothing", () => {
  for (const text of [
    "",
    "{",
    "[]",
    "null",
    '{"version":1,"entries":[["seal",{}],7,null]}',
    '{"version":9,"entries":[]}',
  ])
    assert.deepEqual(new Results(storage(new Map([["inos-bench", text]]))).measured(["seal"]), []);
  const full = new Results({
    ...storage(),
    setItem: () => {
      throw new DOMException("full", "QuotaExceededError");
    },
  });
  assert.equal(full.add(measured(270)).result.value, 270);
  assert.equal(full.measured(["seal"]).length, 1);
  assert.equal(new Results(null).add(measured(3)).result.value, 3);
});

test("Markdown: one line a row, pipes escaped, notes below", () => {
  const lines = toMarkdown([ROW], [measured(270)]).split("\n");
  assert.equal(lines[0], "INOS, Chromium 156 on Linux");
  assert.equal(
    lines[4],
    "| Seal \\| of bytes `seal` | 270 MiB/s |  | libsodium 100 (2.7 ×) | met: > 100 MB/s | 2026-11-26 04:05 (quick) |",
  );
  assert.ok(lines.includes("- `seal`: native is not there, so it is left out"));
});

test("JSON: the command's form, with the date", () => {
  const { machine, rows } = JSON.parse(toJson({ cores: 2 }, [measured(270)]));
  assert.deepEqual(machine, { cores: 2 });
  assert.deepEqual(
    [rows[0].id, rows[0].value, rows[0].ratio, rows[0].measured, rows[0].quick],
    ["seal", 270, { libsodium: 2.7 }, "2026-11-26T04:05:00.000Z", true],
  );
});

test("a latency tells its spread, a rate has none", () => {
  const latency = { p50: 4.1, p99: 7, p999: 12.3, max: 80 };
  const entry = { ...measured(1), result: resultOf({ ...ROW, ...TIME }, { samples: [4.1], latency }) };
  assert.equal(latencies(entry), "p50 4.1 · p99 7 · p99.9 12.3 · max 80");
  assert.equal(latencies(measured(3)), "");
  assert.equal(besides(measured(270)), "libsodium 100 (2.7 ×)");
});

test("the page has words for all of the catalog", () => {
  for (const { needs } of ROWS) for (const need of needs) assert.ok(words.bench.needs[need], need);
  for (const name of BASELINES) assert.ok(baselineName(name).length > 2);
  assert.ok(ROWS.some(isPagesOwn));
  assert.deepEqual(
    ROWS.filter((row) => !isPagesOwn(row))
      .map(({ id }) => id)
      .filter((id) => !id.startsWith("mesh.")),
    ["scale.memory", "boot.page"],
  );
});
