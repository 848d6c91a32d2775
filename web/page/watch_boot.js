/** Watching Python start: a start that goes silent is told apart from one that is slow. */

import { NodeError } from "./boot.js";

/** A starting Python that says nothing for this long is stuck: with all its files there, or while they still arrive. */
const BOOT_SILENCE_MS = 10_000;
const BOOT_SILENCE_LOADING_MS = 90_000;

/**
 * @param {Worker} brain
 * @param {(stage: any) => number | null} onStage answers the bytes that are still to come, null while unknown
 * @returns {Promise<any>} what it says when it has started; null when it went silent
 */
export function watchBoot(brain, onStage) {
  return new Promise((resolve, reject) => {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const watch = (/** @type {number} */ silenceMs) => {
      clearTimeout(timer);
      timer = setTimeout(() => resolve(null), silenceMs);
    };
    watch(BOOT_SILENCE_LOADING_MS);
    const stop = new AbortController();
    const end = (/** @type {() => void} */ settle) => {
      clearTimeout(timer);
      stop.abort();
      settle();
    };
    const hear = (/** @type {MessageEvent} */ { data }) => {
      if (data.type === "booted") end(() => resolve(data));
      else if (data.type === "failed") end(() => reject(new NodeError(data.code, data.message)));
      else if (data.type === "stage") watch(onStage(data) === 0 ? BOOT_SILENCE_MS : BOOT_SILENCE_LOADING_MS);
    };
    brain.addEventListener("message", hear, { signal: stop.signal });
  });
}
