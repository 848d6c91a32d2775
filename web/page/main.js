/**
 * The page's first module: sees to isolation, takes a link out of the address bar, starts the node, shows the interface.
 */

import { workerUrl } from "./boot.js";
import { InosNode } from "./node.js";
import { isolate, SiteWorker } from "./service_worker.js";
import { mount } from "./ui/app.js";
import { need, setBar, setText } from "./ui/dom.js";
import { showSite } from "./ui/update.js";
import { words } from "./words.js";

const LINK_PREFIX = "#inos";
const ROOM_PREFIX = "#inosr1.";

/** What the page says while the service worker keeps it, before it is loaded once more. @param {number} part */
function showIsolating(part) {
  const bar = need("boot-bar", HTMLProgressElement);
  bar.hidden = false;
  setBar(bar, part);
  setText(need("state-text", HTMLElement), words.site.isolating(part));
}

function start() {
  const query = new URLSearchParams(location.search);
  const wish = (/** @type {string} */ name) => Number(query.get(name)) || 0;
  const wishes = { memoryMiB: wish("memoryMiB"), muscles: wish("muscles") };
  const node = new InosNode({ ...wishes, alone: query.get("room") === "none" });
  /** @type {any} */ (globalThis).inos = node;
  const app = mount(node);
  const site = new SiteWorker(workerUrl);
  showSite(site);
  const keep = () => void site.start();
  node.ready.then(keep, keep); // not before: keeping the site must not compete with the node's start

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
}

// An isolated page has its node at once, so that scripts beside it find `inos`.
const isolating = isolate(workerUrl, showIsolating);
if (globalThis.crossOriginIsolated || !(await isolating)) start();
