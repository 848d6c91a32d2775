/**
 * The results kept in this browser, so that they are still there after a reload.
 *
 * Nouns: an *entry* is a row's result with when, how and on what it was measured.
 * Invariants: what cannot be read back is as if it had never been kept; a row that could not be measured never replaces a
 * figure; a browser that keeps nothing (storage denied, full) costs the memory of results, not the results.
 */

/** @typedef {import("../../bench/result.js").RowResult} RowResult */
/** @typedef {{result: RowResult, timeMs: number, quick: boolean, machine: string}} Entry */

const KEY = "inos-bench";
const VERSION = 1;

export class Results {
  #storage;
  /** @type {Map<string, Entry>} */
  #entries;

  /** @param {Pick<Storage, "getItem" | "setItem" | "removeItem"> | null} storage */
  constructor(storage) {
    this.#storage = storage;
    this.#entries = new Map(this.#read());
  }

  /** @param {string} id */
  get(id) {
    return this.#entries.get(id);
  }

  /** @param {string[]} order ids @returns {Entry[]} those that have a figure */
  measured(order) {
    return order.flatMap((id) => this.#entries.get(id) ?? []).filter(({ result }) => result.value !== null);
  }

  /** @param {Entry} entry @returns {Entry} what stands for the row now */
  add(entry) {
    const { id } = entry.result;
    const kept = this.#entries.get(id);
    if (kept && kept.result.value !== null && entry.result.value === null) return kept;
    this.#entries.set(id, entry);
    this.#write();
    return entry;
  }

  clear() {
    this.#entries.clear();
    this.#write();
  }

  /** @returns {[string, Entry][]} */
  #read() {
    try {
      const { version, entries } = JSON.parse(this.#storage?.getItem(KEY) ?? "{}");
      return version === VERSION && Array.isArray(entries) ? entries.filter(isEntry) : [];
    } catch {
      return [];
    }
  }

  #write() {
    try {
      if (this.#entries.size === 0) this.#storage?.removeItem(KEY);
      else this.#storage?.setItem(KEY, JSON.stringify({ version: VERSION, entries: [...this.#entries] }));
    } catch {
      // full or denied: they stay for as long as the page does
    }
  }
}

/** @param {any} pair @returns {pair is [string, Entry]} */
function isEntry(pair) {
  const result = pair?.[1]?.result;
  return (
    typeof result?.id === "string" &&
    (result.value === null || Number.isFinite(result.value)) &&
    typeof result.baselines === "object" &&
    typeof result.ratio === "object" &&
    Array.isArray(result.notes) &&
    Number.isFinite(pair[1].timeMs)
  );
}
