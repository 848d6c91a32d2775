/**
 * The page's first module: takes a link out of the address bar, starts the node, shows the interface.
 */

import { InosNode } from "./node.js";
import { mount } from "./ui/app.js";

const LINK_PREFIX = "#inos";
const ROOM_PREFIX = "#inosr1.";

const query = new URLSearchParams(location.search);
const wish = (/** @type {string} */ name) => Number(query.get(name)) || 0;
const wishes = { memoryMiB: wish("memoryMiB"), muscles: wish("muscles") };
const node = new InosNode({ ...wishes, alone: query.get("room") === "none" });
/** @type {any} */ (globalThis).inos = node;
const app = mount(node);

/** The address forgets a link before anything else is done with it: a capability must not stay in the history. */
function takeLink() {
  if (!location.hash.startsWith(LINK_PREFIX)) return;
  const link = location.hash;
  history.replaceState(null, "", location.pathname + location.search);
  app.followAddress();
  if (link.startsWith(ROOM_PREFIX)) node.join(link).catch(app.showError);
  else app.openLink(link);
}

addEventListener("hashchange", takeLink);
takeLink();
