/** The last minute of counters: rates between neighbours, what is old is forgotten, and a line from the left to the right. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { History, sparkPath } from "../../web/page/ui/history.js";

test("a rate needs two samples and is per second, whatever lies between them", () => {
  const history = new History();
  assert.equal(history.rate("jobs"), null);
  history.add(1000, { jobs: 5, other: 1 });
  assert.equal(history.rate("jobs"), null);
  history.add(3000, { jobs: 25, other: 2 });
  assert.equal(history.rate("jobs"), 10);
  assert.equal(history.rate("jobs", "other"), 10.5);
  history.add(3500, { jobs: 25, other: 2 });
  assert.equal(history.rate("jobs"), 0);
});

test("a counter that wrapped is never a negative rate", () => {
  const history = new History();
  history.add(0, { jobs: 2 ** 32 - 1 });
  history.add(1000, { jobs: 3 });
  history.add(2000, { jobs: 7 });
  assert.deepEqual(
    history.rates("jobs").map(({ rate }) => rate),
    [0, 4],
  );
});

test("what is older than a minute is forgotten, and all of it after a pause", () => {
  const history = new History();
  for (let second = 0; second <= 100; second++) history.add(second * 1000, { jobs: second });
  const rates = history.rates("jobs");
  assert.equal(rates.length, 60);
  assert.deepEqual([rates[0].ageMs, rates.at(-1)?.ageMs], [59_000, 0]);
  history.clear();
  assert.deepEqual(history.rates("jobs"), []);
});

test("the line ends at the right edge, its highest point at the top, and rest lies at the bottom", () => {
  const rates = [
    { ageMs: 60_000, rate: 0 },
    { ageMs: 30_000, rate: 8 },
    { ageMs: 0, rate: 4 },
  ];
  assert.equal(sparkPath(rates, 100, 20), "M0.0 20.0L50.0 0.0L100.0 10.0");
  assert.equal(
    sparkPath(
      rates.map(({ ageMs }) => ({ ageMs, rate: 0 })),
      100,
      20,
    ),
    "M0.0 20.0L50.0 20.0L100.0 20.0",
  );
  assert.equal(sparkPath(rates.slice(0, 1), 100, 20), "");
});
