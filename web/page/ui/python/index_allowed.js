/**
 * Which package index a scratch worker may use: none, unless the person allows one and this very server offers it.
 *
 * The content security policy lets nothing on this page reach another origin, and stays so. A server that was started with
 * `--python-index ADDRESS` passes on that index's packages under its own address; the person allows the address in the settings.
 */

import { pythonWords as words } from "../../words_python.js";

export const INDEX_PATH = "/python-index";

/**
 * @param {{allowed: string, ask: () => Promise<string>}} [from] for tests
 * @returns {Promise<{url: string, note: string}>} an empty url: none
 */
export async function allowedIndex({ allowed, ask } = { allowed: allowedAddress(localStorage), ask: offeredIndex }) {
  if (!allowed) return { url: "", note: "" };
  const offered = await ask();
  if (!offered) return { url: "", note: words.noIndex(allowed) };
  if (bare(offered) !== bare(allowed)) return { url: "", note: words.otherIndex(offered, allowed) };
  return { url: `${location.origin}${INDEX_PATH}/simple`, note: "" };
}

/** @returns {Promise<string>} the address, or nothing */
async function offeredIndex() {
  try {
    const response = await fetch(`${INDEX_PATH}/about.json`);
    return response.ok ? String((await response.json()).index ?? "") : "";
  } catch {
    return "";
  }
}

/** @param {Pick<Storage, "getItem">} storage @returns {string} */
export function allowedAddress(storage) {
  try {
    const value = JSON.parse(storage.getItem("inos.settings") ?? "{}")?.pythonIndexAllowed;
    return typeof value === "string" ? value.trim() : "";
  } catch {
    return "";
  }
}

/** @param {string} address */
const bare = (address) => address.replace(/\/+$/, "");
