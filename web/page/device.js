/**
 * How much of a device a node takes: the memory to ask for first, and how many muscles.
 *
 * Nouns: a *small* device is a phone, a tablet, or one whose browser says that it has at most SMALL_GIB of memory (only
 * Chromium says so). Invariant: what a person has set counts, within what there is. Pure but for `thisDevice`.
 */

import { MEMORY_TIERS_BYTES, MUSCLES_MAX } from "../shared/layout.gen.js";

const MIB = 1024 * 1024;
const SMALL_GIB = 2;
const TINY_GIB = 1;
const SMALL_MUSCLES_MAX = 2;
const MOBILE = /Mobi|Android|iPhone|iPad/;

/** @typedef {{isMobile: boolean, memoryGiB?: number, cores: number}} Device */
/** @typedef {{memoryMiB?: number, muscles?: number}} Wishes  0 or missing: by itself */

/** @returns {Device} */
export function thisDevice() {
  const { userAgentData, userAgent, deviceMemory, hardwareConcurrency, platform, maxTouchPoints } = /** @type {any} */ (
    navigator
  );
  const isIpad = platform === "MacIntel" && maxTouchPoints > 1; // it calls itself a Mac
  return {
    isMobile: userAgentData?.mobile || MOBILE.test(userAgent) || isIpad,
    memoryGiB: deviceMemory,
    cores: hardwareConcurrency || 2,
  };
}

/**
 * The sizes of memory to try, largest first, and the muscles beside them.
 *
 * @param {Device} device @param {Wishes} [wishes] @returns {{tiersBytes: number[], muscles: number}}
 */
export function devicePlan({ isMobile, memoryGiB = Number.POSITIVE_INFINITY, cores }, wishes = {}) {
  const [large, middle, small] = MEMORY_TIERS_BYTES;
  const isSmall = isMobile || memoryGiB <= SMALL_GIB;
  const byItself = memoryGiB <= TINY_GIB ? small : isSmall ? middle : large;
  const wantedBytes = wishes.memoryMiB ? wishes.memoryMiB * MIB : byItself;
  const tiersBytes = MEMORY_TIERS_BYTES.filter((bytes) => bytes <= wantedBytes);
  const most = byItself === small ? 1 : isSmall ? SMALL_MUSCLES_MAX : MUSCLES_MAX;
  const muscles = wishes.muscles || Math.min(cores - 1, most);
  return {
    tiersBytes: tiersBytes.length > 0 ? tiersBytes : [small],
    muscles: Math.max(1, Math.min(muscles, MUSCLES_MAX)),
  };
}
