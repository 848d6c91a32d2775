/**
 * The mesh: who is linked, how look-ups and messages travel, how many copies there are of what.
 *
 * Invariant: while it is closed or the tab hidden, it has no timer and nothing is asked of the node for it.
 */

import { words } from "../words.js";
import { h, isolated, need, setText } from "./dom.js";
import { formatBytes, formatCount, formatDuration, formatPercent, safeName } from "./format.js";
import { Meet } from "./meet.js";
import { MeshMap } from "./mesh_map.js";

const LOOK_INTERVAL_MS = 1000;
const LOOKUPS_SHOWN_MAX = 6;
const REPLICAS_SHOWN_MAX = 12;
const TEXTS = words.mesh;
const ROLES = /** @type {const} */ (["sibling", "bucket", "random", "partner"]);

/** @typedef {import("./types.js").MeshView} MeshView */
/** @typedef {keyof typeof TEXTS.facts} Fact */

export class Mesh {
  #node;
  #nameOf;
  #panel = need("mesh-panel", HTMLElement);
  #now = need("mesh-now", HTMLElement);
  #map = new MeshMap();
  #meet;
  /** @type {Map<Fact, HTMLElement>} */
  #facts = new Map();
  #buckets = h("ol", { class: "mesh-buckets" });
  #lookups = h("ul", { class: "recent mesh-lookups" });
  #rumors = h("dl", { class: "mesh-paths" });
  #noRumors = h("p", { class: "quiet-text" }, TEXTS.noRumors);
  #paths = h("dl", { class: "mesh-paths" });
  #replicas = h("tbody");
  #replicasTable = replicasTable(this.#replicas);
  #noReplicas = h("p", { class: "quiet-text" }, TEXTS.noReplicas);
  #moreReplicas = h("p", { class: "quiet-text", hidden: true });
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #isAsking = false;
  #isShown = false;

  /** @param {import("./types.js").NodeApi} node @param {(root: string) => string | undefined} nameOf */
  constructor(node, nameOf) {
    this.#node = node;
    this.#nameOf = nameOf;
    this.#meet = new Meet(node);
    need("mesh-body", HTMLElement).append(
      this.#meet.element,
      h(
        "div",
        { class: "mesh-head" },
        h("figure", null, this.#map.element, legend()),
        h("div", null, this.#factList(), section(TEXTS.paths, this.#paths)),
      ),
      h(
        "div",
        { class: "groups" },
        section(TEXTS.buckets, this.#buckets, h("p", { class: "quiet-text" }, TEXTS.bucketsHint)),
        section(TEXTS.lookups, this.#lookups),
        section(TEXTS.rumors, this.#noRumors, this.#rumors),
      ),
      section(TEXTS.replicas, this.#noReplicas, this.#replicasTable, this.#moreReplicas),
    );
    setText(this.#now, TEXTS.off);
    document.addEventListener("visibilitychange", () => this.#followView());
  }

  /** @param {boolean} isShown whether its view is open */
  setShown(isShown) {
    this.#isShown = isShown;
    this.#followView();
  }

  /** Peers came or went: the count of links is told while the view is closed, too. */
  async refresh() {
    if (this.#isAsking || this.#node.state().phase !== "ready") return;
    this.#isAsking = true;
    try {
      this.show(await this.#node.mesh());
    } catch {
      // the node is going away: the page says so elsewhere
    } finally {
      this.#isAsking = false;
    }
  }

  /** @param {MeshView | null} mesh */
  show(mesh) {
    setText(this.#now, mesh ? headline(mesh) : TEXTS.off);
    this.#panel.dataset.links = String(mesh?.neighbours.length ?? 0);
    if (!mesh || !this.#isShown) return;
    this.#map.show(mesh);
    this.#meet.showRoom(mesh.room, mesh.neighbours.length === 0);
    for (const [fact, text] of Object.entries(factsOf(mesh))) {
      const place = this.#facts.get(/** @type {Fact} */ (fact));
      if (place) setText(place, text);
    }
    this.#buckets.replaceChildren(...mesh.buckets.map(bucketBar));
    this.#showLookups(mesh);
    this.#paths.replaceChildren(...pathBars(mesh.bytes));
    const spread = Object.entries(mesh.gossip.hops);
    this.#noRumors.hidden = spread.length > 0;
    this.#rumors.replaceChildren(
      ...bars(spread.map(([hops, count]) => [TEXTS.hops(Number(hops)), count, formatCount(count)])),
    );
    this.#showReplicas(mesh);
  }

  /** @param {MeshView} mesh */
  #showLookups({ lookups }) {
    const last = lookups.last.slice(-LOOKUPS_SHOWN_MAX).reverse();
    const rows = last.map(({ target, path, hops, ok }) =>
      h(
        "li",
        { class: "numbers" },
        h("code", null, target.slice(0, 8)),
        ` ${path.map((id) => id.slice(0, 4)).join(" → ")} · ${ok ? TEXTS.hops(hops) : TEXTS.failed}`,
      ),
    );
    this.#lookups.replaceChildren(...(rows.length ? rows : [h("li", { class: "quiet-text" }, TEXTS.noLookups)]));
  }

  /** @param {MeshView} mesh */
  #showReplicas({ replicas }) {
    const shown = replicas.objects.slice(0, REPLICAS_SHOWN_MAX);
    this.#noReplicas.hidden = shown.length > 0;
    this.#replicasTable.hidden = shown.length === 0;
    const more = replicas.objects.length - shown.length;
    this.#moreReplicas.hidden = more <= 0;
    setText(this.#moreReplicas, TEXTS.more(more));
    this.#replicas.replaceChildren(
      ...shown.map(({ root, copies, wanted, state }) =>
        h(
          "tr",
          { data: { root, copies: String(copies), state } },
          h("th", { scope: "row" }, isolated(safeName(this.#nameOf(root) ?? "") || TEXTS.unnamed)),
          h("td", { class: "numbers" }, TEXTS.copies(copies, wanted)),
          h("td", null, TEXTS.replicaStates[state]),
        ),
      ),
    );
  }

  #factList() {
    const list = h("dl", { class: "facts" });
    for (const [fact, name] of Object.entries(TEXTS.facts)) {
      const value = h("dd", { class: "numbers", data: { mesh: fact } }, TEXTS.none);
      this.#facts.set(/** @type {Fact} */ (fact), value);
      list.append(h("div", null, h("dt", null, name), value));
    }
    return list;
  }

  #followView() {
    const seen = this.#isShown && !document.hidden;
    if (seen === (this.#timer !== undefined)) return;
    clearInterval(this.#timer);
    this.#timer = seen ? setInterval(() => void this.refresh(), LOOK_INTERVAL_MS) : undefined;
    if (seen) void this.refresh();
  }
}

/** @param {MeshView} mesh */
function headline({ neighbours, self }) {
  return neighbours.length === 0
    ? TEXTS.alone
    : TEXTS.now(neighbours.length, Math.max(self.estimate, neighbours.length + 1));
}

/** @param {number[]} values @param {number} part */
export function quantile(values, part) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? null;
}

/** @param {MeshView} mesh @returns {Record<Fact, string>} */
function factsOf({ self, neighbours, known, lookups, gossip, replicas, bytes }) {
  const rtt = quantile(
    neighbours.map(({ rttMs }) => rttMs),
    0.5,
  );
  const [middle, worst] = [quantile(lookups.hops, 0.5), quantile(lookups.hops, 1)];
  const copies = gossip.received > 0 ? (gossip.copies / gossip.received).toFixed(2) : null;
  const full = replicas.timeToFullMs;
  return {
    size: formatCount(Math.max(self.estimate, neighbours.length + 1)),
    links: formatCount(neighbours.length),
    known: formatCount(known.length),
    rtt: rtt === null ? TEXTS.none : formatDuration(rtt),
    hops: middle === null ? TEXTS.none : `${middle}, ${worst}`,
    copies: copies ?? TEXTS.none,
    redundancy: full === null ? TEXTS.none : formatDuration(full),
    guests: formatBytes(replicas.guestBytes),
    share: bytes.peersShare === null ? TEXTS.none : formatPercent(bytes.peersShare),
  };
}

/** @param {MeshView["buckets"][number]} bucket */
function bucketBar({ index, links, known }) {
  const kind = links > 0 ? "linked" : known > 0 ? "known" : "empty";
  return h("li", { class: `mesh-bucket ${kind}`, title: TEXTS.bucket(index, links, known) }, String(links || ""));
}

/** @param {MeshView["bytes"]} bytes */
function pathBars(bytes) {
  const keys = /** @type {const} */ (["direct", "relayed", "server"]);
  return bars(keys.map((key) => [TEXTS.path[key], bytes[key], formatBytes(bytes[key])]));
}

/** Names and values side by side, with bars that compare. @param {Array<[string, number, string]>} rows */
function bars(rows) {
  const most = Math.max(1, ...rows.map(([, value]) => value));
  return rows.flatMap(([name, value, text]) => [
    h("dt", null, name),
    h(
      "dd",
      { class: "numbers" },
      h("meter", { min: "0", max: String(most), value: String(value), "aria-label": name }),
      h("span", null, text),
    ),
  ]);
}

/** @param {string} name @param {...Node} children */
function section(name, ...children) {
  return h("section", null, h("h3", null, name), ...children);
}

function legend() {
  const entries = ROLES.map((role) => h("li", { class: role }, TEXTS.legend[role]));
  return h("figcaption", null, h("ul", { class: "mesh-legend" }, ...entries));
}

/** @param {HTMLElement} body */
function replicasTable(body) {
  const { name, copies, state } = TEXTS.replicaColumns;
  const heads = [name, copies, state].map((text) => h("th", { scope: "col" }, text));
  return h("table", { class: "peers mesh-replicas", hidden: true }, h("thead", null, h("tr", null, ...heads)), body);
}
