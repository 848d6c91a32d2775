/**
 * A guess at how hard a passphrase is to guess, for a hint in words. Pure; it refuses nothing.
 */

const FAIR_BITS = 45;
const STRONG_BITS = 80;
const KINDS = /** @type {const} */ ([
  [/[a-z]/, 26],
  [/[A-Z]/, 26],
  [/[0-9]/, 10],
  [/[^a-zA-Z0-9]/, 33],
]);

/** @param {string} passphrase @returns {"none" | "weak" | "fair" | "strong"} */
export function strengthOf(passphrase) {
  if (passphrase === "") return "none";
  const alphabet = KINDS.reduce((sum, [kind, size]) => sum + (kind.test(passphrase) ? size : 0), 0);
  const points = [...passphrase];
  // "aaaaaaaa" and "12121212" are as short as what they repeat
  const length = Math.min(points.length, 3 * new Set(points).size);
  const bits = length * Math.log2(alphabet);
  return bits < FAIR_BITS ? "weak" : bits < STRONG_BITS ? "fair" : "strong";
}
