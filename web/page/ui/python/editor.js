/**
 * The input: several lines of Python, with history and completion, all by keyboard.
 *
 * Invariants: Tab is taken for completion only where there is something to complete or to indent, and never right after Escape, so
 * that nobody is caught in here; nothing runs but by a key or button of the person.
 */

import { words } from "../../words.js";
import { h } from "../dom.js";

const INDENT = "    ";
const OFFERED_MAX = 50;

/** @typedef {{start: number, end: number, words: string[], at: number}} Offer `at`: which one is chosen */
/**
 * @typedef {object} EditorOptions
 * @property {import("./history.js").History} history
 * @property {(source: string) => void} run
 * @property {() => boolean} stop whether there was something to stop
 * @property {(source: string) => Promise<{state: string, indent: string}>} check
 * @property {(source: string, at: number) => Promise<{start: number, words: string[]}>} complete
 * @property {(text: string) => void} say
 */

export class Editor {
  #options;
  #list = h("ul", {
    id: "python-completions",
    class: "python-completions",
    role: "listbox",
    "aria-label": words.python.completions,
    hidden: true,
  });
  /** @type {Offer | null} */ #offer = null;
  #mayLeave = false;
  #asked = 0;

  /** @param {EditorOptions} options */
  constructor(options) {
    this.#options = options;
    this.input = h("textarea", {
      id: "python-input",
      rows: 1,
      spellcheck: "false",
      autocapitalize: "off",
      autocomplete: "off",
      "aria-label": words.python.input,
      "aria-autocomplete": "list",
      "aria-controls": this.#list.id,
      "aria-describedby": "python-keys",
      on: {
        keydown: (event) => void this.#onKey(event),
        input: () => this.#changed(),
        blur: () => this.#close(),
      },
    });
    this.element = h("div", { class: "python-editor" }, this.input, this.#list);
  }

  get value() {
    return this.input.value;
  }

  set value(text) {
    this.input.value = text;
    this.input.selectionStart = this.input.selectionEnd = text.length;
    this.#changed();
  }

  /** Run what stands here. */
  submit() {
    const source = this.value;
    if (!source.trim()) return;
    this.#options.run(source);
  }

  /** @param {KeyboardEvent} event */
  async #onKey(event) {
    if (event.isComposing) return;
    const mayLeave = this.#mayLeave;
    this.#mayLeave = event.key === "Escape";
    if (this.#offer && this.#onListKey(event)) return;
    if (event.key === "Enter") await this.#onEnter(event);
    else if (event.key === "Tab" && !event.shiftKey && !mayLeave) await this.#onTab(event);
    else if (event.key === "ArrowUp" && this.#isOnLine("first"))
      this.#recall(event, this.#options.history.older(this.value));
    else if (event.key === "ArrowDown" && this.#isOnLine("last")) this.#recall(event, this.#options.history.newer());
    else if (event.key === "c" && event.ctrlKey && this.#hasNoSelection() && this.#options.stop())
      event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  async #onEnter(event) {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) {
      this.submit();
      return;
    }
    const { selectionStart, selectionEnd } = this.input;
    const isAtEnd = this.value.slice(selectionEnd).trim() === "";
    if (event.shiftKey || !isAtEnd) {
      this.#insert(`\n${/^[ \t]*/.exec(this.#lineBefore(selectionStart))?.[0] ?? ""}`);
      return;
    }
    const source = this.value;
    const { state, indent } = await this.#options.check(source.slice(0, selectionEnd));
    if (this.value !== source) return; // typed on meanwhile
    if (state === "incomplete") this.#insert(`\n${indent}`);
    else this.submit();
  }

  /** @param {KeyboardEvent} event */
  async #onTab(event) {
    const at = this.input.selectionStart;
    if (this.value === "") return;
    event.preventDefault();
    const line = this.#lineBefore(at);
    if (!line.trim()) {
      this.#insert(INDENT.slice(line.length % INDENT.length));
      return;
    }
    const source = this.value;
    const asked = ++this.#asked;
    const { start, words: found } = await this.#options.complete(source, at);
    if (asked !== this.#asked || this.value !== source) return;
    const common = commonStart(found);
    if (found.length === 1 || common.length > at - start) this.#put(start, at, common);
    if (found.length > 1) this.#show({ start, end: start + common.length, words: found.slice(0, OFFERED_MAX), at: 0 });
    this.#options.say(words.python.offered(found.length));
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether it was for the list */
  #onListKey(event) {
    const offer = /** @type {Offer} */ (this.#offer);
    const steps = /** @type {Record<string, number>} */ ({ ArrowDown: 1, ArrowUp: -1, Tab: event.shiftKey ? -1 : 1 });
    if (event.key in steps) {
      event.preventDefault();
      this.#select((offer.at + steps[event.key] + offer.words.length) % offer.words.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.#take(offer.at);
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.#mayLeave = false; // it closed the list
      this.#close();
    } else return false;
    return true;
  }

  /** @param {Offer} offer */
  #show(offer) {
    this.#offer = offer;
    this.#list.replaceChildren(
      ...offer.words.map((word, index) =>
        h(
          "li",
          {
            id: `python-completion-${index}`,
            role: "option",
            "aria-selected": "false",
            // before the input loses the focus
            on: {
              pointerdown: (event) => {
                event.preventDefault();
                this.#take(index);
              },
            },
          },
          word.slice(word.lastIndexOf(".") + 1),
        ),
      ),
    );
    this.#list.hidden = false;
    this.#select(0);
    this.input.scrollIntoView({ block: "nearest" });
  }

  /** @param {number} at */
  #select(at) {
    if (!this.#offer) return;
    this.#list.children[this.#offer.at]?.setAttribute("aria-selected", "false");
    this.#offer.at = at;
    const option = this.#list.children[at];
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option.id);
  }

  /** @param {number} at */
  #take(at) {
    const offer = this.#offer;
    if (!offer) return;
    this.#put(offer.start, offer.end, offer.words[at]);
  }

  #close() {
    this.#asked++;
    if (!this.#offer) return;
    this.#offer = null;
    this.#options.say("");
    this.#list.hidden = true;
    this.#list.replaceChildren();
    this.input.removeAttribute("aria-activedescendant");
  }

  /** @param {KeyboardEvent} event @param {string | null} source */
  #recall(event, source) {
    if (source === null) return;
    event.preventDefault();
    this.value = source;
  }

  /** @param {"first" | "last"} which */
  #isOnLine(which) {
    if (!this.#hasNoSelection()) return false;
    const { value, selectionStart: at } = this.input;
    return which === "first" ? !value.slice(0, at).includes("\n") : !value.slice(at).includes("\n");
  }

  #hasNoSelection() {
    return this.input.selectionStart === this.input.selectionEnd;
  }

  /** @param {number} at */
  #lineBefore(at) {
    return this.value.slice(this.value.lastIndexOf("\n", at - 1) + 1, at);
  }

  /** @param {string} text */
  #insert(text) {
    this.#put(this.input.selectionStart, this.input.selectionEnd, text);
  }

  /** @param {number} start @param {number} end @param {string} text */
  #put(start, end, text) {
    this.input.setRangeText(text, start, end, "end");
    this.#changed();
  }

  #changed() {
    this.#close();
    this.input.rows = Math.min(this.value.split("\n").length, 16);
  }
}

/** @param {string[]} found */
export function commonStart(found) {
  let common = found[0] ?? "";
  for (const word of found) while (!word.startsWith(common)) common = common.slice(0, -1);
  return common;
}
