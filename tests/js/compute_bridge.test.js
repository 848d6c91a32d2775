/** A compute worker's way into the kernel: every reference has an entry, none without the gate, waits wake for an interrupt. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import * as L from "../../web/shared/layout.gen.js";
import { computeBridge as brainBridge } from "../../web/worker/brain/bridge.js";
import { computeBridge } from "../../web/worker/compute/bridge.js";
import { takenSignal } from "../../web/worker/compute/signal.js";

const SLOT = 3;
const PAGE = (L.REGION_COMPUTE + SLOT * L.COMPUTE_BYTES) / 4;
const WORD = L.ARENA_OFFSET;

/** @type {SharedArrayBuffer} */
let buffer;
/** @type {Int32Array} */
let words;
/** @type {ReturnType<typeof computeBridge>} */
let bridge;
/** Where the kernel has live blocks, with their references. @type {Map<number, number>} */
let blocks;
let checks = 0;

beforeEach(() => {
  buffer = new SharedArrayBuffer(L.ARENA_OFFSET + 4096);
  words = new Int32Array(buffer);
  blocks = new Map();
  checks = 0;
  let next = L.ARENA_OFFSET;
  const change = (/** @type {number} */ offset, /** @type {number} */ by) => {
    assert.equal(words[PAGE + L.COMPUTE_GATE], L.GATE_BUSY, "the kernel is entered by the gate only");
    if (!blocks.has(offset)) return -1;
    const references = /** @type {number} */ (blocks.get(offset)) + by;
    if (references > 0) blocks.set(offset, references);
    else blocks.delete(offset);
    return references;
  };
  const kernel = /** @type {any} */ ({
    arena_alloc: (/** @type {number} */ length) => {
      if (length > 1000) return 0;
      next += 64;
      blocks.set(next, 0);
      change(next, 1);
      return next;
    },
    arena_retain: (/** @type {number} */ offset) => change(offset, 1),
    arena_release: (/** @type {number} */ offset) => change(offset, -1),
    arena_used: () => 0,
  });
  bridge = computeBridge(buffer, kernel, SLOT, () => {
    checks++;
    throw new Error("interrupted");
  });
});

const entries = () => {
  const count = words[PAGE + L.COMPUTE_HELD];
  const at = PAGE + L.COMPUTE_HELD_OFFSET / 4;
  return [...words.subarray(at, at + count)].sort();
};

test("entries are the references: made, kept, released, given away", () => {
  const [a, b, c] = [bridge.alloc(1), bridge.alloc(1), bridge.alloc(1)];
  assert.equal(bridge.retain(b), 2);
  assert.deepEqual(entries(), [a, b, b, c]);
  assert.equal(bridge.release(a), 0);
  assert.equal(bridge.release(b), 1);
  assert.deepEqual(entries(), [b, c]);
  assert.equal(bridge.give(c), 0);
  assert.deepEqual(entries(), [b]);
  assert.deepEqual([...blocks.keys()], [b, c]);
  assert.equal(words[PAGE + L.COMPUTE_GATE], L.GATE_OPEN);
});

test("what it does not hold it can neither release nor give away; what fails leaves no entry", () => {
  const a = bridge.alloc(1);
  bridge.give(a);
  assert.equal(bridge.release(a), -1);
  assert.equal(bridge.give(a), -1);
  assert.equal(bridge.alloc(1001), 0);
  assert.equal(bridge.retain(12), -1);
  assert.deepEqual(entries(), []);
  assert.equal(blocks.get(a), 1);
});

test("it holds so many references and no more", () => {
  const a = bridge.alloc(1);
  for (let n = 1; n < L.COMPUTE_HELD_MAX; n++) assert.equal(bridge.retain(a), n + 1);
  assert.equal(bridge.held(), L.COMPUTE_HELD_MAX);
  assert.equal(bridge.retain(a), -1);
  assert.equal(bridge.alloc(1), 0);
  assert.equal(blocks.size, 1);
  const next = (L.REGION_COMPUTE + (SLOT + 1) * L.COMPUTE_BYTES) / 4;
  assert.ok(words.subarray(next, next + L.COMPUTE_BYTES / 4).every((word) => word === 0));
});

test("a gate is shut once nobody is inside, and for good", () => {
  const brain = brainBridge(buffer);
  const a = bridge.alloc(1);
  words[PAGE + L.COMPUTE_GATE] = L.GATE_BUSY;
  assert.equal(brain.shut(SLOT), false);
  words[PAGE + L.COMPUTE_GATE] = L.GATE_OPEN;
  assert.equal(brain.shut(SLOT), true);
  assert.equal(brain.shut(SLOT), true);
  assert.throws(() => bridge.alloc(1), /has ended/);
  assert.throws(() => bridge.release(a), /has ended/);
  assert.deepEqual(entries(), [a]);
  assert.equal(words[PAGE + L.COMPUTE_GATE], L.GATE_SHUT);
});

test("a wait ends by a change, by its timeout, or by an interrupt", () => {
  bridge.atomic_store(WORD, 5);
  assert.equal(bridge.atomic_wait(WORD, 4, 60_000), true);
  assert.equal(bridge.atomic_wait(WORD, 5, 1), false);
  const began = performance.now();
  assert.equal(bridge.atomic_wait(WORD, 5, 250), false);
  assert.ok(performance.now() - began >= 249);
  assert.equal(checks, 0);
  brainBridge(buffer).interrupt(SLOT);
  assert.throws(() => bridge.atomic_wait(WORD, 5, Number.POSITIVE_INFINITY), /interrupted/);
  assert.equal(checks, 1);
});

test("an interrupt between CPython's reading and clearing is kept", () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const signal = takenSignal(words);
  assert.equal(signal[0], 0);
  Atomics.store(words, 0, L.SIGNAL_INTERRUPT);
  signal[0] = 0; // the second step of the look that saw nothing
  assert.equal(signal[0], L.SIGNAL_INTERRUPT);
  assert.equal(signal[0], 0, "it comes once");
});
