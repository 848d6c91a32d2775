/**
 * Building elements without markup: every text goes in as a text node, so nothing that a peer wrote is ever parsed.
 *
 * Invariants: no innerHTML, no style attributes (the page's policy forbids them), no event attributes.
 */

/**
 * @typedef {string | number | Node | null | undefined | false} Child
 * @typedef {Record<string, unknown> & {
 *   class?: string,
 *   data?: Record<string, string>,
 *   on?: Record<string, (event: any) => void>,
 * }} Properties
 */

/**
 * One element. `class`, `data` and `on` are special; a boolean is a present or absent attribute; all else is an attribute.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Properties | null} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) setProperty(element, name, value);
  append(element, ...children);
  return element;
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {any} value
 */
function setProperty(element, name, value) {
  if (name === "class") element.className = value;
  else if (name === "data") Object.assign(element.dataset, value);
  else if (name === "on")
    for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
  else if (name.startsWith("on") || name === "style") throw new TypeError(`${name}: not as an attribute`);
  else if (typeof value === "boolean") element.toggleAttribute(name, value);
  else if (value !== null && value !== undefined) element.setAttribute(name, String(value));
}

/**
 * @param {Element} parent
 * @param {...Child} children
 */
export function append(parent, ...children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : String(child));
  }
}

/**
 * A part of index.html that the interface cannot do without.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function need(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new TypeError(`index.html has no ${type.name} #${id}`);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * A drawing from the sheet at the end of index.html. Decoration only: the button's name is its label.
 *
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/**
 * A button with an icon, a text, or both; without a text on it, `label` names it.
 *
 * @param {{icon?: string, text?: string, label?: string, action?: string, kind?: string,
 *   onClick: (event: MouseEvent) => void}} options
 */
export function button({ icon: drawing, text, label, action, kind = "quiet", onClick }) {
  return h(
    "button",
    {
      type: "button",
      class: `button ${kind}${text ? "" : " only-icon"}`,
      "aria-label": label,
      title: text ? undefined : label,
      data: action ? { action } : {},
      on: { click: onClick },
    },
    drawing ? icon(drawing) : null,
    text ? h("span", null, text) : null,
  );
}

/**
 * Text from a peer or a file system, set apart so that its direction cannot turn what stands beside it.
 *
 * @param {string} shown
 * @param {string} [full]  a longer form for the tool tip
 */
export function isolated(shown, full) {
  return h("bdi", { class: "name", title: full && full !== shown ? full : undefined }, shown);
}

/**
 * Sets text only where it differs: a screen reader hears each change of a live region, and layout stays warm.
 *
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Put a text where it can be pasted. It fails where permission is lacking or the window is not in front.
 *
 * @param {string} text
 * @returns {Promise<boolean>} whether it worked
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * A bar: without a fraction it says "something is happening".
 *
 * @param {HTMLProgressElement} bar
 * @param {number | null} part
 */
export function setBar(bar, part) {
  if (part === null) bar.removeAttribute("value");
  else bar.value = part;
}

/**
 * Runs `draw` at most once per interval, always after the last call. A timer, not an animation frame: hidden tabs get no
 * frames, and work goes on there.
 *
 * @param {() => void} draw
 * @param {number} interval_ms
 */
export function throttled(draw, interval_ms) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let last_ms = Number.NEGATIVE_INFINITY;
  return () => {
    if (timer !== undefined) return;
    const wait_ms = Math.max(0, last_ms + interval_ms - performance.now());
    timer = setTimeout(() => {
      timer = undefined;
      last_ms = performance.now();
      draw();
    }, wait_ms);
  };
}
