/**
 * The mesh as a picture: the circle of ids with this node at its top, links as chords, look-ups as paths that light up.
 *
 * Nouns: a node's *place* is where its id lies on the circle, counted from ours; a *chord* is a link.
 * Invariants: what moves says nothing that the tables beside it do not say in words; with "less motion" nothing moves.
 */

import { words } from "../words.js";
import { formatDuration } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const SIZE = 400;
const CENTRE = SIZE / 2;
const RADIUS = 150;
const LABEL_RADIUS = RADIUS + 22;
const LABEL_GAP = 0.2; // radians; nearer ones would lie over each other
const ID_DIGITS = 8; // of an id's hex digits, as many as a double takes exactly
const TURN = 16 ** ID_DIGITS;
const TEXTS = words.mesh;

/** @typedef {import("./types.js").MeshView} MeshView */
/** @typedef {import("./types.js").MeshNeighbour} MeshNeighbour */

/** @param {string} name @param {Record<string, string | number>} attributes @param {...Node} children */
function draw(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/** @param {string} id @param {string} own @returns {number} radians, clockwise from the top */
export function placeOf(id, own) {
  const [at, origin] = [id, own].map((hex) => Number.parseInt(hex.slice(0, ID_DIGITS).padEnd(ID_DIGITS, "0"), 16));
  return ((((at ?? 0) - (origin ?? 0) + TURN) % TURN) / TURN) * 2 * Math.PI;
}

/** @param {number} angle @param {number} radius */
function point(angle, radius) {
  return { x: CENTRE + radius * Math.sin(angle), y: CENTRE - radius * Math.cos(angle) };
}

/** A curve from the top to there, bent towards the middle. @param {number} angle */
function chord(angle) {
  const from = point(0, RADIUS);
  const to = point(angle, RADIUS);
  const bend = point(angle / 2 + (angle > Math.PI ? Math.PI : 0), RADIUS * 0.25);
  return `M${from.x.toFixed(1)} ${from.y.toFixed(1)}Q${bend.x.toFixed(1)} ${bend.y.toFixed(1)} ${to.x.toFixed(1)} ${to.y.toFixed(1)}`;
}

/** Those whose labels find room, in the order of the circle. @param {MeshNeighbour[]} neighbours @param {string} own */
function spread(neighbours, own) {
  let last = 0;
  return neighbours
    .map((neighbour) => ({ ...neighbour, at: placeOf(neighbour.id, own) }))
    .sort((a, b) => a.at - b.at)
    .filter(({ at }) => {
      const fits = at - last >= LABEL_GAP && 2 * Math.PI - at >= LABEL_GAP;
      if (fits) last = at;
      return fits;
    });
}

/** The strongest reason why a link is kept. @param {string[]} roles */
const roleOf = (roles) => ["partner", "sibling", "bucket", "random"].find((role) => roles.includes(role)) ?? "random";

export class MeshMap {
  #links = draw("g", {});
  #paths = draw("g", {});
  #dots = draw("g", {});
  #title = draw("title", {});
  #lastLookup = "";
  #shown = "";

  element = draw(
    "svg",
    { viewBox: `0 0 ${SIZE} ${SIZE}`, class: "mesh-map", role: "img" },
    this.#title,
    draw("circle", { cx: CENTRE, cy: CENTRE, r: RADIUS, class: "mesh-ring" }),
    this.#links,
    this.#paths,
    this.#dots,
  );

  /** @param {MeshView} mesh */
  show(mesh) {
    this.#title.textContent = TEXTS.mapText(mesh.neighbours.length, mesh.known.length);
    const shown = JSON.stringify([
      mesh.neighbours.map(({ id, roles, state }) => [id, roles, state]),
      mesh.known,
      mesh.self.id,
    ]);
    if (shown !== this.#shown) this.#drawNodes(mesh);
    this.#shown = shown;
    this.#lightUp(mesh);
  }

  /** @param {MeshView} mesh */
  #drawNodes({ self, neighbours, known }) {
    this.#links.replaceChildren(
      ...neighbours.map(({ id, roles, state }) =>
        draw("path", { d: chord(placeOf(id, self.id)), class: `mesh-link ${roleOf(roles)} ${state}` }),
      ),
    );
    this.#dots.replaceChildren(
      ...known.map((id) => this.#dot(placeOf(id, self.id), 2.5, "mesh-known")),
      ...neighbours.map((neighbour) => this.#neighbour(neighbour, self.id)),
      ...spread(neighbours, self.id).map(({ id }) => this.#label(placeOf(id, self.id), id.slice(0, 4))),
      this.#dot(0, 8, "mesh-self"),
      this.#label(0, TEXTS.self),
    );
  }

  /** @param {MeshNeighbour} neighbour @param {string} own */
  #neighbour({ id, roles, state, rttMs }, own) {
    const dot = this.#dot(placeOf(id, own), 5.5, `mesh-node ${roleOf(roles)} ${state}`);
    const why = roles.map((role) => TEXTS.legend[/** @type {keyof typeof TEXTS.legend} */ (role)] ?? role).join(", ");
    dot.append(draw("title", {}, document.createTextNode(TEXTS.node(id.slice(0, 8), why, formatDuration(rttMs)))));
    return dot;
  }

  /** @param {number} angle @param {number} radius @param {string} kind */
  #dot(angle, radius, kind) {
    const { x, y } = point(angle, RADIUS);
    return draw("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: radius, class: kind });
  }

  /** @param {number} angle @param {string} text */
  #label(angle, text) {
    const { x, y } = point(angle, LABEL_RADIUS);
    return draw("text", { x: x.toFixed(1), y: (y + 4).toFixed(1), class: "mesh-label" }, document.createTextNode(text));
  }

  /** The last look-up, hop by hop. @param {MeshView} mesh */
  #lightUp({ self, lookups }) {
    const last = lookups.last.at(-1);
    const mark = last ? `${lookups.count} ${last.target}` : "";
    if (mark === this.#lastLookup) return;
    this.#lastLookup = mark;
    if (!last) return;
    const stops = [self.id, ...last.path].map((id) => point(placeOf(id, self.id), RADIUS));
    const line = stops.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
    const path = draw("polyline", { points: line, pathLength: 1, class: "mesh-lookup" });
    path.addEventListener("animationend", () => path.remove());
    this.#paths.replaceChildren(path);
  }
}
