/**
 * Pieces of output as elements: text, tables, images, errors. Everything is a text node or a picture; nothing is markup.
 *
 * Invariants: long text and long tables are folded, and what is folded is bounded by what Python sends; control sequences of
 * terminals are left out.
 */

import { explain, words } from "../../words.js";
import { button, h } from "../dom.js";

const FOLD_LINES_MAX = 40;
const FOLD_CHARS_MAX = 8_000;
const FOLD_ROWS_MAX = 20;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const ESCAPES = /\u001b\[[0-9;?]*[A-Za-z]|[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g;

/** @param {string} text */
export function plain(text) {
  return text.replace(ESCAPES, "").replaceAll("\r\n", "\n");
}

/** Where to fold a text: the length of what is shown, or null for all of it. @param {string} text */
export function foldAt(text) {
  let at = -1;
  for (let line = 0; line < FOLD_LINES_MAX; line++) {
    at = text.indexOf("\n", at + 1);
    if (at === -1) break;
  }
  if (at !== -1 && at < text.length - 1) return Math.min(at, FOLD_CHARS_MAX);
  return text.length > FOLD_CHARS_MAX ? FOLD_CHARS_MAX : null;
}

/** Text that grows, for a stream. */
export class TextBlock {
  #text = "";
  #isOpen = false;
  #pre;
  #more;

  /** @param {string} kind stdout, stderr, value or error */
  constructor(kind) {
    this.kind = kind;
    this.#pre = h("pre", { class: `python-text ${kind}`, data: { output: kind } });
    this.#more = button({
      text: "",
      kind: "soft",
      action: "python-unfold",
      onClick: () => {
        this.#isOpen = true;
        this.#draw();
      },
    });
    this.element = h("div", { class: "python-piece" }, this.#pre, this.#more);
    this.#more.hidden = true;
  }

  /** @param {string} text */
  add(text) {
    this.#text += plain(text);
    this.#draw();
  }

  #draw() {
    const at = this.#isOpen ? null : foldAt(this.#text);
    this.#pre.textContent = at === null ? this.#text : this.#text.slice(0, at);
    this.#more.hidden = at === null;
    if (at !== null) this.#more.textContent = words.python.unfold(this.#text.slice(at).split("\n").length);
  }
}

/**
 * @param {{columns: string[], rows: string[][], total: number, numeric: number[]}} table
 * @returns {HTMLElement}
 */
export function tableOf({ columns, rows, total, numeric }) {
  const right = new Set(numeric);
  const row = (/** @type {string[]} */ cells) =>
    h("tr", null, ...cells.map((cell, index) => h("td", { class: right.has(index) ? "numbers" : "" }, plain(cell))));
  const body = h("tbody", null, ...rows.slice(0, FOLD_ROWS_MAX).map(row));
  const heads = columns.map((name, index) =>
    h("th", { scope: "col", class: right.has(index) ? "numbers" : "" }, plain(name)),
  );
  const note = h("p", { class: "quiet-text" }, words.python.rows(Math.min(rows.length, FOLD_ROWS_MAX), total));
  const more = button({
    text: words.python.allRows(rows.length),
    kind: "soft",
    action: "python-unfold",
    onClick: () => {
      body.append(...rows.slice(FOLD_ROWS_MAX).map(row));
      note.textContent = words.python.rows(rows.length, total);
      more.remove();
    },
  });
  return h(
    "div",
    { class: "python-piece", data: { output: "table" } },
    h(
      "div",
      { class: "python-scroll", tabindex: "0", role: "group", "aria-label": words.python.table },
      h("table", { class: "python-table" }, h("thead", null, h("tr", null, ...heads)), body),
    ),
    note,
    rows.length > FOLD_ROWS_MAX ? more : null,
  );
}

/** @param {Uint8Array<ArrayBuffer>} bytes @param {string} mediaType */
export function imageOf(bytes, mediaType) {
  const url = URL.createObjectURL(new Blob([bytes], { type: mediaType }));
  const image = h("img", { class: "python-image", alt: words.python.image(mediaType, bytes.length) });
  const done = () => URL.revokeObjectURL(url);
  image.addEventListener("load", done);
  image.addEventListener("error", () => {
    done();
    image.replaceWith(h("p", { class: "quiet-text" }, words.python.badImage));
  });
  image.src = url;
  return h("div", { class: "python-piece", data: { output: "image" } }, image);
}

/** @param {import("./session.js").Told} told @param {boolean} isNode whose errors the page has advice for */
export function errorOf({ name, code, text }, isNode) {
  const block = new TextBlock("error");
  block.add(text);
  block.element.dataset.error = name;
  const help = isNode && code && code !== "BadArgument" ? explain({ code }) : null;
  if (help?.known) block.element.append(h("p", { class: "quiet-text" }, help.todo));
  return block.element;
}
