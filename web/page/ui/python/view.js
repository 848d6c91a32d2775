/**
 * The Python view: a log, an input, examples, and where it runs. Loaded when it is first opened.
 *
 * Invariant: nothing is run but what the person typed or chose here; neither an address nor a link nor another page can put a
 * source into the input.
 *
 * What end-to-end tests may rely on: #python-input, #python-log > [data-run=running|done|failed|stopped|held|gone][data-place] with
 * [data-output=stdout|stderr|value|error|table|image] and [data-error], [data-action=python-run|python-stop|python-clear|python-wheel|
 * python-unfold], [data-example], [name=python-place], #python-completions, #python-empty, #python-status.
 */

import { storageOfPage } from "../../settings.js";
import { words } from "../../words.js";
import { button, h, setText } from "../dom.js";
import { Editor } from "./editor.js";
import { examples } from "./examples.js";
import { History } from "./history.js";
import { IndexAllowed } from "./index_allowed.js";
import { OutputLog } from "./output_log.js";
import { forNode, forScratch } from "./page_side.js";
import { Place } from "./place.js";

const SHEET = new URL("../../../../python.css", import.meta.url).href;

/** @typedef {"node" | "scratch"} Where */

await styled(); // no view is drawn before its sheet is here

export class PythonView {
  #node;
  /** @type {Where} */ #where = "node";
  #isRunning = false;
  /** @type {Map<string, File>} */ #handed = new Map();
  #index = new IndexAllowed();
  #indexPart = h("div", null, this.#index.element);
  #history = new History(storageOfPage());
  #log = new OutputLog(() => this.#showEmpty());
  #status = h("p", { id: "python-status", class: "quiet-text python-status", role: "status" });
  #intro = h("p", { class: "python-intro" }, words.python.intro);
  #empty = emptyState((example) => void this.#runExample(example));
  #examples = examplesList((example) => void this.#runExample(example));
  #wheelFile = h("input", {
    type: "file",
    accept: ".whl",
    hidden: true,
    id: "python-wheel-input",
    "aria-label": words.python.wheelInput,
    on: { change: () => void this.#installWheel() },
  });
  #runButton = button({
    text: words.python.run,
    kind: "main",
    action: "python-run",
    onClick: () => this.#editor.submit(),
  });
  #stopButton = button({
    text: words.python.stop,
    kind: "danger",
    action: "python-stop",
    onClick: () => void this.#stop(),
  });
  #clearButton = button({
    text: words.python.clear,
    kind: "soft",
    action: "python-clear",
    onClick: () => this.#log.clear(),
  });
  #wheelButton = button({
    text: words.python.wheel,
    kind: "soft",
    action: "python-wheel",
    onClick: () => this.#wheelFile.click(),
  });

  /** @param {any} node `globalThis.inos` @param {HTMLElement} root */
  constructor(node, root) {
    this.#node = node;
    const openScratch = async () => node.openScratch(await this.#index.url());
    this.places = {
      node: new Place(() => node.openConsole(), forNode(node), { isScratch: false }),
      scratch: new Place(openScratch, forScratch(node, this.#handed), { isScratch: true }),
    };
    node.on("state", () => {
      if (node.state().phase === "failed") this.places.node.end();
    });
    this.#editor = new Editor({
      history: this.#history,
      run: (source) => void this.run(source, this.#where),
      stop: () => {
        const isRunning = this.#isRunning;
        void this.#stop();
        return isRunning;
      },
      // a place that does not start is told of when the source runs
      check: (source) => this.#place.check(source).catch(() => ({ state: "complete", indent: "" })),
      complete: (source, at) =>
        this.#isRunning ? nothing(at) : this.#place.complete(source, at).catch(() => nothing(at)),
      say: (text) => setText(this.#status, text),
    });
    root.append(
      h(
        "div",
        { class: "card python" },
        h(
          "div",
          { class: "card-head" },
          h("h2", { id: "python-heading", tabindex: "-1" }, words.python.heading),
          this.#choice(),
        ),
        this.#intro,
        this.#indexPart,
        this.#empty,
        this.#log.element,
        h("div", { class: "python-line" }, this.#editor.element, this.#runButton, this.#stopButton),
        h("div", { class: "python-foot" }, this.#examples, this.#wheelButton, this.#clearButton, this.#wheelFile),
        this.#status,
        h("p", { id: "python-keys", class: "quiet-text" }, words.python.keys),
      ),
    );
    this.#show();
    this.#showEmpty();
  }
  #editor;

  get #place() {
    return this.places[this.#where];
  }

  shown() {
    if (matchMedia("(pointer: fine)").matches) this.#editor.input.focus({ preventScroll: true });
  }

  hidden() {}

  /**
   * @param {string} source @param {Where} where
   * @returns {Promise<import("./session.js").Ended>}
   */
  async run(source, where) {
    if (this.#isRunning) return { how: "gone", error: null };
    this.#isRunning = true;
    this.#history.add(source);
    this.#editor.value = "";
    const entry = this.#log.begin(source, where);
    const place = this.places[where];
    setText(this.#status, this.#startingText(place));
    this.#show();
    const note = (/** @type {string} */ text) => this.#log.following(() => entry.note(text));
    /** @type {import("./session.js").Ended} */
    let ended = { how: "gone", error: null };
    try {
      ended = await place.run(source, {
        onPiece: (piece) => {
          setText(this.#status, "");
          this.#log.following(() => entry.add(piece));
        },
        note,
      });
    } catch (error) {
      note(words.python.failed(String(/** @type {any} */ (error)?.message ?? error)));
    }
    this.#log.following(() => entry.end(ended));
    this.#isRunning = false;
    setText(this.#status, "");
    this.#show();
    return ended;
  }

  /** @param {Place} place */
  #startingText(place) {
    if (this.#node.state().phase !== "ready") return words.python.waiting;
    return place.isStarted ? "" : words.python.starting;
  }

  async #stop() {
    if (!this.#isRunning) return;
    setText(this.#status, words.python.stopping);
    await Promise.all([this.places.node.stop(), this.places.scratch.stop()]);
  }

  /** @param {import("./examples.js").Example} example */
  async #runExample({ source, place }) {
    if (this.#isRunning) return;
    this.#choose(place);
    this.#editor.input.focus();
    await this.run(source, place);
  }

  async #installWheel() {
    const file = this.#wheelFile.files?.[0];
    this.#wheelFile.value = "";
    if (!file || this.#isRunning) return;
    const where = `file:${file.name}`;
    this.#handed.set(where, file);
    await this.run(`await micropip.install(${JSON.stringify(where)})`, "scratch");
    this.#handed.delete(where);
  }

  /** @param {Where} where */
  #choose(where) {
    this.#where = where;
    for (const choice of this.#choices) choice.checked = choice.value === where;
    this.#show();
  }

  /** @type {HTMLInputElement[]} */ #choices = [];

  #choice() {
    const choice = (/** @type {Where} */ where) => {
      const input = h("input", {
        type: "radio",
        name: "python-place",
        value: where,
        on: { change: () => this.#choose(where) },
      });
      input.checked = where === this.#where;
      this.#choices.push(input);
      return h("label", { class: "python-choice" }, input, h("span", null, words.python.places[where]));
    };
    return h(
      "fieldset",
      { class: "python-choices" },
      h("legend", { class: "unseen" }, words.python.places.legend),
      choice("node"),
      choice("scratch"),
    );
  }

  #show() {
    const isScratch = this.#where === "scratch";
    setText(this.#intro, isScratch ? words.python.scratchIntro : words.python.intro);
    this.#wheelButton.hidden = !isScratch;
    if (isScratch) void this.#index.look();
    this.#indexPart.hidden = !isScratch;
    this.#runButton.hidden = this.#isRunning;
    this.#stopButton.hidden = !this.#isRunning;
  }

  #showEmpty() {
    const { isEmpty } = this.#log;
    this.#empty.hidden = !isEmpty;
    this.#log.element.hidden = isEmpty;
    this.#examples.hidden = isEmpty;
    this.#clearButton.hidden = isEmpty;
  }
}

/** @returns {Promise<unknown>} */
function styled() {
  return new Promise((resolve) => {
    document.head.append(h("link", { rel: "stylesheet", href: SHEET, on: { load: resolve, error: resolve } }));
  });
}

/** @param {number} at */
async function nothing(at) {
  return { start: at, words: [] };
}

/** @param {(example: import("./examples.js").Example) => void} run */
function exampleButtons(run) {
  return examples.map((example) => {
    const made = button({ text: words.python.titles[example.key], kind: "soft", onClick: () => run(example) });
    made.dataset.example = example.key;
    return made;
  });
}

/** @param {(example: import("./examples.js").Example) => void} run */
function emptyState(run) {
  return h(
    "div",
    { id: "python-empty", class: "python-empty" },
    h("h3", null, words.python.emptyTitle),
    h("div", { class: "python-examples" }, ...exampleButtons(run)),
    h("p", { class: "quiet-text" }, words.python.emptyHint),
  );
}

/** @param {(example: import("./examples.js").Example) => void} run */
function examplesList(run) {
  /** @type {HTMLDetailsElement} */
  const list = h(
    "details",
    { class: "python-more" },
    h("summary", { class: "button soft" }, words.python.examples),
    h(
      "div",
      { class: "python-examples" },
      ...exampleButtons((example) => {
        list.open = false;
        run(example);
      }),
    ),
  );
  return list;
}
