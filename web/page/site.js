/**
 * Where this site lies: the folder that holds `web/`, which is the root of its host or a folder of it.
 *
 * Invariant: whatever the page loads by name is named relative to it.
 */

export const ROOT = new URL("../../", import.meta.url).href;

/** The address of a file of the site. @param {string} path below its root */
export const at = (path) => `${ROOT}${path.replace(/^\//, "")}`;
