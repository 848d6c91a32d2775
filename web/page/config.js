/** What the site says of itself (`static/config.json`): how to meet, and what its nodes take. Asked for once. */

/** @typedef {{rendezvous?: string | null, iceServers?: RTCIceServer[], pythonIndex?: string} & import("./device.js").Wishes} Config */

import { at } from "./site.js";

const PLACE = at("config.json");

/** @type {Promise<Config> | null} */
let reading = null;

/** A site without it, or with a damaged one, says nothing. @returns {Promise<Config>} */
export function readConfig() {
  reading ??= read();
  return reading;
}

async function read() {
  try {
    const response = await fetch(PLACE);
    const config = response.ok ? await response.json() : null;
    return typeof config === "object" && config !== null ? config : {};
  } catch {
    return {};
  }
}
