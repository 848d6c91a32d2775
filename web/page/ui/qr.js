/** A text as a QR code, drawn as one SVG path. The library is loaded when the first one is wanted. */

import { at } from "../site.js";

const SVG = "http://www.w3.org/2000/svg";
const LIBRARY = at("build/uqr.mjs");
const BORDER = 2; // modules of quiet zone, beside the white around the drawing

/** @param {string} text @param {string} label @returns {Promise<SVGSVGElement>} */
export async function qrCode(text, label) {
  /** @type {{encode: (text: string, options: object) => {size: number, data: boolean[][]}}} */
  const { encode } = await import(LIBRARY);
  const { size, data } = encode(text, { ecc: "L", border: BORDER });
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("class", "qr");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  svg.setAttribute("shape-rendering", "crispEdges");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", data.map(rowPath).join(""));
  svg.append(path);
  return svg;
}

/** @param {boolean[]} row @param {number} y */
function rowPath(row, y) {
  return row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")).join("");
}
