/**
 * A name, changed where it stands: Enter saves, Escape keeps the old one, an error is said beside the field.
 *
 * Invariant: the field stays until the new name is stored or the old one kept; what was typed is not lost to an error.
 */

import { explain, words } from "../words.js";
import { button, h, setText } from "./dom.js";
import { extensionOf } from "./kinds.js";

const TEXTS = words.rename;
const NAME_CHARACTERS_MAX = 255;

/**
 * The field and its buttons, to stand in the name's place.
 *
 * @param {string} name
 * @param {(name: string) => Promise<unknown>} save
 * @param {() => void} onEnd  it is stored, or the old one stays
 */
export function renameField(name, save, onEnd) {
  const told = h("p", { class: "rename-told", role: "alert" });
  const input = h("input", {
    type: "text",
    class: "rename-input",
    value: name,
    maxlength: String(NAME_CHARACTERS_MAX),
  });
  input.setAttribute("aria-label", TEXTS.label);
  input.setAttribute("autocomplete", "off");
  input.setAttribute("spellcheck", "false");
  const form = h(
    "form",
    { class: "rename", data: { role: "rename" } },
    h(
      "div",
      { class: "rename-row" },
      input,
      h(
        "button",
        { type: "submit", class: "button soft", data: { action: "rename-save" }, title: TEXTS.save },
        TEXTS.ok,
      ),
      button({ icon: "close", label: TEXTS.cancel, action: "rename-cancel", onClick: onEnd }),
    ),
    told,
  );
  let saving = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const typed = input.value.trim();
    if (saving) return;
    if (typed === name) return onEnd();
    if (typed === "") return refuse(TEXTS.empty);
    saving = true;
    try {
      await save(typed);
      onEnd();
    } catch (error) {
      const { title, todo } = explain(error);
      refuse(`${title}. ${todo}`);
    }
    saving = false;
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    onEnd();
  });
  /** @param {string} text */
  function refuse(text) {
    setText(told, text);
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }
  return {
    element: form,
    begin: () => {
      input.focus();
      const extension = extensionOf(name);
      input.setSelectionRange(0, extension ? name.length - extension.length - 1 : name.length);
    },
  };
}
