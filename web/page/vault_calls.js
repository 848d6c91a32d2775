/**
 * The node's calls about the vault as a whole: what is in it, links, checks, tidiness, the browser's storage.
 *
 * Nouns: as in `file_calls.js`; a *revocable link* leads through a name that its giver can withdraw.
 */

import { FileCalls } from "./file_calls.js";

/** @typedef {import("./file_calls.js").Line} Line */
/** @typedef {import("./file_calls.js").Options} Options */
/** @typedef {import("./ui/types.js").FileEntry} FileEntry */
/** @typedef {import("./ui/types.js").CheckResult} CheckResult */
/** @typedef {import("./ui/types.js").RepairResult} RepairResult */
/** @typedef {import("./ui/types.js").TidyState} TidyState */

export class VaultCalls extends FileCalls {
  /** @type {() => Line} */ #line;

  /** @internal @param {() => Line} line @param {(path: string) => string} scriptUrl */
  constructor(line, scriptUrl) {
    super(line, scriptUrl);
    this.#line = line;
  }

  /** @param {string} method @param {object} [args] */
  #call(method, args) {
    return this.#line().call(method, args);
  }

  /** What the vault holds, the latest first. @returns {Promise<FileEntry[]>} */
  async list() {
    return this.#call("list");
  }

  /** A link to this page that opens a file or folder; it holds for good. @param {string} root @returns {Promise<string>} */
  async share(root) {
    return pageUrl(await this.#call("share", { root }));
  }

  /** A link that can be withdrawn. @param {string} root @returns {Promise<{link: string, id: string}>} */
  async shareRevocable(root) {
    const { link, id } = await this.#call("share_revocable", { root });
    return { link: pageUrl(link), id };
  }

  /** The revocable links of a root that were not withdrawn. @param {string} root */
  async links(root) {
    /** @type {{id: string, link: string, timeMs: number}[]} */
    const links = await this.#call("links", { root });
    return links.map((made) => ({ ...made, link: pageUrl(made.link) }));
  }

  /** Withdraw a revocable link: who opens it from now on is told so. @param {string} id */
  async revoke(id) {
    await this.#call("revoke", { id });
  }

  /** Look whether all is there: lists of blocks, hashes of blocks, or every byte. Changes nothing.
   * @param {"quick" | "hash" | "data"} [level] @param {Options} [options] @returns {Promise<CheckResult>} */
  async check(level = "quick", options = {}) {
    return this.#line().operation("check", { level }, options);
  }

  /** Get back what a check found lost, from other copies on the disk or from peers.
   * @param {Options} [options] @returns {Promise<RepairResult>} */
  async repair(options = {}) {
    return this.#line().operation("repair", {}, options);
  }

  /** Whether the vault tidies itself up while nobody needs it. @param {{paused: boolean}} options @returns {Promise<TidyState>} */
  async housekeeping({ paused }) {
    return this.#call("housekeeping", { paused });
  }

  /** Tidy up now: a short log, no dead space, chunks sealed smaller, every block checked. @returns {Promise<TidyState>} */
  async tidy() {
    return this.#call("tidy");
  }

  /** Ask the browser never to clear this storage by itself; whether it agreed. @returns {Promise<boolean>} */
  async persist() {
    return navigator.storage.persist();
  }
}

/** @param {string} fragment */
const pageUrl = (fragment) => `${location.origin}${location.pathname}${fragment}`;
