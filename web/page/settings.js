/**
 * What a person has set in this browser, and what the page remembers of itself. Nothing secret, nothing of the vault.
 *
 * Nouns: a *key* is one of `DEFAULTS`; a value has the type of its default and passes its rule, else it is as at first.
 * Invariants: kept as one JSON under `inos.settings`, at most `TEXT_CHARACTERS_MAX` for each text; without storage it holds for
 * this visit; another tab's change is told as one's own.
 */

import { Emitter } from "./emitter.js";

const PLACE = "inos.settings";
const TEXT_CHARACTERS_MAX = 4096;
const MEMORY_MIB_MAX = 4096;
const MUSCLES_MAX = 64;

export const DEFAULTS = {
  /** @type {"system" | "light" | "dark"} */
  appearance: "system",
  memoryMiB: 0, // 0: by itself
  muscles: 0, // 0: by itself
  iceServers: "", // one a line, as networks.js reads them
  rendezvous: "",
  shortcuts: true, // single keys, keys.js
  tourSeen: false,
  pythonIndexAllowed: "", // the address of the one that a scratch worker may use, if this server offers it
  hadFiles: false, // the list was not empty: early.js leaves room for it
};

/** @typedef {typeof DEFAULTS} Kept */
/** @typedef {keyof Kept} Key */

/** @type {{[K in Key]?: (value: any) => boolean}} */
const RULES = {
  appearance: (value) => ["system", "light", "dark"].includes(value),
  memoryMiB: (value) => isCount(value, MEMORY_MIB_MAX),
  muscles: (value) => isCount(value, MUSCLES_MAX),
};

/** @param {number} value @param {number} max */
function isCount(value, max) {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

/** @param {Key} key @param {unknown} value */
function isGood(key, value) {
  if (typeof value !== typeof DEFAULTS[key]) return false;
  if (typeof value === "string" && value.length > TEXT_CHARACTERS_MAX) return false;
  return RULES[key]?.(value) ?? true;
}

export class Settings {
  #events = new Emitter();
  #storage;
  /** @type {Kept} */ #kept;

  /** @param {Pick<Storage, "getItem" | "setItem"> | null} storage  null: there is none */
  constructor(storage) {
    this.#storage = storage;
    this.#kept = this.#read();
  }

  /** @template {Key} K @param {K} key @returns {Kept[K]} */
  get(key) {
    return this.#kept[key];
  }

  /** A value that the key's rule refuses is a TypeError. @template {Key} K @param {K} key @param {Kept[K]} value */
  set(key, value) {
    if (!Object.hasOwn(DEFAULTS, key) || !isGood(key, value)) throw new TypeError(`not a value of ${key}`);
    if (this.#kept[key] === value) return;
    this.#kept = { ...this.#read(), [key]: value }; // another tab may have set another key
    try {
      this.#storage?.setItem(PLACE, JSON.stringify(this.#kept));
    } catch {
      // full or forbidden: it holds for this visit
    }
    this.#events.emit(key, value);
  }

  /** @template {Key} K @param {K} key @param {(value: Kept[K]) => void} listener @returns {() => void} stops listening */
  on(key, listener) {
    return this.#events.on(key, listener);
  }

  /** Another tab has set something. */
  readAgain() {
    const before = this.#kept;
    this.#kept = this.#read();
    for (const key of /** @type {Key[]} */ (Object.keys(DEFAULTS)))
      if (before[key] !== this.#kept[key]) this.#events.emit(key, this.#kept[key]);
  }

  /** @returns {Kept} what is kept and good, the rest as at first (or, without storage, as it was set in this visit) */
  #read() {
    /** @type {any} */
    let found;
    try {
      found = JSON.parse(this.#storage?.getItem(PLACE) ?? "null");
    } catch {
      found = null; // somebody else's text, or no access
    }
    if (typeof found !== "object" || found === null) return this.#kept ?? { ...DEFAULTS };
    const good = Object.entries(DEFAULTS).map(([key, value]) => {
      const kept = Object.hasOwn(found, key) ? found[key] : value;
      return [key, isGood(/** @type {Key} */ (key), kept) ? kept : value];
    });
    return Object.fromEntries(good);
  }
}

/** @returns {Storage | null} */
export function storageOfPage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null; // the browser forbids it
  }
}

export const settings = new Settings(storageOfPage());
globalThis.addEventListener?.("storage", ({ key }) => {
  if (key === PLACE || key === null) settings.readAgain();
});
