/**
 * The header: the node's phase, the bytes still to load, the peers connected.
 *
 * Invariant: `#state[data-phase]` and `#peers-count[data-count]` always say the same as the words beside them.
 */

import { words } from "../words.js";
import { need, setBar, setText } from "./dom.js";
import { formatBytes, safeText } from "./format.js";

export class Status {
  #pill = need("state", HTMLElement);
  #text = need("state-text", HTMLElement);
  #bar = need("boot-bar", HTMLProgressElement);
  #peers = need("peers-count", HTMLElement);
  #peersText = need("peers-text", HTMLElement);
  #bytesToGoMax = 0;

  /** @param {import("./types.js").NodeState} state */
  show(state) {
    this.#pill.dataset.phase = state.phase;
    setText(this.#text, stateText(state));
    const starting = state.phase === "starting";
    this.#bar.hidden = !starting;
    if (!starting) return;
    const { bytesToGo } = state;
    if (bytesToGo !== null) this.#bytesToGoMax = Math.max(this.#bytesToGoMax, bytesToGo);
    const known = bytesToGo !== null && bytesToGo > 0;
    setBar(this.#bar, known ? 1 - bytesToGo / this.#bytesToGoMax : null);
  }

  /** @param {number} count */
  showPeers(count) {
    this.#peers.dataset.count = String(count);
    setText(this.#peersText, words.peers.count(count));
  }
}

/** @param {import("./types.js").NodeState} state */
export function stateText({ phase, step, bytesToGo }) {
  if (phase !== "starting") return words.state[phase];
  if (bytesToGo !== null && bytesToGo > 0) return words.state.toGo(formatBytes(bytesToGo));
  const said = words.steps[step] ?? safeText(step).slice(0, 80);
  return said ? words.state.startingStep(said) : words.state.starting;
}
