/**
 * One quiet sentence about what just happened, seen and heard: "New version of report.txt · the older one is kept".
 *
 * Invariant: it stands until the next one, or `SHOWN_MS`; what it says can also be seen in the list, so nothing is lost with it.
 */

import { need, setText } from "./dom.js";

const SHOWN_MS = 20_000;

export class Note {
  #place = need("note", HTMLElement);
  #announcer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {import("./announce.js").Announcer} announcer */
  constructor(announcer) {
    this.#announcer = announcer;
  }

  /** @param {string} text */
  say(text) {
    clearTimeout(this.#timer);
    setText(this.#place, text);
    this.#place.hidden = false;
    this.#announcer.say(text);
    this.#timer = setTimeout(() => this.clear(), SHOWN_MS);
  }

  clear() {
    this.#place.hidden = true;
  }
}
