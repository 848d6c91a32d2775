/**
 * What was typed before: kept in this browser, bounded, and never run by itself.
 *
 * Nouns: the *draft* is what stands in the input while one goes back through the history.
 * Invariants: damage or refusal of the storage costs the history and nothing else; a source that holds a link or speaks of a passphrase
 * lasts as long as the page, since the storage is in the clear.
 */

const KEY = "inos.python.history";
const SECRET = /#inos|passphrase/i;
export const ENTRIES_MAX = 200;
export const CHARS_MAX = 100_000;

export class History {
  #storage;
  /** @type {string[]} oldest first */ #entries;
  #at;
  #draft = "";

  /** @param {Pick<Storage, "getItem" | "setItem"> | null} storage  null: the browser forbids it */
  constructor(storage) {
    this.#storage = storage;
    this.#entries = read(storage);
    this.#at = this.#entries.length;
  }

  /** @param {string} source */
  add(source) {
    if (source.trim() && source !== this.#entries.at(-1)) this.#entries.push(source);
    this.#entries = bounded(this.#entries);
    this.#at = this.#entries.length;
    try {
      this.#storage?.setItem(KEY, JSON.stringify(this.#entries.filter((entry) => !SECRET.test(entry))));
    } catch {
      // full or forbidden: it lasts as long as the page
    }
  }

  /** @param {string} current what stands in the input @returns {string | null} */
  older(current) {
    if (this.#at === this.#entries.length) this.#draft = current;
    if (this.#at === 0) return null;
    return this.#entries[--this.#at];
  }

  /** @returns {string | null} */
  newer() {
    if (this.#at >= this.#entries.length) return null;
    return ++this.#at === this.#entries.length ? this.#draft : this.#entries[this.#at];
  }
}

/** @param {string[]} entries the latest of them */
function bounded(entries) {
  const kept = entries.slice(-ENTRIES_MAX);
  let chars = kept.reduce((sum, entry) => sum + entry.length, 0);
  while (chars > CHARS_MAX) chars -= /** @type {string} */ (kept.shift()).length;
  return kept;
}

/** @param {Pick<Storage, "getItem"> | null} storage @returns {string[]} */
function read(storage) {
  try {
    const entries = JSON.parse(storage?.getItem(KEY) ?? "[]");
    return Array.isArray(entries) ? bounded(entries.filter((entry) => typeof entry === "string")) : [];
  } catch {
    return [];
  }
}
