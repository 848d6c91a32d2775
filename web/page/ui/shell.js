/** What is around the views: the navigation, the first steps, the keys, light and dark. */

import { settings } from "../settings.js";
import { translate } from "../words.js";
import { setUpAppearance } from "./appearance.js";
import { need } from "./dom.js";
import { setUpKeys } from "./keys.js";
import { Tour } from "./tour.js";
import { Views } from "./views.js";

/**
 * @param {object} given
 * @param {import("./types.js").NodeApi} given.node
 * @param {import("./types.js").NodeApi} given.bareNode  its calls are not among the page's activities
 * @param {(text: string) => void} given.say
 * @param {(error: unknown) => void} given.fail
 * @param {() => void} given.shareFirst  shares some file, if there is one
 */
export function makeShell({ node, bareNode, say, fail, shareFirst }) {
  const tour = new Tour(shareFirst);
  const showTour = () => {
    settings.set("tourSeen", false);
    views.open("files");
  };
  const views = new Views(
    {
      settings: async () => {
        const { SettingsView } = await import("./settings_view.js");
        return new SettingsView(node, { say, showTour, showKeys });
      },
      python: async (root) => new (await import("./python/view.js")).PythonView(bareNode, root),
    },
    fail,
  );
  const inFiles = (/** @type {() => void} */ then) => () => {
    if (views.current() === "files") return then();
    const stop = views.on("open", (name) => {
      stop();
      if (name === "files") then();
    });
    views.open("files");
  };
  const showKeys = setUpKeys({
    files: () => views.open("files"),
    mesh: () => views.open("mesh"),
    python: () => views.open("python"),
    settings: () => views.open("settings"),
    measure: () => location.assign("bench.html"),
    add: () => need("file-input", HTMLInputElement).click(),
    find: inFiles(() => need("files-filter", HTMLInputElement).focus()),
  });
  translate(document);
  setUpAppearance();
  return { views, tour };
}
