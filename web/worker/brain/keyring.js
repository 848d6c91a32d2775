/**
 * The device's keys: an Ed25519 identity and an AES-GCM key that wraps the vault secret, both non-extractable.
 *
 * They live in IndexedDB as CryptoKey objects. A new key is written with strict durability and read back before it is used
 * for the first time, since what it wraps could not be read again without it. The X25519 key of in-band signals is of this run
 * only: it is made when it is first asked for, which is after the snapshot was restored, and never kept.
 */

const DATABASE = "inos-keyring";
const STORE = "keys";
const NONCE_BYTES = 12;
const SIGNATURE_BYTES = 64;
/** RFC 8410: an Ed25519 seed follows. */
const PKCS8_ED25519 = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]);

/** @param {string} text base64url without padding */
const base64 = (text) => text.replaceAll("-", "+").replaceAll("_", "/");

/** @returns {Promise<IDBDatabase>} */
function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("the key store is blocked by another tab"));
  });
}

/** @param {IDBDatabase} database @param {string} name @returns {Promise<any>} */
function readKey(database, name) {
  return new Promise((resolve, reject) => {
    const request = database.transaction(STORE).objectStore(STORE).get(name);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBDatabase} database @param {string} name @param {unknown} value @returns {Promise<void>} */
function writeKey(database, name, value) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, "readwrite", { durability: "strict" });
    transaction.objectStore(STORE).add(value, name); // add, not put: never replace a key
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

export class Keyring {
  /** @type {Promise<IDBDatabase> | null} */ #database = null;
  /** @type {Map<string, Promise<any>>} */ #keys = new Map();
  /** @type {Promise<CryptoKeyPair> | null} */ #box = null;

  /** @param {string} name @param {() => Promise<unknown>} make @returns {Promise<any>} */
  #key(name, make) {
    let key = this.#keys.get(name);
    if (!key) {
      key = this.#load(name, make);
      key.catch(() => this.#keys.delete(name));
      this.#keys.set(name, key);
    }
    return key;
  }

  /** @param {string} name @param {() => Promise<unknown>} make */
  async #load(name, make) {
    this.#database ??= openDatabase();
    const database = await this.#database;
    const kept = await readKey(database, name);
    if (kept) return kept;
    const made = await make();
    await writeKey(database, name, made).catch((error) => {
      if (error?.name !== "ConstraintError") throw error; // another tab was first: use that one's key
    });
    const readBack = await readKey(database, name);
    if (!readBack) throw new Error("the key store lost a key it had just taken");
    return readBack;
  }

  #wrapping() {
    return this.#key("wrapping", () =>
      crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]),
    );
  }

  #identity() {
    return this.#key("identity", () => crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]));
  }

  /** @param {Uint8Array<ArrayBuffer>} plain @param {Uint8Array<ArrayBuffer>} aad */
  async wrap(plain, aad) {
    const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const sealed = await crypto.subtle.encrypt(
      { name: "AES-GCM", iv, additionalData: aad },
      await this.#wrapping(),
      plain,
    );
    const out = new Uint8Array(NONCE_BYTES + sealed.byteLength);
    out.set(iv);
    out.set(new Uint8Array(sealed), NONCE_BYTES);
    return out;
  }

  /** @param {Uint8Array<ArrayBuffer>} wrapped @param {Uint8Array<ArrayBuffer>} aad */
  async unwrap(wrapped, aad) {
    const iv = wrapped.subarray(0, NONCE_BYTES);
    const sealed = wrapped.subarray(NONCE_BYTES);
    const key = await this.#wrapping();
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: aad }, key, sealed));
  }

  /** @returns {Promise<CryptoKeyPair>} rejects where the browser has no X25519 (Chrome before 133, Firefox before 130) */
  #boxKey() {
    this.#box ??= /** @type {Promise<CryptoKeyPair>} */ (
      crypto.subtle.generateKey({ name: "X25519" }, false, ["deriveBits"])
    );
    return this.#box;
  }

  /** The public key of this run. */
  async boxKey() {
    return new Uint8Array(await crypto.subtle.exportKey("raw", (await this.#boxKey()).publicKey));
  }

  /** @param {Uint8Array<ArrayBuffer>} publicKey @returns {Promise<Uint8Array>} rejects for a point of low order */
  async agree(publicKey) {
    const theirs = await crypto.subtle.importKey("raw", publicKey, { name: "X25519" }, false, []);
    const algorithm = { name: "X25519", public: theirs };
    const shared = new Uint8Array(await crypto.subtle.deriveBits(algorithm, (await this.#boxKey()).privateKey, 256));
    // Browsers must refuse it themselves (RFC 7748, 6.1); one that did not would share a secret that everybody knows.
    if (shared.every((byte) => byte === 0)) throw new Error("a point of low order");
    return shared;
  }

  async publicKey() {
    return new Uint8Array(await crypto.subtle.exportKey("raw", (await this.#identity()).publicKey));
  }

  /** @param {Uint8Array<ArrayBuffer>} data */
  async sign(data) {
    return new Uint8Array(await crypto.subtle.sign({ name: "Ed25519" }, (await this.#identity()).privateKey, data));
  }

  /**
   * By the key of a seed, which is imported for this once: its public key, then the signature.
   * @param {Uint8Array<ArrayBuffer>} seed @param {Uint8Array<ArrayBuffer>} data
   */
  async signBy(seed, data) {
    const wrapped = new Uint8Array(PKCS8_ED25519.length + seed.length);
    wrapped.set(PKCS8_ED25519);
    wrapped.set(seed, PKCS8_ED25519.length);
    const key = await crypto.subtle.importKey("pkcs8", wrapped, { name: "Ed25519" }, true, ["sign"]);
    wrapped.fill(0);
    const { x } = await crypto.subtle.exportKey("jwk", key); // the one way to a private key's public half
    const publicKey = Uint8Array.from(atob(base64(/** @type {string} */ (x))), (c) => c.charCodeAt(0));
    const out = new Uint8Array(publicKey.length + SIGNATURE_BYTES);
    out.set(publicKey);
    out.set(new Uint8Array(await crypto.subtle.sign({ name: "Ed25519" }, key, data)), publicKey.length);
    return out;
  }

  /** @param {Uint8Array<ArrayBuffer>} publicKey @param {Uint8Array<ArrayBuffer>} signature @param {Uint8Array<ArrayBuffer>} data */
  async verify(publicKey, signature, data) {
    const key = await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
    const valid = await crypto.subtle.verify({ name: "Ed25519" }, key, signature, data);
    return new Uint8Array([valid ? 1 : 0]);
  }
}
