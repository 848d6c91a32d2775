/** Words about what a browser, an address or a device denies. */

export const lanWords = {
  /** @param {string[]} what */
  lacks: (what) => `Missing here: ${what.join(", ")}.`,
  /** What `requirements.js` looks for. @type {Record<string, string>} */
  parts: {
    secure: "a secure address",
    isolation: "isolation of this page",
    workers: "workers",
    sharedMemory: "shared memory",
    wasm: "WebAssembly",
    storage: "private files (OPFS)",
    database: "IndexedDB",
    locks: "Web Locks",
    webrtc: "WebRTC",
    signatures: "Ed25519 signatures",
  },
  errors: {
    NotSecure: {
      title: "This address is not secure enough for the browser",
      todo:
        "Open it with https:// instead of http://, or at http://127.0.0.1 on the computer that serves it. " +
        "That computer serves other devices after npm start -- --lan.",
    },
    WebRtcOff: {
      title: "WebRTC is switched off in this browser",
      todo: "Allow it in the browser's settings, or in the extension that blocks it, then reload.",
      action: /** @type {const} */ ("reload"),
    },
    DownloadTooLarge: {
      title: "This file is too large to be saved here",
      todo:
        "The browser does not trust this address's certificate, so files cannot be streamed to the disk. " +
        "Import the certificate as the server says when it starts, then reload.",
      action: /** @type {const} */ ("reload"),
    },
  },
};
