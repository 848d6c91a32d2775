/**
 * A passphrase's key: Argon2id in a worker of its own, and AES-GCM under what it gives, by WebCrypto.
 *
 * The worker is started for one stretch and ended after it: WebAssembly memory is never given back otherwise, and a stretch of
 * half a second must not hold the brain. One that stays silent is begun anew: browsers have been seen to lose a worker. Invariants: parameters come checked (`inos.vault.stretching`); the same bytes as
 * the host's adapter.
 */

const NONCE_BYTES = 12;
const STARTS_MAX = 3;
const START_TIMEOUT_MS = 8_000;
const WORKER_URL = new URL("../stretch/main.js", import.meta.url).href;

/** @returns {string} what Trusted Types lets a worker be made from: this one script */
function workerUrl() {
  const factory = /** @type {any} */ (globalThis).trustedTypes;
  const policy = factory?.createPolicy("inos-worker", { createScriptURL: () => WORKER_URL });
  return policy ? policy.createScriptURL("") : WORKER_URL;
}

export class Passphrase {
  #library;
  /** @type {string | null} */ #workerUrl = null;

  /** @param {string} base where `build/pyodide` is served from: the library lies beside it */
  constructor(base) {
    this.#library = new URL("../argon2.umd.min.js", new URL(base, self.location.href)).href;
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} passphrase @param {Uint8Array<ArrayBuffer>} salt
   * @param {Uint8Array<ArrayBuffer>} cost memory in KiB, passes, lanes @returns {Promise<Uint8Array>}
   */
  async stretch(passphrase, salt, cost) {
    const view = new DataView(cost.buffer, cost.byteOffset);
    const [memoryKib, passes, lanes] = [0, 4, 8].map((at) => view.getUint32(at, true));
    const ask = { library: this.#library, passphrase, salt, memoryKib, passes, lanes };
    for (let starts = 1; starts <= STARTS_MAX; starts++) {
      const key = await this.#once(ask);
      if (key) return key;
    }
    throw new Error("its worker did not start");
  }

  /** @param {object} ask @returns {Promise<Uint8Array | null>} null from a worker that stayed silent */
  async #once(ask) {
    this.#workerUrl ??= workerUrl();
    const worker = new Worker(this.#workerUrl, { type: "module", name: "stretch" });
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        timer = setTimeout(resolve, START_TIMEOUT_MS, null);
        worker.onmessage = ({ data }) => {
          clearTimeout(timer);
          if (data.started) worker.postMessage(ask);
          else if (data.key) resolve(data.key);
          else reject(new Error(data.error));
        };
        worker.onerror = (event) => reject(new Error(event.message || "its worker failed"));
      });
    } finally {
      clearTimeout(timer);
      worker.terminate();
    }
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} key @param {Uint8Array<ArrayBuffer>} iv @param {Uint8Array<ArrayBuffer>} plain
   * @param {Uint8Array<ArrayBuffer>} aad
   */
  async wrapWith(key, iv, plain, aad) {
    const algorithm = { name: "AES-GCM", iv, additionalData: aad };
    const sealed = await crypto.subtle.encrypt(algorithm, await imported(key, "encrypt"), plain);
    const out = new Uint8Array(NONCE_BYTES + sealed.byteLength);
    out.set(iv);
    out.set(new Uint8Array(sealed), NONCE_BYTES);
    return out;
  }

  /** @param {Uint8Array<ArrayBuffer>} key @param {Uint8Array<ArrayBuffer>} wrapped @param {Uint8Array<ArrayBuffer>} aad */
  async unwrapWith(key, wrapped, aad) {
    const algorithm = { name: "AES-GCM", iv: wrapped.subarray(0, NONCE_BYTES), additionalData: aad };
    const sealed = wrapped.subarray(NONCE_BYTES);
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, await imported(key, "decrypt"), sealed));
  }
}

/** @param {Uint8Array<ArrayBuffer>} key @param {"encrypt" | "decrypt"} use */
function imported(key, use) {
  return crypto.subtle.importKey("raw", key, "AES-GCM", false, [use]);
}
