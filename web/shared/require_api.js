/**
 * Says what a browser lacks where it is noticed: some of what INOS needs exists in workers only, out of the page's sight.
 */

/** @param {boolean} isThere @param {string} lack in a few words, for people who ask for details */
export function requireApi(isThere, lack) {
  if (!isThere) throw Object.assign(new Error(lack), { name: "Unsupported" });
}

/** What a worker tells the page when it cannot go on. @param {unknown} error */
export function failure(error) {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { type: "failed", code: name === "Unsupported" ? name : "ThreadFailed", message };
}
