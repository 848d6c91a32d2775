/**
 * The views of the page, one open at a time, and the navigation that leads to them.
 *
 * Nouns: a *view* is a `section.view` with the id `view-NAME`; a *lazy* one has a module, which is imported when the view is opened
 * first and is told `shown()` and `hidden()` from then on.
 * Invariants: the address says which view is open (`#/mesh`; nothing says Files) and Back leads to the one before; a hash that is
 * not ours is left alone, so a link never becomes a view; a module that does not load leaves the view closed and says so.
 */

import { Emitter } from "../emitter.js";
import { words } from "../words.js";
import { need } from "./dom.js";

const FIRST = "files";
const PREFIX = "#/";

/** @typedef {keyof typeof words.views} Name */
/** @typedef {{shown?: () => void, hidden?: () => void}} View */
/** @typedef {(root: HTMLElement) => Promise<View>} Loader */

export class Views {
  #events = new Emitter();
  /** @type {Map<string, HTMLElement>} */ #sections = new Map();
  /** @type {Map<string, Promise<View>>} */ #loaded = new Map();
  #loaders;
  #fail;
  #current = FIRST;
  #wanted = FIRST;

  /** @param {Record<string, Loader>} loaders of lazy views @param {(error: unknown) => void} fail */
  constructor(loaders, fail) {
    this.#loaders = loaders;
    this.#fail = fail;
    for (const section of document.querySelectorAll("main > .view"))
      if (section instanceof HTMLElement) this.#sections.set(section.id.slice("view-".length), section);
    addEventListener("hashchange", () => this.#follow(true));
    document.querySelector(".skip")?.addEventListener("click", (event) => {
      event.preventDefault(); // its hash would stand where the view's does
      this.#focus();
    });
  }

  /** Open the view in the address: at first, and when the address was changed by hand of a script. */
  follow() {
    this.#follow(false);
  }

  current() {
    return this.#current;
  }

  /** @param {string} name */
  open(name) {
    if (!this.#sections.has(name) || name === this.#wanted) return;
    if (hashOf(name) !== location.hash) history.pushState(null, "", addressOf(name));
    void this.#show(name, true);
  }

  /** @param {"open"} event @param {(name: string) => void} listener @returns {() => void} stops listening */
  on(event, listener) {
    return this.#events.on(event, listener);
  }

  /** @param {boolean} byHand whether the keyboard's place follows */
  #follow(byHand) {
    if (location.hash !== "" && !location.hash.startsWith(PREFIX)) return;
    const asked = location.hash.slice(PREFIX.length);
    const name = this.#sections.has(asked) ? asked : FIRST;
    if (hashOf(name) !== location.hash) history.replaceState(null, "", addressOf(name));
    if (name !== this.#wanted) void this.#show(name, byHand);
    else if (name === this.#current) this.#mark();
  }

  /** @param {string} name @param {boolean} byHand */
  async #show(name, byHand) {
    this.#wanted = name;
    const section = /** @type {HTMLElement} */ (this.#sections.get(name));
    const loader = this.#loaders[name];
    if (loader && !this.#loaded.has(name)) this.#loaded.set(name, loader(section));
    /** @type {View | undefined} */
    let view;
    try {
      view = await this.#loaded.get(name);
    } catch (error) {
      this.#loaded.delete(name); // it may load the next time
      this.#fail(error);
      if (this.#wanted !== name) return;
      this.#wanted = this.#current;
      this.#mark();
      history.replaceState(null, "", addressOf(this.#current)); // the link to it works once more
      return;
    }
    if (this.#wanted !== name || this.#current === name) return; // somebody went on meanwhile
    const before = this.#current;
    this.#current = name;
    for (const [each, { hidden }] of this.#sections) if (hidden !== (each !== name)) this.#toggle(each, each !== name);
    (await this.#loaded.get(before))?.hidden?.();
    document.title = name === FIRST ? words.title : `${words.title} · ${words.views[/** @type {Name} */ (name)]}`;
    for (const link of document.querySelectorAll(".nav > [data-view]")) {
      if (link instanceof HTMLElement && link.dataset.view === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    this.#mark();
    scrollTo(0, 0);
    view?.shown?.();
    this.#events.emit("open", name);
    if (byHand) this.#focus();
  }

  /** For the style sheet; until now early.js has guessed it from the address, which may name no view, or one that does not load. */
  #mark() {
    document.documentElement.dataset.view = this.#current;
  }

  /** @param {string} name @param {boolean} isHidden */
  #toggle(name, isHidden) {
    const section = this.#sections.get(name);
    if (section) section.hidden = isHidden;
  }

  /** The keyboard goes on at the view's heading. */
  #focus() {
    const heading = this.#sections.get(this.#current)?.querySelector("[tabindex='-1']") ?? need("main", HTMLElement);
    if (heading instanceof HTMLElement) heading.focus({ preventScroll: true });
  }
}

/** @param {string} name */
function hashOf(name) {
  return name === FIRST ? "" : PREFIX + name;
}

/** @param {string} name */
function addressOf(name) {
  return location.pathname + location.search + hashOf(name);
}
