/** What settings are made of: a card with its words on the left and its controls on the right. */

import { button, h } from "./dom.js";

/**
 * @param {string} id
 * @param {{heading: string, hint?: string}} words
 * @param {...import("./dom.js").Child} children
 */
export function setting(id, { heading, hint }, ...children) {
  return h(
    "section",
    { id, class: "card setting", "aria-labelledby": `${id}-heading` },
    h(
      "div",
      { class: "setting-head" },
      h("h3", { id: `${id}-heading` }, heading),
      hint ? h("p", { class: "quiet-text" }, hint) : null,
    ),
    h("div", { class: "setting-body" }, ...children),
  );
}

/**
 * A choice from a few, by name.
 *
 * @param {string} id
 * @param {string} label
 * @param {Array<[value: string, text: string]>} choices
 * @param {string} chosen
 * @param {(value: string) => void} onChoice
 */
export function choice(id, label, choices, chosen, onChoice) {
  const select = h(
    "select",
    { id, on: { change: () => onChoice(select.value) } },
    ...choices.map(([value, text]) => h("option", { value, selected: value === chosen }, text)),
  );
  return h("div", { class: "setting-row" }, h("label", { for: id }, label), select);
}

/**
 * A line that appears once something was set that needs the page to be loaded anew.
 *
 * @param {string} text
 * @param {string} verb
 */
export function reloadNote(text, verb) {
  return h(
    "div",
    { class: "notice setting-row reload-note", role: "status", hidden: true },
    h("p", null, text),
    button({ text: verb, kind: "soft", action: "reload", onClick: () => location.reload() }),
  );
}
