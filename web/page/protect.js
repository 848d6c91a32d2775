/**
 * The ways into the vault, as the page offers them: unlocking, passphrase and passkeys, locking on demand and after idle time.
 *
 * Nouns: a *slot* is one way in; the vault *asks always* when it has no slot of this device. Locked is where the node is before
 * the vault is opened: Python knows no name and no key.
 * Invariants: to lock, the vault is closed and the page loaded anew, which leaves nothing of it in memory; the wish to be
 * locked outlives the page, but where this device has a slot it keeps only the page shut, not the disk.
 */

import { NodeError } from "./boot.js";
import { askPasskey, createPasskey } from "./passkey.js";

/** @typedef {import("./ui/types.js").Slot} Slot */
/** @typedef {import("./ui/types.js").Given} Given */
/**
 * @typedef {object} Host  what the node lends
 * @property {Promise<unknown>} ready
 * @property {(method: string, args?: object) => Promise<any>} ask  a call of the brain, also while locked
 * @property {(slots: Slot[]) => void} onLocked
 * @property {() => Promise<void>} letGo  commit, close, give back
 * @property {() => boolean} isBusy  whether somebody waits for work in progress
 */

const MINUTE_MS = 60_000;
const LOOK_INTERVAL_MS = 5_000;
const ACTIVE_EVENTS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

export class Protection {
  #host;
  #lockedKey;
  #idleKey;
  /** @type {PromiseWithResolvers<any>} */ #opened = Promise.withResolvers();
  #isLocked = false;
  #active_ms = Date.now();
  /** @type {ReturnType<typeof setInterval> | undefined} */ #timer;

  /** @param {Host} host @param {string} folder the vault's */
  constructor(host, folder) {
    this.#host = host;
    this.#lockedKey = `inos-locked ${folder}`;
    this.#idleKey = `inos-idle-lock-minutes ${folder}`;
  }

  /** Open the vault: at once where this device may, else when somebody unlocks it. @returns {Promise<any>} */
  async open() {
    const { slots } = await this.#host.ask("protection");
    if (!isAsking(slots, recall(this.#lockedKey) !== null)) {
      try {
        return await this.#host.ask("open");
      } catch (error) {
        if (/** @type {any} */ (error)?.code !== "UnlockNeeded") throw error; // this device's key is gone
      }
    }
    this.#isLocked = true;
    this.#host.onLocked(slots);
    return this.#opened.promise;
  }

  /** Resolves when the node is ready. @param {Given} given */
  async unlock(given) {
    if (!this.#isLocked) throw new NodeError("NotReady", "there is nothing to unlock");
    const opened = await this.#host.ask("open", { unlock: await this.#told(given) });
    this.#isLocked = false;
    forget(this.#lockedKey);
    this.#opened.resolve(opened);
    await this.#host.ready;
  }

  /** From now on the page locks itself after idle time, if anything but this device opens it. */
  watchIdle() {
    const note = () => {
      this.#active_ms = Date.now();
    };
    for (const name of ACTIVE_EVENTS) addEventListener(name, note, { capture: true, passive: true });
    document.addEventListener("visibilitychange", () => this.#look()); // timers sleep with the machine
    this.#setTimer();
  }

  /** What opens the vault; known also while it is locked. */
  async protection() {
    const { slots } = await this.#host.ask("protection");
    return { slots, idleMinutes: this.#idleMinutes() };
  }

  /**
   * A passphrase in the place of the one before. `current`: what opens the vault now, where this device does not.
   * @param {string} passphrase @param {{askAlways?: boolean, current?: Given}} options */
  async setPassphrase(passphrase, { askAlways = false, current }) {
    await this.#host.ready;
    const args = { passphrase, ask_always: askAlways, current: await this.#told(current) };
    await this.#host.ask("set_passphrase", args);
  }

  /** @param {{askAlways?: boolean, current?: Given}} options */
  async addPasskey({ askAlways = false, current }) {
    await this.#host.ready;
    const told = await this.#told(current);
    const made = await createPasskey();
    await this.#host.ask("add_passkey", { ...made, ask_always: askAlways, current: told });
  }

  /** Whether this device opens the vault by itself. @param {boolean} askAlways @param {{current?: Given}} options */
  async setAskAlways(askAlways, { current }) {
    await this.#host.ready;
    await this.#host.ask("set_ask_always", { ask_always: askAlways, current: await this.#told(current) });
  }

  /** @param {string} id */
  async removeSlot(id) {
    await this.#host.ready;
    await this.#host.ask("remove_slot", { id });
  }

  /** Commit, close the vault, and load the page anew, locked. Work in progress ends. */
  async lock() {
    await this.#host.ready;
    const { slots } = await this.#host.ask("protection");
    if (!slots.some(isAsked)) throw new NodeError("BadArgument", "nothing would open it again: set a passphrase first");
    keep(this.#lockedKey, "1");
    this.#host.onLocked(slots);
    await this.#host.letGo();
    location.reload();
  }

  /** @param {number} minutes without a person's doing until the page locks itself; 0 for never */
  async setIdleLock(minutes) {
    if (!(minutes >= 0)) throw new NodeError("BadArgument", "minutes from 0 on");
    if (minutes > 0) keep(this.#idleKey, String(minutes));
    else forget(this.#idleKey);
    this.#active_ms = Date.now();
    this.#setTimer();
  }

  #idleMinutes() {
    return Number(recall(this.#idleKey)) || 0;
  }

  #setTimer() {
    clearInterval(this.#timer);
    const idle_ms = this.#idleMinutes() * MINUTE_MS;
    if (idle_ms > 0) this.#timer = setInterval(() => this.#look(), Math.min(LOOK_INTERVAL_MS, idle_ms / 4));
  }

  #look() {
    const idle_ms = this.#idleMinutes() * MINUTE_MS;
    if (this.#isLocked || idle_ms === 0) return;
    if (this.#host.isBusy()) this.#active_ms = Date.now(); // a long upload must not be cut because its owner went for a walk
    if (Date.now() - this.#active_ms < idle_ms) return;
    this.#active_ms = Date.now();
    this.lock().catch(() => {}); // nothing but this device opens it: there is no lock to speak of
  }

  /** What goes to the brain. @param {Given | undefined} given */
  async #told(given) {
    if (!given) return null;
    if ("passphrase" in given) return { passphrase: given.passphrase };
    const { slots } = await this.#host.ask("protection");
    const passkeys = slots.filter((/** @type {Slot} */ slot) => slot.kind === "passkey");
    if (passkeys.length === 0) throw new NodeError("VaultLocked", "no passkey opens the vault");
    return askPasskey(passkeys);
  }
}

/** Whether something must be given for it. @param {Slot} slot */
function isAsked({ kind }) {
  return kind === "passphrase" || kind === "passkey";
}

/** @param {Slot[]} slots @param {boolean} wasLocked by a person or by idle time */
function isAsking(slots, wasLocked) {
  return slots.some(isAsked) && (wasLocked || !slots.some(({ kind }) => kind === "device"));
}

/** @param {string} key */
function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // a page without storage of this kind: it is not remembered
  }
}

/** @param {string} key @param {string} value */
function keep(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // as above
  }
}

/** @param {string} key */
function forget(key) {
  try {
    localStorage.removeItem(key);
  } catch {
    // as above
  }
}
