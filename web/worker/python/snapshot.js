/**
 * The memory snapshot of a started Python, as a file: which pages of the heap hold what.
 *
 * Pyodide's own snapshot is the whole 30 MiB start heap, half of it zeros. A fresh WebAssembly memory is zero already, so
 * this file keeps only the pages that differ from zero, and names the few ranges that a fresh instance has filled (its data
 * segments, its start-up) and the snapshot has not. Restoring then touches about a third of the memory.
 *
 * Nouns: *run* = neighbouring pages with content; *gap* = range to clear; *key* = hash of the files that the snapshot belongs
 * to (64 hex digits). The head of Pyodide's own snapshot, its list of JavaScript references, is in `build.json`: it is
 * wanted before this file is here.
 *
 * Layout, little endian:
 *   0 magic "INOSSNP1" · 8 u32 total bytes · 12 u32 heap bytes · 16 u32 runs · 20 u32 gaps · 24 key (32 bytes) · 56 zeros ·
 *   64 (u32 first page, u32 pages) per run, then per gap · the runs' pages
 *
 * Invariants: a file that does not decode is refused whole, before anything is written. Content is not checksummed here:
 * `build.json` names the file's SHA-256 and the loader compares it.
 */

export const PAGE_BYTES = 4096;
const MAGIC = "INOSSNP1";
const FIXED_BYTES = 64;
const RANGE_BYTES = 8;

/**
 * @typedef {{first: number, pages: number}} Range
 * @typedef {{key: string, heapBytes: number, runs: Range[], gaps: Range[], content: Uint8Array}} Snapshot
 */

/** Why a snapshot is not used; its message ends up in the boot report. */
export class SnapshotError extends Error {
  name = "SnapshotError";
}

/**
 * @param {Uint8Array} heap
 * @param {number} page
 */
function isZero(heap, page) {
  const words = new Uint32Array(heap.buffer, heap.byteOffset + page * PAGE_BYTES, PAGE_BYTES / 4);
  return words.every((word) => word === 0);
}

/**
 * @param {number} pages
 * @param {(page: number) => boolean} wanted
 * @returns {Range[]} maximal runs of wanted pages
 */
function ranges(pages, wanted) {
  /** @type {Range[]} */
  const found = [];
  for (let page = 0; page < pages; page++) {
    if (!wanted(page)) continue;
    const last = found.at(-1);
    if (last && last.first + last.pages === page) last.pages++;
    else found.push({ first: page, pages: 1 });
  }
  return found;
}

/**
 * @param {{key: string, heap: Uint8Array, fresh: Uint8Array}} parts `fresh` is the heap of an instance
 *   that has only been created; it may be shorter than `heap`
 * @returns {Uint8Array}
 */
export function encodeSnapshot({ key, heap, fresh }) {
  if (heap.length % PAGE_BYTES !== 0) throw new SnapshotError("heap is not a whole number of pages");
  const pages = heap.length / PAGE_BYTES;
  const empty = Array.from({ length: pages }, (_, page) => isZero(heap, page));
  const runs = ranges(pages, (page) => !empty[page]);
  // A browser's fresh instance can be filled a little further than the one seen at build time (environment, file names):
  // clear everything up to 1 MiB above the last page in use there.
  const freshPages = Math.min(pages, fresh.length / PAGE_BYTES);
  let used = 0;
  for (let page = 0; page < freshPages; page++) if (!isZero(fresh, page)) used = page + 1;
  const cleared = Math.min(pages, used + (1 << 20) / PAGE_BYTES);
  const gaps = ranges(cleared, (page) => empty[page]);

  const contentAt = FIXED_BYTES + RANGE_BYTES * (runs.length + gaps.length);
  const total = contentAt + runs.reduce((sum, run) => sum + run.pages, 0) * PAGE_BYTES;
  const file = new Uint8Array(total);
  const view = new DataView(file.buffer);
  file.set(new TextEncoder().encode(MAGIC));
  [total, heap.length, runs.length, gaps.length].forEach((n, i) => {
    view.setUint32(8 + 4 * i, n, true);
  });
  for (let i = 0; i < 32; i++) file[24 + i] = Number.parseInt(key.slice(2 * i, 2 * i + 2), 16);
  [...runs, ...gaps].forEach((range, i) => {
    view.setUint32(FIXED_BYTES + RANGE_BYTES * i, range.first, true);
    view.setUint32(FIXED_BYTES + RANGE_BYTES * i + 4, range.pages, true);
  });
  let at = contentAt;
  for (const { first, pages: count } of runs) {
    file.set(heap.subarray(first * PAGE_BYTES, (first + count) * PAGE_BYTES), at);
    at += count * PAGE_BYTES;
  }
  return file;
}

/**
 * @param {Uint8Array} file
 * @param {string} key what the snapshot must have been made for
 * @returns {Snapshot}
 */
export function decodeSnapshot(file, key) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < FIXED_BYTES || new TextDecoder().decode(file.slice(0, 8)) !== MAGIC) {
    throw new SnapshotError("the snapshot is not a snapshot file");
  }
  const [total, heapBytes, runCount, gapCount] = [8, 12, 16, 20].map((at) => view.getUint32(at, true));
  if (total !== file.length) throw new SnapshotError(`the snapshot is cut short (${file.length} of ${total} bytes)`);
  const found = Array.from(file.subarray(24, 56), (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== key) throw new SnapshotError("the snapshot belongs to another build");
  const contentAt = FIXED_BYTES + RANGE_BYTES * (runCount + gapCount);
  if (contentAt > total) throw new SnapshotError("the snapshot's tables are damaged");
  const all = Array.from({ length: runCount + gapCount }, (_, i) => ({
    first: view.getUint32(FIXED_BYTES + RANGE_BYTES * i, true),
    pages: view.getUint32(FIXED_BYTES + RANGE_BYTES * i + 4, true),
  }));
  const runs = all.slice(0, runCount);
  const contentPages = runs.reduce((sum, run) => sum + run.pages, 0);
  if (all.some((range) => (range.first + range.pages) * PAGE_BYTES > heapBytes)) {
    throw new SnapshotError("the snapshot's tables are damaged");
  }
  if (contentAt + contentPages * PAGE_BYTES !== total) throw new SnapshotError("the snapshot's tables are damaged");
  return { key, heapBytes, runs, gaps: all.slice(runCount), content: file.subarray(contentAt) };
}

/**
 * Puts the pages in place. The heap must be that of an instance that has only been created.
 *
 * @param {Snapshot} snapshot
 * @param {Uint8Array} heap
 */
export function writePages(snapshot, heap) {
  if (heap.length < snapshot.heapBytes) throw new SnapshotError("the snapshot needs a larger start heap");
  for (const { first, pages } of snapshot.gaps) heap.fill(0, first * PAGE_BYTES, (first + pages) * PAGE_BYTES);
  let at = 0;
  for (const { first, pages } of snapshot.runs) {
    heap.set(snapshot.content.subarray(at, at + pages * PAGE_BYTES), first * PAGE_BYTES);
    at += pages * PAGE_BYTES;
  }
}
