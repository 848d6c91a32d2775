/**
 * Downloads where there is no service worker (the browser refuses one, as with a certificate that it does not know, or had no room
 * for the site that comes with it): the whole file in memory, then to the disk.
 */

import { NodeError } from "./boot.js";

export const MEMORY_DOWNLOAD_BYTES_MAX = 512 * 1024 * 1024;
const KEPT_MS = 60_000; // the browser reads it after the click, when it has asked where to put it

/** @param {number | null} size null: not known yet */
export function requireRoom(size) {
  if ((size ?? 0) > MEMORY_DOWNLOAD_BYTES_MAX) throw tooLarge();
}

export const tooLarge = () => new NodeError("DownloadTooLarge", "it cannot be streamed here");

/** @param {Uint8Array<ArrayBuffer>} bytes @param {string} name */
export function saveBytes(bytes, name) {
  const anchor = document.createElement("a");
  // never a type that the browser would show in our origin
  anchor.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), KEPT_MS);
}
