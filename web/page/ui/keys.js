/**
 * Single keys for what is done often, and the map of them, which `?` opens.
 *
 * Invariants: never while somebody types, nor with Ctrl, Alt or Meta, nor while a dialog is open; Settings can switch them off, for
 * those whose speech or tremor presses keys; the map is made from the same table.
 */

import { settings } from "../settings.js";
import { words } from "../words.js";
import { button, h, need } from "./dom.js";

const TEXTS = words.keys;

/** @typedef {Extract<keyof typeof TEXTS.does, string>} Deed */
/** @type {ReadonlyArray<[key: string, deed: Deed]>} */
export const KEYS = [
  ["f", "files"],
  ["m", "mesh"],
  ["p", "python"],
  ["b", "measure"],
  ["s", "settings"],
  ["n", "add"],
  ["/", "find"],
  ["?", "map"],
];

const TYPED_INTO = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=button])";

/**
 * What a key means here and now, if anything. Pure.
 *
 * @param {{key: string, ctrlKey: boolean, altKey: boolean, metaKey: boolean, repeat: boolean, isComposing: boolean}} event
 * @param {{isTyping: boolean, isDialogOpen: boolean}} now
 */
export function deedOf({ key, ctrlKey, altKey, metaKey, repeat, isComposing }, { isTyping, isDialogOpen }) {
  if (ctrlKey || altKey || metaKey || repeat || isComposing || isTyping || isDialogOpen) return null;
  return KEYS.find(([each]) => each === key)?.[1] ?? null;
}

/** @param {Record<Exclude<Deed, "map">, () => void>} does @returns {() => void} opens the map */
export function setUpKeys(does) {
  const dialog = need("keys-dialog", HTMLDialogElement);
  const open = () => {
    const close = button({ icon: "close", label: TEXTS.close, action: "close", onClick: () => dialog.close() });
    const rows = KEYS.map(([key, deed]) =>
      h("div", null, h("dt", null, h("kbd", null, key)), h("dd", null, TEXTS.does[deed])),
    );
    dialog.replaceChildren(
      h("div", { class: "dialog-head" }, h("h2", { id: "keys-heading" }, TEXTS.heading), close),
      h(
        "div",
        { class: "dialog-body" },
        settings.get("shortcuts") ? null : h("p", null, TEXTS.off),
        h("dl", { class: "keys" }, ...rows),
        h("p", { class: "quiet-text" }, TEXTS.hint),
      ),
    );
    dialog.showModal();
  };
  document.addEventListener("keydown", (event) => {
    if (!settings.get("shortcuts") || event.defaultPrevented) return;
    const isTyping = event.target instanceof Element && event.target.closest(TYPED_INTO) !== null;
    const deed = deedOf(event, { isTyping, isDialogOpen: document.querySelector("dialog[open]") !== null });
    if (!deed) return;
    event.preventDefault();
    if (deed === "map") open();
    else does[deed]();
  });
  return open;
}
