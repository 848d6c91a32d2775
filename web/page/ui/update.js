/**
 * The quiet note about a new version, and the line that says whether the page opens offline.
 *
 * Invariant: nothing is loaded anew unless the person says so.
 */

import { words } from "../words.js";
import { button, h, need, setText } from "./dom.js";

const TEXTS = words.site.update;

/** @param {import("../service_worker.js").SiteWorker} site */
export function showSite(site) {
  const note = need("update-note", HTMLElement);
  const offline = need("offline-state", HTMLElement);
  site.on("offline", (/** @type {import("../service_worker.js").Offline} */ state) => {
    offline.dataset.state = state;
    setText(offline, words.site.offline[state]);
  });
  site.on("update", () => {
    const use = button({
      text: TEXTS.now,
      kind: "soft",
      action: "update-now",
      onClick: () => {
        note.replaceChildren(TEXTS.waiting);
        void site.useUpdate();
      },
    });
    const later = button({ text: TEXTS.later, kind: "soft", action: "update-later", onClick: () => hide(note) });
    note.replaceChildren(TEXTS.ready, " ", h("span", { class: "note-buttons" }, use, later));
    note.hidden = false;
  });
}

/** @param {HTMLElement} note */
function hide(note) {
  note.hidden = true;
}
