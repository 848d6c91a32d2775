/**
 * Why Python did not start, in words that the page can show.
 *
 * Codes are stable: `unsupported` (the browser lacks something), `offline` (nothing answered), `missing-asset` (answered, but
 * without the file), `corrupt-asset` (a file that does not belong to this build), `out-of-memory`, `python-failed` (the rest).
 */

/** @typedef {"unsupported" | "offline" | "missing-asset" | "corrupt-asset" | "out-of-memory" | "python-failed"} BootErrorCode */

/** @type {Record<BootErrorCode, string>} */
const ADVICE = {
  unsupported: "Use a current Firefox, Chrome, Edge or Safari.",
  offline: "Check that the server is running and reachable, then reload this page.",
  "missing-asset": "Run the set-up on the server again, then reload this page.",
  "corrupt-asset": "Reload this page; if that does not help, run the set-up on the server again.",
  "out-of-memory": "Close other tabs, then reload this page.",
  "python-failed": "Reload this page; if it happens again, please report the words above.",
};

export class BootError extends Error {
  name = "BootError";

  /**
   * @param {BootErrorCode} code
   * @param {string} message what happened, without the advice
   * @param {unknown} [cause]
   */
  constructor(code, message, cause) {
    super(`${message} ${ADVICE[code]}`, { cause });
    this.code = code;
    /** The message alone, for reports. */
    this.what = message;
  }
}

/**
 * @param {unknown} error anything that a start threw
 * @returns {BootError}
 */
export function asBootError(error) {
  if (error instanceof BootError) return error;
  const text = error instanceof Error ? error.message : String(error);
  // Chromium and Firefox word a failed WebAssembly.Memory differently; both throw RangeError or say "out of memory".
  if (/out of memory|cannot allocate|could not allocate|allocation failed/i.test(text)) {
    return new BootError("out-of-memory", "There is not enough memory to start Python.", error);
  }
  return new BootError("python-failed", `Python could not start (${text.trim().split("\n").at(-1)}).`, error);
}
