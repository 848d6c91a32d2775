/** Light or dark: as the system says, or as it was set. `early.js` does the same before the first paint. */

import { settings } from "../settings.js";

/** @param {"system" | "light" | "dark"} appearance */
function apply(appearance) {
  const root = document.documentElement;
  if (appearance === "system") delete root.dataset.theme;
  else root.dataset.theme = appearance;
}

export function setUpAppearance() {
  apply(settings.get("appearance"));
  settings.on("appearance", apply);
}
