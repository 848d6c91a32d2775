/**
 * Films and sound from any place in them: the player asks the service worker for a range, which asks here, and only that is read.
 *
 * Nouns: a *stream* is one file being played; its address holds good until it ends.
 * Invariants: nothing is read that the player has not asked for; an address is of use to this page alone.
 */

import { at } from "./site.js";

/** @typedef {{size: number, mediaType: string, read: (offset: number, length: number) => Promise<Uint8Array>}} Played */

/** @type {Map<string, Played>} */
const streams = new Map();

/** Whether the service worker stands before this page: not at all in some windows, nor after a reload past the caches. */
export const canStream = () => Boolean(globalThis.navigator?.serviceWorker?.controller);

/** @param {Played} played @returns {{url: string, end: () => void}} */
export function stream(played) {
  if (streams.size === 0) navigator.serviceWorker.addEventListener("message", onMessage);
  const id = crypto.randomUUID();
  streams.set(id, played);
  return { url: at(`stream/${id}`), end: () => streams.delete(id) };
}

/** @param {MessageEvent} event of the service worker */
async function onMessage({ data, ports: [port] }) {
  if (data?.type !== "stream-read" || !port) return;
  const played = streams.get(data.id);
  try {
    if (!played) throw new RangeError("no such stream");
    const { size, mediaType, read } = played;
    const length = Math.max(0, Math.min(data.length, size - data.offset));
    const bytes = length > 0 ? await read(data.offset, length) : new Uint8Array();
    port.postMessage({ size, mediaType, bytes });
  } catch {
    port.postMessage(null); // the player says that it cannot go on
  }
}
