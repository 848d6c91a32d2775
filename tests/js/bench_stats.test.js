// The numbers of the bench: medians, percentiles of coarse clocks, ratios, and what a row says of itself.

import assert from "node:assert/strict";
import { test } from "node:test";
import { BASELINES, ROWS } from "../../web/page/bench/catalog.js";
import { failed, notMeasured, resultOf } from "../../web/page/bench/result.js";
import { median, meetsSeed, percentile, ratioOfRuns, rounded, spread } from "../../web/page/bench/stats.js";

const RATE = {
  id: "x",
  title: "X",
  unit: "MiB/s",
  better: /** @type {const} */ ("more"),
  seed: { text: "> 10 MB/s", least: 10 },
  method: "So.",
  section: "1",
  needs: [],
  seconds: 1,
  targets: { native: 0.8 },
};
const TIME = {
  ...RATE,
  id: "t",
  unit: "µs",
  better: /** @type {const} */ ("less"),
  seed: { text: "< 10 µs", most: 10 },
};

test("medians of odd and even counts, in any order", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median(Float64Array.of(7)), 7);
  assert.equal(median([10, 9, 100]), 10, "numbers are ordered as numbers");
});

test("percentiles without a step are values that occurred", () => {
  const values = Array.from({ length: 1000 }, (_, i) => 1000 - i);
  assert.equal(percentile(values, 0.5), 501);
  assert.equal(percentile(values, 0.99), 991);
  assert.equal(percentile(values, 0.999), 1000);
  assert.equal(percentile([5], 0.999), 5);
});

test("a coarse clock's percentiles are interpolated within its step", () => {
  // True times lie evenly between 2.5 and 12.5; a clock with steps of 5 shows 5 and 10.
  const shown = [...Array(500).fill(5), ...Array(500).fill(10)];
  assert.equal(percentile(shown, 0.5, 5), 7.5);
  assert.equal(percentile(shown, 0.25, 5), 5);
  assert.equal(percentile(shown, 0.75, 5), 10);
});

test("an interpolated percentile is neither negative nor above the largest value", () => {
  const shown = [...Array(900).fill(0), ...Array(100).fill(5)];
  assert.equal(percentile(shown, 0.01, 5), 0);
  assert.equal(percentile(shown, 0.9999, 5), 5);
  const { p50, p99, p999, max } = spread(shown, 5);
  assert.ok(p50 <= p99 && p99 <= p999 && p999 <= max);
});

test("interpolation agrees with the true median of times that a clock rounded", () => {
  let seed = 1;
  const random = () => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  };
  const times = Array.from({ length: 4000 }, () => 4 + 12 * random() * random());
  const rounded5 = times.map((time) => 5 * Math.floor((time + 5 * random()) / 5));
  assert.ok(Math.abs(percentile(rounded5, 0.5, 5) - median(times)) < 1);
});

test("a ratio above 1 means that we are ahead, run by run", () => {
  assert.equal(ratioOfRuns("more", [10, 5], [5, 2.5]), 2);
  assert.equal(ratioOfRuns("less", [10, 5], [5, 2.5]), 0.5);
  assert.equal(ratioOfRuns("more", [8, 4, 8], [4, 2, 4]), 2);
});

test("the seed's figure is a least, a most, or none", () => {
  assert.equal(meetsSeed({ text: "", least: 10 }, 10), true);
  assert.equal(meetsSeed({ text: "", least: 10 }, 9.99), false);
  assert.equal(meetsSeed({ text: "", most: 10 }, 10), true);
  assert.equal(meetsSeed({ text: "", most: 10 }, 10.01), false);
  assert.equal(meetsSeed({ text: "O(1)" }, 10), null);
  assert.equal(meetsSeed(null, 10), null);
});

test("four digits are kept", () => {
  assert.equal(rounded(123456), 123500);
  assert.equal(rounded(0.00012345678), 0.0001235);
});

test("a result has the median, the ratios, and says what was not there", () => {
  const made = resultOf(RATE, {
    samples: [12, 20, 14],
    baselines: { native: [6, 10, 7], gzip: [] },
    ratios: { own: [3, 1, 2] },
  });
  assert.equal(made.value, 14);
  assert.equal(made.meets_seed, true);
  assert.deepEqual(made.baselines, { native: 7 });
  assert.deepEqual(made.ratio, { native: 2, own: 2 });
  assert.deepEqual(made.target, { native: 0.8 });
  assert.deepEqual([made.p50, made.p99, made.p999, made.max], [null, null, null, null]);
  assert.deepEqual([made.runs, made.samples], [3, [12, 20, 14]]);
  assert.deepEqual(made.notes, ["gzip is not there, so it is left out"]);
});

test("a figure that is missed comes first, with its reason", () => {
  const made = resultOf(RATE, { samples: [9], missed: "One core.", notes: ["else"] });
  assert.equal(made.meets_seed, false);
  assert.deepEqual(made.notes, ["seed > 10 MB/s: MISSED. One core.", "else"]);
  assert.match(resultOf(RATE, { samples: [9] }).notes[0], /MISSED\. The reason is not known/);
});

test("a latency's value is its p50, and more than the value may be asked for", () => {
  const latency = { p50: 5, p99: 50, p999: 90, max: 200, mean: 7 };
  const made = resultOf(TIME, { samples: [5], latency, meets: false, missed: "The longest." });
  assert.deepEqual([made.value, made.p50, made.p99, made.p999, made.max], [5, 5, 50, 90, 200]);
  assert.equal(made.details.mean, 7);
  assert.equal(made.meets_seed, false);
  assert.equal(resultOf(TIME, { samples: [5], latency }).meets_seed, true);
});

test("what was not measured, or went wrong, has no figure", () => {
  const left = notMeasured(RATE, "no node");
  assert.deepEqual([left.value, left.meets_seed, left.runs, left.notes], [null, null, 0, ["no node"]]);
  assert.equal(left.error, undefined);
  const wrong = failed(RATE, new Error("damaged"));
  assert.deepEqual([wrong.value, wrong.error, wrong.notes], [null, "damaged", ["failed: damaged"]]);
});

test("the catalog's rows have names of their own, and its targets name baselines or say what they are", () => {
  assert.equal(new Set(ROWS.map(({ id }) => id)).size, ROWS.length);
  const own = [/\.decode$/, /kernel\.q6$/, /^min\(/, /^vault\./, /^limit of/];
  for (const { id, targets = {} } of ROWS) {
    for (const name of Object.keys(targets)) {
      const known = BASELINES.includes(/** @type {any} */ (name)) || own.some((pattern) => pattern.test(name));
      assert.ok(known, `${id}: ${name}`);
    }
  }
});
