/**
 * "What the node is doing": what it does now, its workers, memory, disk, network and peers.
 *
 * Invariant: while the panel is closed or the tab hidden, it has no timer and nothing is asked of the node for it.
 */

import { words } from "../words.js";
import { h, isolated, need, setText } from "./dom.js";
import { formatBytes, formatCount, formatDuration, safeName, safeText } from "./format.js";
import { Live } from "./live.js";

const LOOK_INTERVAL_MS = 1000;
const LOOKS_PER_QUESTION = 2; // the live figures cost nothing; the brain is asked less often
const RECENT_MAX = 6;
const PEERS_SHOWN_MAX = 32;
const TEXTS = words.panel;
const { facts: F } = TEXTS;

/** @typedef {import("./types.js").Activity} Activity */
/** @typedef {Record<string, number>} Stats */
/** @typedef {Extract<keyof typeof F, string>} FactKey */
/** Which numbers stand where. */
const GROUPS = /** @type {const} */ ([
  [TEXTS.groups.work, ["muscles", "jobsDone", "jobsFailed", "muscleSleeps", "brainTurns"]],
  [TEXTS.groups.memory, ["memoryBytes", "copyBytesIn", "copyBytesOut", "pythonBytesRead", "eventsDropped"]],
  [TEXTS.groups.disk, ["blocks", "blockBytes", "rawBytes", "diskBytesWritten", "diskBytesRead"]],
  [TEXTS.groups.network, ["netBytesIn", "netBytesOut"]],
]);

export class Panel {
  #node;
  #now = need("panel-now", HTMLElement);
  #recent = h("ul", { class: "recent" });
  #about = h("p", { class: "quiet-text numbers", hidden: true });
  #live = new Live();
  /** @type {Map<string, HTMLElement>} */
  #values = new Map();
  #peersBody = h("tbody");
  #peersTable = peersTable(this.#peersBody);
  #noPeers = h("p", { class: "quiet-text" }, TEXTS.noPeers);
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #looks = 0;
  #isShown = false;
  #asking = false;

  /** @param {import("./types.js").NodeApi} node */
  constructor(node) {
    this.#node = node;
    need("panel-body", HTMLElement).append(
      this.#live.element,
      h("section", null, h("h3", null, TEXTS.recent), this.#recent, this.#about),
      h("div", { class: "groups" }, ...GROUPS.map(([name, keys]) => this.#group(name, keys))),
      h("section", null, h("h3", null, TEXTS.peersHeading), this.#noPeers, this.#peersTable),
    );
    setText(this.#now, TEXTS.idle);
    document.addEventListener("visibilitychange", () => this.#followView());
  }

  /** @param {boolean} isShown whether its view is open */
  setShown(isShown) {
    this.#isShown = isShown;
    this.#followView();
  }

  /** @param {{node: string, bootMs: number, snapshot: boolean | string}} info */
  showNode({ node, bootMs, snapshot }) {
    const boot = `${TEXTS.bootTime} ${formatDuration(bootMs)} ${snapshot ? TEXTS.warm : TEXTS.cold}`;
    setText(this.#about, `${TEXTS.nodeId} ${safeText(node).slice(0, 16)} · ${boot}`);
    this.#about.hidden = false;
  }

  /**
   * @param {Activity} activity  what happened
   * @param {Activity | null} now  what is still running
   */
  showActivity(activity, now) {
    setText(this.#now, now ? activityText(now) : TEXTS.idle);
    const text = activityText(activity);
    const newest = this.#recent.firstElementChild;
    if (newest?.textContent === text) return;
    this.#recent.prepend(h("li", null, text));
    while (this.#recent.childElementCount > RECENT_MAX) this.#recent.lastElementChild?.remove();
  }

  /** @param {import("./types.js").PeerEntry[]} peers */
  showPeers(peers) {
    this.#noPeers.hidden = peers.length > 0;
    this.#peersTable.hidden = peers.length === 0;
    this.#peersBody.replaceChildren(...peers.slice(0, PEERS_SHOWN_MAX).map(peerRow));
  }

  /**
   * @param {string} name
   * @param {ReadonlyArray<FactKey>} keys
   */
  #group(name, keys) {
    const list = h("dl", { class: "facts" });
    for (const key of keys) {
      const value = h("dd", { class: "numbers", data: { stat: key } }, "–");
      this.#values.set(key, value);
      list.append(h("div", null, h("dt", null, F[key]), value));
    }
    return h("section", null, h("h3", null, name), list);
  }

  /** Looks while somebody can see it, rests otherwise. */
  #followView() {
    const seen = this.#isShown && !document.hidden;
    if (seen === (this.#timer !== undefined)) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (!seen) return;
    this.#live.forget();
    this.#looks = 0;
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS);
  }

  #look() {
    const figures = this.#node.metrics();
    if (figures) {
      this.#live.show(performance.now(), figures);
      this.#showStats(figures);
    }
    if (this.#looks++ % LOOKS_PER_QUESTION === 0) void this.#ask();
  }

  async #ask() {
    if (this.#asking || this.#node.state().phase !== "ready") return;
    this.#asking = true;
    try {
      const [stats, peers] = await Promise.all([this.#node.stats(), this.#node.peers()]);
      this.#showStats(stats);
      this.showPeers(peers);
    } catch {
      // the node is going away: the page says so elsewhere, and the numbers stay as they were
    } finally {
      this.#asking = false;
    }
  }

  /** What is not among them stays as it is. @param {Stats} stats */
  #showStats(stats) {
    for (const [key, place] of this.#values) {
      if (key in stats) setText(place, statText(key, stats[key]));
    }
  }
}

/** @param {string} key @param {number} value */
function statText(key, value) {
  return /bytes/i.test(key) ? formatBytes(value) : formatCount(value);
}

/** @param {Activity} activity */
export function activityText({ key, params = {} }) {
  const say = Object.hasOwn(words.activity, key) ? words.activity[key] : null;
  /** @type {Record<string, string | number>} */
  const safe = {};
  for (const [name, value] of Object.entries(params))
    safe[name] = typeof value === "number" ? value : safeName(value, 48);
  return say ? say(safe) : safeText(key).slice(0, 80);
}

/** @param {HTMLElement} body */
function peersTable(body) {
  const { id, state, rtt, in: received, out } = TEXTS.peerColumns;
  const heads = [id, state, rtt, received, out].map((text) => h("th", { scope: "col" }, text));
  return h("table", { class: "peers", hidden: true }, h("thead", null, h("tr", null, ...heads)), body);
}

/** @param {import("./types.js").PeerEntry} peer */
function peerRow(peer) {
  return h(
    "tr",
    { data: { peer: peer.id } },
    h("th", { scope: "row" }, isolated(safeName(peer.shortId, 16))),
    h("td", null, safeName(peer.state, 24)),
    h("td", { class: "numbers" }, peer.rttMs >= 0 ? formatDuration(peer.rttMs) : "–"),
    h("td", { class: "numbers" }, formatBytes(peer.bytesIn)),
    h("td", { class: "numbers" }, formatBytes(peer.bytesOut)),
  );
}
