/**
 * Protection: what opens the vault, and when it locks itself.
 *
 * Invariant: what is shown is asked of the node anew after each change; a change that needs proof of who asks it asks first.
 */

import { whyNoPasskeys } from "../passkey.js";
import { words } from "../words.js";
import { button, h, need, setText } from "./dom.js";
import { formatAgo } from "./format.js";
import { choiceRow, ProtectDialog } from "./protect_dialog.js";

const TEXTS = words.protect;
const IDLE_MINUTES = [0, 1, 5, 15, 60];

/** @typedef {import("./types.js").Slot} Slot */
/** @typedef {import("./types.js").Given} Given */

export class Protect {
  #node;
  #announcer;
  #fail;
  #now = need("protect-now", HTMLElement);
  #body = need("protect-body", HTMLElement);
  #dialog = new ProtectDialog();
  /** @type {Slot[]} */ #slots = [];

  /**
   * @param {import("./types.js").NodeApi} node
   * @param {import("./announce.js").Announcer} announcer
   * @param {(error: unknown) => void} fail
   */
  constructor(node, announcer, fail) {
    this.#node = node;
    this.#announcer = announcer;
    this.#fail = fail;
  }

  async refresh() {
    const { slots, idleMinutes } = await this.#node.protection();
    this.#slots = slots;
    const focused = document.activeElement;
    const asks = !slots.some(({ kind }) => kind === "device");
    const isLockable = slots.some(({ kind }) => kind !== "device");
    setText(this.#now, asks ? TEXTS.nowAsks : isLockable ? TEXTS.nowBoth : TEXTS.nowDevice);
    this.#body.replaceChildren(
      this.#passphrase(),
      this.#passkeys(),
      ...(isLockable ? [this.#asking(asks), this.#locking(asks, idleMinutes)] : []),
    );
    if (focused instanceof HTMLElement && !focused.isConnected) this.#focusAgain(focused);
  }

  /** The keyboard goes on where it was, or at the heading. @param {HTMLElement} before */
  #focusAgain({ id, dataset: { action } }) {
    const again = id ? `#${id}` : `[data-action="${action}"]`;
    const found = this.#body.querySelector(`:is(${again}):not(:disabled)`) ?? need("protect-heading", HTMLElement);
    if (found instanceof HTMLElement) found.focus();
  }

  // --- parts ---------------------------------------------------------------------------------------------------------

  #passphrase() {
    const slot = this.#slots.find(({ kind }) => kind === "passphrase");
    const set = button({
      text: slot ? TEXTS.change : TEXTS.set,
      kind: "soft",
      action: "passphrase-set",
      onClick: () => this.#setPassphrase(slot !== undefined),
    });
    const remove = slot ? this.#removal(slot, TEXTS.removePassphrase) : null;
    const said = slot ? TEXTS.passphraseSet(when(slot)) : TEXTS.passphraseNone;
    return part(
      TEXTS.passphrase,
      h("p", { class: "quiet-text" }, said),
      h("div", { class: "protect-buttons" }, set, remove),
    );
  }

  #passkeys() {
    const slots = this.#slots.filter(({ kind }) => kind === "passkey");
    const why = whyNoPasskeys();
    const rows = slots.map((slot) =>
      h(
        "li",
        { class: "slot", data: { slot: slot.id } },
        h("span", { class: "numbers" }, TEXTS.passkeyAdded(when(slot))),
        this.#removal(slot, TEXTS.removePasskey),
      ),
    );
    const add = button({
      text: TEXTS.addPasskey,
      kind: "soft",
      action: "passkey-add",
      onClick: () => this.#proved(TEXTS.addPasskey, (current) => this.#node.addPasskey({ ...this.#kept(), current })),
    });
    return part(
      TEXTS.passkeys,
      h(
        "p",
        { class: "quiet-text" },
        why === "address" ? TEXTS.passkeysNeedName : why ? TEXTS.passkeysNone : TEXTS.passkeysHint,
      ),
      rows.length > 0 ? h("ul", { class: "slots" }, ...rows) : null,
      why ? null : h("div", { class: "protect-buttons" }, add),
    );
  }

  /** @param {boolean} asks */
  #asking(asks) {
    const box = h("input", { type: "checkbox", id: "ask-always", checked: asks });
    box.addEventListener("change", () => {
      const wanted = box.checked;
      box.checked = asks; // until it is so
      if (wanted) void this.#change(() => this.#node.setAskAlways(true), TEXTS.saidAsks);
      else this.#proved(TEXTS.askAlways, (current) => this.#node.setAskAlways(false, { current }));
    });
    return part(TEXTS.opening, choiceRow(box, { label: TEXTS.askAlways, hint: TEXTS.askAlwaysHint }));
  }

  /** @param {boolean} asks @param {number} idleMinutes */
  #locking(asks, idleMinutes) {
    const choices = [...new Set([...IDLE_MINUTES, idleMinutes])].sort((a, b) => a - b);
    const select = h(
      "select",
      { id: "idle-lock" },
      ...choices.map((minutes) =>
        h("option", { value: minutes, selected: minutes === idleMinutes }, TEXTS.idleChoice(minutes)),
      ),
    );
    select.addEventListener("change", () => void this.#node.setIdleLock(Number(select.value)).catch(this.#fail));
    const lock = button({
      text: TEXTS.lockNow,
      kind: "soft",
      action: "lock",
      onClick: () => void this.#node.lock().catch(this.#fail),
    });
    return part(
      TEXTS.locking,
      h("p", { class: "quiet-text" }, asks ? TEXTS.lockHint : TEXTS.lockShallow),
      h("div", { class: "protect-buttons" }, lock, h("label", { for: "idle-lock" }, TEXTS.idle), select),
    );
  }

  /** @param {Slot} slot @param {string} label */
  #removal({ id }, label) {
    const isLast = this.#slots.length === 1;
    const remove = button({
      text: label,
      kind: "quiet",
      action: "slot-remove",
      onClick: () => void this.#change(() => this.#node.removeSlot(id), TEXTS.saidRemoved),
    });
    remove.disabled = isLast;
    remove.title = isLast ? TEXTS.lastStays : "";
    return remove;
  }

  // --- changes -------------------------------------------------------------------------------------------------------

  /** Whether this device opens the vault stays as it is. */
  #kept() {
    return { askAlways: this.#needsProof() };
  }

  #needsProof() {
    return !this.#slots.some(({ kind }) => kind === "device");
  }

  /** @param {boolean} isSet */
  #setPassphrase(isSet) {
    const current = this.#needsProof() && this.#slots.some(({ kind }) => kind === "passphrase");
    this.#dialog.ask({
      heading: isSet ? TEXTS.change : TEXTS.set,
      says: [TEXTS.advice, TEXTS.forgotten],
      current,
      fresh: true,
      choice: { label: TEXTS.askAlways, hint: TEXTS.askAlwaysHint, checked: isSet ? this.#needsProof() : true },
      submit: TEXTS.save,
      run: async (answer) => {
        const proof = current ? { passphrase: answer.current } : this.#proofByPasskey();
        await this.#node.setPassphrase(answer.fresh, { askAlways: answer.chosen, current: proof });
        await this.#said(TEXTS.saidSet);
      },
    });
  }

  /** @returns {Given | undefined} */
  #proofByPasskey() {
    return this.#needsProof() ? { passkey: true } : undefined;
  }

  /**
   * Do something that needs the vault's secret: this device gives it, or the person proves who asks.
   * @param {string} heading @param {(current: Given | undefined) => Promise<unknown>} run
   */
  #proved(heading, run) {
    if (!this.#needsProof() || !this.#slots.some(({ kind }) => kind === "passphrase")) {
      void this.#change(() => run(this.#proofByPasskey()), TEXTS.saidChanged);
      return;
    }
    this.#dialog.ask({
      heading,
      says: [TEXTS.proof],
      current: true,
      fresh: false,
      submit: TEXTS.goOn,
      run: async (answer) => {
        await run({ passphrase: answer.current });
        await this.#said(TEXTS.saidChanged);
      },
    });
  }

  /** @param {() => Promise<unknown>} change @param {string} said */
  async #change(change, said) {
    try {
      await change();
      await this.#said(said);
    } catch (error) {
      this.#fail(error);
      await this.refresh().catch(this.#fail);
    }
  }

  /** @param {string} said */
  async #said(said) {
    this.#announcer.say(said);
    await this.refresh();
  }
}

/** @param {string} heading @param {...import("./dom.js").Child} children */
function part(heading, ...children) {
  return h("section", { class: "protect-part" }, h("h4", null, heading), ...children);
}

/** @param {Slot} slot */
function when({ timeMs }) {
  return timeMs > 0 ? formatAgo(timeMs, Date.now()) : "";
}
