/** The snapshot file: what was put in comes out, and nothing else is believed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeSnapshot,
  encodeSnapshot,
  PAGE_BYTES,
  SnapshotError,
  writePages,
} from "../../web/worker/python/snapshot.js";

const KEY = "5a".repeat(32);
const PAGES = 600;

/** @param {number[]} pages which pages hold something */
function heapWith(pages) {
  const heap = new Uint8Array(PAGES * PAGE_BYTES);
  for (const page of pages) heap.fill((page % 255) + 1, page * PAGE_BYTES + 5, (page + 1) * PAGE_BYTES - 3);
  return heap;
}

test("pages come back, and what a fresh instance holds beyond them is cleared", () => {
  const heap = heapWith([0, 1, 7, 8, 9, 300, PAGES - 1]);
  const fresh = heapWith([1, 2, 40]);
  const file = encodeSnapshot({ key: KEY, heap, fresh });
  assert.ok(file.length < 8 * PAGE_BYTES, "zero pages take no room");
  const target = heapWith([1, 2, 41]); // a browser's instance reaches a little further than the builder's
  writePages(decodeSnapshot(file, KEY), target);
  assert.deepEqual(target, heap);
});

test("a file at an odd offset decodes as well", () => {
  const heap = heapWith([3]);
  const file = encodeSnapshot({ key: KEY, heap, fresh: new Uint8Array(0) });
  const shifted = new Uint8Array(file.length + 1);
  shifted.set(file, 1);
  const target = new Uint8Array(heap.length);
  writePages(decodeSnapshot(shifted.subarray(1), KEY), target);
  assert.deepEqual(target, heap);
});

test("every cut and every wrong key is refused", () => {
  const file = encodeSnapshot({ key: KEY, heap: heapWith([0, 5, 9]), fresh: heapWith([2]) });
  for (const bytes of [0, 7, 63, 64, 80, file.length - PAGE_BYTES, file.length - 1]) {
    assert.throws(() => decodeSnapshot(file.subarray(0, bytes), KEY), SnapshotError);
  }
  assert.throws(() => decodeSnapshot(file, "00".repeat(32)), /another build/);
});

test("tables that point outside the heap are refused before anything is written", () => {
  const good = encodeSnapshot({ key: KEY, heap: heapWith([0, 5, 9]), fresh: heapWith([2]) });
  const fields = [12, 16, 20, ...Array.from({ length: 8 }, (_, i) => 64 + 4 * i)];
  for (const at of fields) {
    for (const value of [0x7fffffff, 0xffffffff]) {
      const file = good.slice();
      new DataView(file.buffer).setUint32(at, value, true);
      const target = new Uint8Array(PAGES * PAGE_BYTES);
      assert.throws(() => writePages(decodeSnapshot(file, KEY), target), SnapshotError, `field ${at} = ${value}`);
      assert.ok(target.every((byte) => byte === 0));
    }
  }
});

test("a smaller heap is refused", () => {
  const file = encodeSnapshot({ key: KEY, heap: heapWith([0]), fresh: new Uint8Array(0) });
  assert.throws(() => writePages(decodeSnapshot(file, KEY), new Uint8Array(PAGE_BYTES)), /larger start heap/);
});
