/**
 * Settings, as far as they are not parts of their own (storage, check, protection): this node, copies, the machine, connections,
 * appearance, help, and what INOS is.
 *
 * Invariant: what is set holds at once, or says that it needs a reload; what is in use is shown beside what was set.
 */

import { settings } from "../settings.js";
import { at } from "../site.js";
import { words } from "../words.js";
import { button, copyText, h, need, setText } from "./dom.js";
import { formatDuration } from "./format.js";
import { choiceRow } from "./protect_dialog.js";
import { choice, setting } from "./setting.js";
import { connections, machine } from "./settings_machine.js";

const TEXTS = words.settings;
const COPIES = [1, 2, 3, 4, 5];

/** @typedef {import("./types.js").NodeApi} NodeApi */

export class SettingsView {
  #node;
  #say;
  #machine;
  #copies = h("div");
  #id = h("code", { id: "node-id", class: "setting-id" }, TEXTS.node.unknown);
  #told = h("p", { class: "quiet-text", role: "status" });
  #copy = button({
    icon: "copy",
    text: TEXTS.node.copy,
    kind: "soft",
    action: "copy-id",
    onClick: async () => {
      const isCopied = await copyText(this.#id.textContent ?? "");
      setText(this.#told, isCopied ? TEXTS.node.copied : TEXTS.node.copyFailed);
    },
  });
  #started = h("p", { class: "quiet-text numbers" });

  /** @param {NodeApi} node @param {{say: (text: string) => void, showKeys: () => void, showTour: () => void}} to */
  constructor(node, { say, showKeys, showTour }) {
    this.#node = node;
    this.#say = say;
    this.#machine = machine(node);
    need("settings-node", HTMLElement).replaceWith(this.#nodeCard());
    need("settings-more", HTMLElement).append(
      setting("settings-copies", TEXTS.copies, this.#copies),
      this.#machine.element,
      connections(),
      appearance(),
      help(showTour, showKeys),
      about(),
    );
    node.ready.then((info) => this.#showNode(info)).catch(() => {}); // the page says elsewhere that there is none
  }

  shown() {
    this.#machine.refresh();
    void this.#showCopies();
  }

  #nodeCard() {
    this.#copy.disabled = true; // until the node has a name
    const row = h("div", { class: "setting-row" }, this.#id, this.#copy);
    return setting("settings-node", TEXTS.node, row, this.#started, this.#told);
  }

  /** @param {{node: string, bootMs: number, snapshot: boolean | string}} info */
  #showNode({ node, bootMs, snapshot }) {
    setText(this.#id, node);
    this.#copy.disabled = false;
    const { bootTime, warm, cold } = words.panel;
    setText(this.#started, `${bootTime} ${formatDuration(bootMs)} ${snapshot ? warm : cold}`);
    this.#machine.refresh();
    void this.#showCopies();
  }

  /** How many copies a file gets is known once there is a mesh. */
  async #showCopies() {
    if (this.#node.state().phase !== "ready") return;
    const mesh = await this.#node.mesh().catch(() => null); // the node is going away: the page says so elsewhere
    const wanted = mesh?.replicas.wanted ?? 0;
    if (wanted === 0) {
      this.#copies.replaceChildren(h("p", { class: "quiet-text" }, TEXTS.copies.later));
      return;
    }
    const there = this.#copies.querySelector("select");
    if (there?.querySelector(`[value="${wanted}"]`)) {
      there.value = String(wanted); // the same one: the keyboard may be on it
      return;
    }
    const select = choice(
      "copies",
      TEXTS.copies.label,
      [...new Set([...COPIES, wanted])].map((count) => [String(count), TEXTS.copies.count(count)]),
      String(wanted),
      (value) => void this.#setCopies(Number(value)),
    );
    this.#copies.replaceChildren(select);
  }

  /** @param {number} count */
  async #setCopies(count) {
    const isSet = await this.#node.setReplication(count).then(
      () => true,
      () => false, // then the old number is shown again
    );
    await this.#showCopies();
    if (isSet) this.#say(TEXTS.copies.said(count));
  }
}

function appearance() {
  const now = settings.get("appearance");
  const choices = /** @type {const} */ (["system", "light", "dark"]).map((value) => {
    const input = h("input", { type: "radio", name: "appearance", value, checked: value === now });
    input.addEventListener("change", () => settings.set("appearance", value));
    return h("label", null, input, h("span", null, TEXTS.appearance.choices[value]));
  });
  return setting(
    "settings-appearance",
    TEXTS.appearance,
    h("fieldset", { class: "segments" }, h("legend", { class: "unseen" }, TEXTS.appearance.heading), ...choices),
    h("p", { class: "quiet-text" }, TEXTS.appearance.language),
  );
}

/** @param {() => void} showTour @param {() => void} showKeys */
function help(showTour, showKeys) {
  const texts = TEXTS.help;
  const box = h("input", { type: "checkbox", id: "shortcuts", checked: settings.get("shortcuts") });
  box.addEventListener("change", () => settings.set("shortcuts", box.checked));
  return setting(
    "settings-help",
    texts,
    h(
      "div",
      { class: "setting-row" },
      button({ text: texts.tour, kind: "soft", action: "tour-again", onClick: showTour }),
      button({ text: texts.keys, kind: "soft", action: "keys", onClick: showKeys }),
    ),
    choiceRow(box, { label: texts.shortcuts, hint: texts.shortcutsHint }),
  );
}

function about() {
  const version = h("p", { id: "about-version", class: "numbers" }, TEXTS.about.version);
  void showBuild(version);
  const kept = TEXTS.about.kept.map(([what, where]) => h("div", null, h("dt", null, what), h("dd", null, where)));
  return setting(
    "settings-about",
    TEXTS.about,
    version,
    h("dl", { class: "facts kept" }, ...kept),
    h("p", { class: "quiet-text" }, TEXTS.about.licence),
  );
}

/** @param {HTMLElement} place */
async function showBuild(place) {
  try {
    const { buildId, python, pyodide } = await (await fetch(at("build/pyodide/build.json"))).json();
    setText(place, TEXTS.about.build(String(buildId).slice(0, 12), String(python), String(pyodide)));
  } catch {
    // offline before the first visit was over: the version alone is right, too
  }
}
