/**
 * What the page reads and changes in session descriptions: fingerprints, sizes, and nothing else.
 *
 * Invariants: a description from outside is one data-channel section and at most SIGNAL_BYTES_MAX long, or it is
 * refused before the browser sees it; a fingerprint is 32 bytes of SHA-256, and two different ones are none.
 */

import { SIGNAL_BYTES_MAX } from "../shared/layout.gen.js";

/** The longest message we take; Chromium refuses to send longer ones, and Firefox would offer 1 GiB. */
export const MESSAGE_BYTES_MAX = 262_144;

const FINGERPRINT = /^a=fingerprint:(\S+) (\S+)$/i;
const FINGERPRINT_BYTES = 32;

/**
 * Offer to take messages of MESSAGE_BYTES_MAX.
 * @param {string} sdp our own
 */
export function withMessageLimit(sdp) {
  const line = `a=max-message-size:${MESSAGE_BYTES_MAX}\r\n`;
  const found = /^a=max-message-size:\d+\r?\n/m;
  return found.test(sdp) ? sdp.replace(found, line) : `${sdp}${line}`;
}

/**
 * A description that gives no address to try.
 * @param {string} sdp
 */
export function withoutCandidates(sdp) {
  return sdp.replace(/^a=(candidate:.*|end-of-candidates)\r?\n/gm, "");
}

/**
 * Whether a description from a peer is one that we would make: a single section, for data.
 * @param {unknown} sdp
 * @returns {sdp is string}
 */
export function isAcceptable(sdp) {
  if (typeof sdp !== "string" || sdp.length > SIGNAL_BYTES_MAX) return false;
  const sections = sdp.match(/^m=.*$/gm) ?? [];
  return sections.length === 1 && /^m=application \d+ UDP\/DTLS\/SCTP webrtc-datachannel\r?$/.test(sections[0] ?? "");
}

/**
 * "AB:CD:..." to bytes.
 * @param {string | undefined} text
 * @returns {Uint8Array<ArrayBuffer> | null} null when it is not 32 bytes
 */
export function parseFingerprint(text) {
  if (text === undefined || !/^[0-9a-f]{2}(:[0-9a-f]{2}){31}$/i.test(text)) return null;
  return Uint8Array.from(text.split(":"), (byte) => Number.parseInt(byte, 16));
}

/**
 * The SHA-256 fingerprint of a description.
 * @param {string} sdp
 * @returns {Uint8Array<ArrayBuffer> | null} null when there is none, or more than one
 */
export function fingerprintOf(sdp) {
  const found = new Set();
  for (const line of sdp.split(/\r?\n/)) {
    const match = FINGERPRINT.exec(line);
    if (match === null) continue;
    if (match[1]?.toLowerCase() !== "sha-256") return null;
    found.add(match[2]?.toLowerCase());
  }
  if (found.size !== 1) return null;
  const bytes = parseFingerprint([...found][0]);
  return bytes?.length === FINGERPRINT_BYTES ? bytes : null;
}
