/** Settings that hold from the next load on: what INOS takes of this machine, and how it meets others. */

import * as L from "../../shared/layout.gen.js";
import { iceServersOf, isMeetingAddress } from "../ice.js";
import { settings } from "../settings.js";
import { words } from "../words.js";
import { h, setText } from "./dom.js";
import { formatBytes } from "./format.js";
import { choice, reloadNote, setting } from "./setting.js";

const TEXTS = words.settings;
const MIB = 2 ** 20;

/** Memory and muscles, and what is in use. @param {import("./types.js").NodeApi} node */
export function machine(node) {
  const texts = TEXTS.machine;
  const used = h("p", { id: "machine-used", class: "quiet-text numbers" }, texts.unknown);
  const note = reloadNote(TEXTS.afterReload, TEXTS.reload);
  /** @param {"memoryMiB" | "muscles"} key @param {number[]} counts @param {(count: number) => string} text */
  const select = (key, counts, text) => {
    const kept = settings.get(key);
    const choices = [...new Set([0, kept, ...counts])].map(
      (count) => /** @type {[string, string]} */ ([String(count), count === 0 ? texts.byItself : text(count)]),
    );
    return choice(`set-${key}`, texts[key], choices, String(kept), (value) => {
      settings.set(key, Number(value));
      note.hidden = false;
    });
  };
  const tiers = L.MEMORY_TIERS_BYTES.map((bytes) => bytes / MIB);
  const muscles = Array.from({ length: L.MUSCLES_MAX }, (_, index) => index + 1);
  const element = setting(
    "settings-machine",
    texts,
    used,
    select("memoryMiB", tiers, texts.mib),
    select("muscles", muscles, texts.count),
    note,
  );
  const refresh = () => {
    const figures = node.metrics();
    if (figures) setText(used, texts.used(formatBytes(figures.memoryBytes), figures.muscles));
  };
  return { element, refresh };
}

/** Where others are met, and what helps to reach them. */
export function connections() {
  const texts = TEXTS.connections;
  const note = reloadNote(TEXTS.afterReload, TEXTS.reload);
  const rendezvous = field("set-rendezvous", h("input", { type: "text" }), texts.rendezvous, texts.rendezvousHint);
  const ice = field("set-ice", h("textarea", { rows: "3" }), texts.ice, texts.iceHint);
  rendezvous.input.value = settings.get("rendezvous");
  ice.input.value = settings.get("iceServers");
  rendezvous.input.addEventListener("change", () => {
    const text = rendezvous.input.value.trim();
    const isGood = text === "" || isMeetingAddress(text);
    rendezvous.tell(isGood ? "" : texts.rendezvousRefused);
    if (!isGood) return;
    settings.set("rendezvous", text);
    note.hidden = false;
  });
  ice.input.addEventListener("change", () => {
    const text = ice.input.value.trim();
    const { refused } = iceServersOf(text);
    ice.tell(refused.length === 0 ? "" : texts.iceRefused(refused[0]));
    if (refused.length > 0) return;
    settings.set("iceServers", text);
    note.hidden = false;
  });
  return setting("settings-connections", texts, rendezvous.element, ice.element, note);
}

/**
 * @template {HTMLInputElement | HTMLTextAreaElement} T
 * @param {string} id
 * @param {T} input
 * @param {string} label
 * @param {string} hint
 */
function field(id, input, label, hint) {
  input.id = id;
  input.spellcheck = false;
  input.autocomplete = "off";
  input.setAttribute("aria-describedby", `${id}-hint ${id}-told`);
  input.maxLength = 2048;
  const told = h("p", { id: `${id}-told`, class: "field-told", role: "status" });
  const element = h(
    "div",
    { class: "setting-field" },
    h("label", { for: id }, label),
    h("p", { id: `${id}-hint`, class: "quiet-text" }, hint),
    input,
    told,
  );
  /** @param {string} text why it was not taken, "" if it was */
  const tell = (text) => {
    setText(told, text);
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  return { element, input, tell };
}
