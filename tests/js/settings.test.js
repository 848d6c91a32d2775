/** What is kept of settings: damage is as at first, bounds hold, two tabs do not undo each other, no storage is no failure. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULTS, Settings } from "../../web/page/settings.js";

/** @param {string | null} [text] */
function storage(text = null) {
  return {
    text,
    getItem() {
      return this.text;
    },
    /** @param {string} _key @param {string} value */
    setItem(_key, value) {
      this.text = value;
    },
  };
}

test("what was set is there the next time, and the rest is as at first", () => {
  const place = storage();
  new Settings(place).set("appearance", "dark");
  const again = new Settings(place);
  assert.equal(again.get("appearance"), "dark");
  assert.equal(again.get("muscles"), DEFAULTS.muscles);
});

test("damage is as at first, value by value", () => {
  for (const text of ["", "{", "null", "7", '"text"', "[]"]) {
    const damaged = new Settings(storage(text));
    for (const [key, value] of Object.entries(DEFAULTS))
      assert.equal(damaged.get(/** @type {any} */ (key)), value, text);
  }
  const odd = {
    appearance: "pink",
    memoryMiB: -1,
    muscles: 1.5,
    iceServers: "x".repeat(5000),
    tourSeen: "yes",
    more: 1,
  };
  const kept = new Settings(storage(JSON.stringify({ ...odd, rendezvous: "/here" })));
  for (const key of /** @type {const} */ (["appearance", "memoryMiB", "muscles", "iceServers", "tourSeen"]))
    assert.equal(kept.get(key), DEFAULTS[key], key);
  assert.equal(kept.get("rendezvous"), "/here");
});

test("a value that is none is refused and changes nothing", () => {
  const place = storage();
  const settings = new Settings(place);
  for (const [key, value] of [
    ["muscles", "2"],
    ["muscles", 1e9],
    ["appearance", "pink"],
    ["__proto__", {}],
    ["more", 1],
  ])
    assert.throws(() => settings.set(/** @type {any} */ (key), /** @type {any} */ (value)), TypeError);
  assert.equal(place.text, null);
});

test("two tabs set different things: both stay, and each hears of the other", () => {
  const place = storage();
  const [one, two] = [new Settings(place), new Settings(place)];
  /** @type {unknown[]} */
  const heard = [];
  two.on("appearance", (value) => heard.push(value));
  one.set("appearance", "light");
  two.set("muscles", 3);
  assert.deepEqual(JSON.parse(String(place.text)).appearance, "light");
  one.readAgain();
  assert.equal(one.get("muscles"), 3);
  one.set("appearance", "dark");
  two.readAgain();
  assert.deepEqual(heard, ["dark"]);
});

test("without storage, or with a full one, it holds for this visit", () => {
  const full = {
    getItem: () => null,
    setItem() {
      throw new DOMException("full", "QuotaExceededError");
    },
  };
  for (const place of [null, full]) {
    const settings = new Settings(place);
    settings.set("tourSeen", true);
    settings.set("muscles", 2);
    assert.equal(settings.get("tourSeen"), true);
  }
});
