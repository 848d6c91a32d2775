/** What a browser lacks is found at once and named by the right code. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { findRefusal } from "../../web/page/requirements.js";
import { explain, words } from "../../web/page/words.js";

const HEADERS = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

/** A browser with everything, but for what is given. @param {object} [but] @param {object} [navigator] */
const browser = (but = {}, navigator = {}) => ({
  isSecureContext: true,
  crossOriginIsolated: true,
  SharedArrayBuffer,
  WebAssembly,
  Worker: class {},
  RTCPeerConnection: class {},
  indexedDB: {},
  location: { href: "https://inos.example/" },
  navigator: { storage: { getDirectory: async () => ({}) }, locks: {}, ...navigator },
  crypto: { subtle: { generateKey: async () => ({}) } },
  fetch: async () => ({ headers: new Headers(HEADERS) }),
  ...but,
});
const denied = async () => {
  throw new DOMException("no", "SecurityError");
};
const throwing = () => {
  throw new DOMException("no", "SecurityError");
};
const silent = { fetch: async () => ({ headers: new Headers() }) };
const notIsolated = { crossOriginIsolated: false, SharedArrayBuffer: undefined };

const CASES = /** @type {const} */ ([
  ["everything", browser(), null],
  ["http", browser({ isSecureContext: false, crypto: {} }), { code: "NotSecure", lacks: [] }],
  ["no headers", browser({ ...notIsolated, ...silent }), { code: "NotIsolated", lacks: [] }],
  ["no network for the question", browser({ ...notIsolated, fetch: denied }), { code: "NotIsolated", lacks: [] }],
  ["headers in vain", browser(notIsolated), { code: "Unsupported", lacks: ["isolation", "sharedMemory"] }],
  ["no WebRTC alone", browser({ RTCPeerConnection: undefined }), { code: "WebRtcOff", lacks: ["webrtc"] }],
  [
    "a private window",
    browser({}, { storage: { getDirectory: denied }, locks: {} }),
    { code: "StorageDenied", lacks: [] },
  ],
  [
    "WebKitGTK",
    browser({ ...notIsolated, RTCPeerConnection: undefined }, { storage: {} }),
    { code: "Unsupported", lacks: ["storage", "webrtc", "isolation", "sharedMemory"] },
  ],
  [
    "a getter that throws",
    Object.defineProperty(browser(), "indexedDB", { get: throwing }),
    { code: "Unsupported", lacks: ["database"] },
  ],
  [
    "no Ed25519",
    browser({ crypto: { subtle: { generateKey: denied } } }),
    { code: "Unsupported", lacks: ["signatures"] },
  ],
]);

for (const [what, world, expected] of CASES) {
  test(`a browser with ${what}`, async () => {
    assert.deepEqual(await findRefusal(world), expected);
    if (!expected) return;
    assert.ok(explain(expected).known);
    for (const part of expected.lacks) assert.ok(words.refusal.parts[part], part);
  });
}
