/**
 * The log: what was run and what came of it, oldest first, bounded.
 *
 * Nouns: an *entry* is one source with its output. Invariant: late output of a background task lands in its own entry, or nowhere once
 * that entry is gone.
 */

import { words } from "../../words.js";
import { h } from "../dom.js";
import { errorOf, imageOf, TextBlock, tableOf } from "./output.js";

const ENTRIES_MAX = 100;
const PIECES_MAX = 500;

export class Entry {
  /** @type {TextBlock | null} */ #open = null;
  #output = h("div", { class: "python-output" });
  #pieces = 0;

  /** @param {string} source @param {"node" | "scratch"} place */
  constructor(source, place) {
    this.element = h(
      "div",
      { class: "python-entry", data: { run: "running", place } },
      h("pre", { class: "python-source" }, h("code", null, source)),
      this.#output,
    );
  }

  /** @param {import("./session.js").Piece} piece */
  add(piece) {
    if (piece.type === "out") this.#text(piece.stream, piece.text);
    else if (piece.shape === "text") this.#text("value", piece.text);
    else if (piece.shape === "table") this.#append(tableOf(/** @type {any} */ (piece)));
    else if (piece.shape === "image" && piece.bytes) this.#append(imageOf(piece.bytes, piece.mediaType));
  }

  /** @param {import("./session.js").Ended} ended */
  end({ how, error }) {
    this.element.dataset.run = how;
    if (error) this.#output.append(errorOf(error, this.element.dataset.place === "node")); // also after PIECES_MAX
    const note = {
      stopped: words.python.stopped,
      held: words.python.held,
      gone: this.element.dataset.place === "node" ? words.python.nodeGone : words.python.gone,
    }[/** @type {string} */ (how)];
    if (note) this.note(note);
  }

  /** @param {string} text */
  note(text) {
    this.#open = null;
    this.#output.append(h("p", { class: "quiet-text python-note" }, text));
  }

  /** @param {string} kind @param {string} text */
  #text(kind, text) {
    if (kind === "cut") {
      this.note(words.python.cut);
      return;
    }
    if (this.#open?.kind !== kind) {
      const block = new TextBlock(kind);
      this.#append(block.element);
      this.#open = block;
    }
    this.#open?.add(text);
    if (kind === "value") this.#open = null; // each value is a piece of its own
  }

  /** @param {HTMLElement} piece */
  #append(piece) {
    this.#open = null;
    if (++this.#pieces <= PIECES_MAX) this.#output.append(piece);
  }
}

export class OutputLog {
  /** @param {() => void} onChange */
  constructor(onChange) {
    this.element = h("div", {
      id: "python-log",
      class: "python-log",
      role: "log",
      "aria-label": words.python.log,
      tabindex: "0",
    });
    this.#onChange = onChange;
  }
  #onChange;

  /** @param {string} source @param {"node" | "scratch"} place */
  begin(source, place) {
    const entry = new Entry(source, place);
    this.element.append(entry.element);
    while (this.element.childElementCount > ENTRIES_MAX) this.element.firstElementChild?.remove();
    this.#onChange();
    this.element.scrollTop = this.element.scrollHeight;
    return entry;
  }

  /** What still runs keeps its place. */
  clear() {
    for (const entry of [...this.element.children])
      if (/** @type {HTMLElement} */ (entry).dataset.run !== "running") entry.remove();
    this.#onChange();
  }

  get isEmpty() {
    return this.element.childElementCount === 0;
  }

  /** The newest line is seen, unless the person looks at older ones. @param {() => void} change */
  following(change) {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    const follows = scrollHeight - scrollTop - clientHeight < 48;
    change();
    if (follows) this.element.scrollTop = this.element.scrollHeight;
  }
}
