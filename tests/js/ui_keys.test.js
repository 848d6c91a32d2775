/** Single keys: each does one thing, and none does anything while somebody types, holds another key, or has a dialog open. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { deedOf, KEYS } from "../../web/page/ui/keys.js";
import { words } from "../../web/page/words.js";

const plain = { ctrlKey: false, altKey: false, metaKey: false, repeat: false, isComposing: false };
const free = { isTyping: false, isDialogOpen: false };

test("each key once, each deed with words", () => {
  assert.equal(new Set(KEYS.map(([key]) => key)).size, KEYS.length);
  assert.deepEqual(KEYS.map(([, deed]) => deed).toSorted(), Object.keys(words.keys.does).toSorted());
  for (const [key, deed] of KEYS) assert.equal(deedOf({ ...plain, key }, free), deed);
});

test("nothing happens where the key was meant for something else", () => {
  for (const held of ["ctrlKey", "altKey", "metaKey", "repeat", "isComposing"])
    assert.equal(deedOf({ ...plain, key: "n", [held]: true }, free), null, held);
  assert.equal(deedOf({ ...plain, key: "n" }, { ...free, isTyping: true }), null);
  assert.equal(deedOf({ ...plain, key: "?" }, { ...free, isDialogOpen: true }), null);
  for (const key of ["N", "x", "Enter", "Tab", " ", "toString"])
    assert.equal(deedOf({ ...plain, key }, free), null, key);
});
