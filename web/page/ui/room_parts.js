/**
 * What takes room, as parts of a bar, and what a person could choose to free. Pure.
 *
 * Nouns: a *part* is a name and its bytes; a *choice* is something that could be deleted and what comes free with it.
 */

import { words } from "../words.js";

const TEXTS = words.room;
export const NEARLY_FULL = 0.9;
const CHOICES_MAX = 5;
/** Smaller ones are not worth a click. */
const CHOICE_BYTES_MIN = 4096;
/** A part that is there at all is seen. */
const SHOWN_MIN = 0.006;

/** @typedef {import("./types.js").FileEntry} FileEntry */
/** @typedef {import("./types.js").RoomRow} RoomRow */
/** @typedef {{key: "files" | "older" | "dead" | "rest", name: string, bytes: number}} Part */
/** @typedef {{entry: FileEntry, bytes: number}} Choice */

/**
 * @param {Record<string, number>} stats
 * @param {number} olderBytes
 * @returns {Part[]} those that are there
 */
export function partsOf({ blockBytes, segmentBytes, storageUsage }, olderBytes) {
  const older = Math.min(olderBytes, blockBytes);
  const dead = Math.max(0, segmentBytes - blockBytes);
  const rest = Math.max(0, storageUsage - blockBytes - dead);
  /** @type {Part[]} */
  const parts = [
    { key: "files", name: TEXTS.files, bytes: blockBytes - older },
    { key: "older", name: TEXTS.older, bytes: older },
    { key: "dead", name: TEXTS.dead, bytes: dead },
    { key: "rest", name: TEXTS.rest, bytes: rest },
  ];
  return parts.filter(({ bytes }) => bytes > 0);
}

/**
 * Where each part lies in a bar of `width`: from the left, in order, and never too thin to see.
 *
 * @param {Part[]} parts
 * @param {number} quota
 * @param {number} width
 */
export function layOut(parts, quota, width) {
  const all = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const whole = Math.max(quota, all);
  let x = 0;
  return parts.map(({ key, bytes }) => {
    const length = whole > 0 ? Math.max(SHOWN_MIN, bytes / whole) * width : 0;
    const place = { key, x: Math.min(x, width), width: Math.max(0, Math.min(length, width - x)) };
    x += length;
    return place;
  });
}

/**
 * What could be deleted, the most first.
 *
 * @param {FileEntry[]} entries
 * @param {RoomRow[]} rows
 * @returns {{largest: Choice[], older: Choice[], received: Choice[]}}
 */
export function choicesOf(entries, rows) {
  const known = new Map(rows.map((row) => [row.root, row]));
  /** @param {(entry: FileEntry) => boolean} fits @param {(row: RoomRow) => number} bytesOf */
  const most = (fits, bytesOf) =>
    entries
      .filter(fits)
      .map((entry) => {
        const row = known.get(entry.root);
        return { entry, bytes: row ? bytesOf(row) : 0 };
      })
      .filter(({ bytes }) => bytes >= CHOICE_BYTES_MIN)
      .sort((a, b) => b.bytes - a.bytes)
      .slice(0, CHOICES_MAX);
  return {
    largest: most(
      ({ received }) => !received,
      ({ freedBytes }) => freedBytes,
    ),
    older: most(
      ({ versions }) => versions > 1,
      ({ olderBytes }) => olderBytes,
    ),
    received: most(
      ({ received }) => received,
      ({ freedBytes }) => freedBytes,
    ),
  };
}
