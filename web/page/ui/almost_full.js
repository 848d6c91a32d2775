/**
 * The card "Almost full": what takes room, what would come free with each choice, and a button for it.
 *
 * Invariants: nothing is deleted without a click on it and a second one that says so; the card comes when the browser's limit is
 * near or a file found no room, and goes when neither is so any more, or when dismissed; dismissed, it comes again only for a new
 * failure.
 */

import { words } from "../words.js";
import { button, h, icon, isolated, need } from "./dom.js";
import { formatBytes, safeName } from "./format.js";
import { iconOf } from "./kinds.js";
import { choicesOf, NEARLY_FULL } from "./room_parts.js";

const TEXTS = words.room;

/** @typedef {import("./room_parts.js").Choice} Choice */
/**
 * @typedef {object} RoomTarget
 * @property {import("./types.js").NodeApi} node
 * @property {(text: string) => void} say
 * @property {(error: unknown, subject: string) => void} fail
 */

export class AlmostFull {
  #target;
  #section = need("almost-full", HTMLElement);
  #failed = false;
  #dismissed = false;
  #drawing = false;
  /** @type {Record<string, number>} */
  #stats = {};

  /** @param {RoomTarget} target */
  constructor(target) {
    this.#target = target;
  }

  /** A file found no room. */
  putFailed() {
    this.#failed = true;
    this.#dismissed = false;
    void this.#draw();
  }

  /** @param {Record<string, number>} stats */
  show(stats) {
    this.#stats = stats;
    const near = stats.storageQuota > 0 && stats.storageUsage / stats.storageQuota >= NEARLY_FULL;
    if (!near && !this.#failed) {
      this.#dismissed = false;
      this.close();
    } else if (!this.#dismissed) void this.#draw();
  }

  /** It shows names: it goes when the vault does. */
  close() {
    this.#section.hidden = true;
    this.#section.replaceChildren();
  }

  #dismiss() {
    this.#dismissed = true;
    this.#failed = false;
    this.close();
    need("files-heading", HTMLElement).focus({ preventScroll: true });
  }

  async #draw() {
    // a question that is being answered is not taken away
    if (this.#drawing || this.#section.querySelector(".confirm")) return;
    this.#drawing = true;
    const { node, fail } = this.#target;
    try {
      const [entries, rows, stats] = await Promise.all([node.list(), node.space(), node.stats()]);
      this.#stats = stats;
      const held = this.#section.contains(document.activeElement);
      this.#section.replaceChildren(...this.#content(choicesOf(entries, rows)));
      this.#section.hidden = false;
      if (held) this.#section.querySelector("h2")?.focus();
    } catch (error) {
      fail(error, "");
    }
    this.#drawing = false;
  }

  /** @param {{largest: Choice[], older: Choice[], received: Choice[]}} choices */
  #content({ largest, older, received }) {
    const { storageUsage, storageQuota, segmentBytes, blockBytes } = this.#stats;
    const dead = Math.max(0, segmentBytes - blockBytes);
    const says = [
      this.#failed ? TEXTS.putFailed : "",
      storageQuota > 0 ? TEXTS.used(formatBytes(storageUsage), formatBytes(storageQuota)) : "",
      TEXTS.yours,
    ];
    const { node } = this.#target;
    const remove = (/** @type {Choice} */ { entry }) => node.remove(entry.root).then(() => {});
    const forgetOlder = async (/** @type {Choice} */ { entry }) => {
      for (const version of await node.versions(entry.root)) if (!version.current) await node.forget(version.root);
    };
    const groups = [
      dead > 0 ? this.#clearing(dead) : null,
      this.#group("older", TEXTS.older, "", older, TEXTS.deleteOlderNamed, TEXTS.confirmOlder, forgetOlder),
      this.#group("largest", TEXTS.largest, "", largest, TEXTS.deleteNamed, TEXTS.confirm, remove),
      this.#group("received", TEXTS.received, TEXTS.receivedHint, received, TEXTS.deleteNamed, TEXTS.confirm, remove),
    ].filter((group) => group !== null);
    return [
      h(
        "div",
        { class: "card-head" },
        icon("warn"),
        h("h2", { id: "almost-full-heading", tabindex: "-1" }, TEXTS.almostFull),
        button({ icon: "close", label: TEXTS.dismiss, action: "almost-full-dismiss", onClick: () => this.#dismiss() }),
      ),
      h("p", { class: "quiet-text numbers", role: "status" }, says.filter(Boolean).join(" ")),
      ...(groups.length > 0 ? groups : [h("p", null, TEXTS.nothing)]),
    ];
  }

  /** @param {number} bytes */
  #clearing(bytes) {
    const clear = button({
      text: TEXTS.clear,
      kind: "soft",
      action: "room-clear",
      onClick: () => void this.#do(async () => void (await this.#target.node.tidy()), bytes),
    });
    return h(
      "div",
      { class: "room-group" },
      h("h3", null, TEXTS.dead),
      h("p", { class: "quiet-text" }, TEXTS.clearHint),
      h(
        "ul",
        null,
        h("li", { class: "room-row" }, h("span", { class: "numbers" }, TEXTS.frees(formatBytes(bytes))), clear),
      ),
    );
  }

  /**
   * @param {string} kind
   * @param {string} heading
   * @param {string} hint
   * @param {Choice[]} choices
   * @param {(name: string) => string} label
   * @param {(name: string) => string} question
   * @param {(choice: Choice) => Promise<void>} act
   */
  #group(kind, heading, hint, choices, label, question, act) {
    if (choices.length === 0) return null;
    const rows = choices.map((choice) => {
      const name = safeName(choice.entry.name) || words.files.unnamed;
      const place = h("div", { class: "room-action" });
      const ask = () => {
        const yes = button({
          text: TEXTS.delete,
          kind: "danger",
          action: "room-confirm",
          onClick: () => {
            place.replaceChildren();
            void this.#do(() => act(choice), choice.bytes);
          },
        });
        const no = button({ text: TEXTS.keep, kind: "soft", action: "room-keep", onClick: () => offer(true) });
        const text = question(name);
        const asked = h("div", { class: "confirm", role: "group", "aria-label": text }, h("span", null, text), yes, no);
        asked.addEventListener("keydown", (event) => event.key === "Escape" && offer(true));
        place.replaceChildren(asked);
        no.focus();
      };
      const offer = (/** @type {boolean} */ again) => {
        const first = button({
          text: TEXTS.delete,
          kind: "soft",
          label: label(name),
          action: "room-delete",
          onClick: ask,
        });
        place.replaceChildren(
          h("span", { class: "quiet-text numbers" }, TEXTS.frees(formatBytes(choice.bytes))),
          first,
        );
        if (again) first.focus();
      };
      offer(false);
      const drawing = choice.entry.kind === "folder" ? "folder" : iconOf(choice.entry.name, choice.entry.mediaType);
      return h("li", { class: "room-row", data: { root: choice.entry.root } }, icon(drawing), isolated(name), place);
    });
    return h(
      "div",
      { class: "room-group", data: { group: kind } },
      h("h3", null, heading),
      hint ? h("p", { class: "quiet-text" }, hint) : null,
      h("ul", null, ...rows),
    );
  }

  /** @param {() => Promise<void>} act @param {number} bytes */
  async #do(act, bytes) {
    try {
      await act();
      this.#failed = false;
      this.#target.say(TEXTS.freed(formatBytes(bytes)));
    } catch (error) {
      this.#target.fail(error, "");
    }
    this.show(await this.#target.node.stats());
  }
}
