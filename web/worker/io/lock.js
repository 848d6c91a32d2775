/**
 * One tab at a time: the Web Lock of the vault, and how it is handed over.
 *
 * Invariants: no file is opened without the lock; a holder that is asked to hand over flushes, closes and releases; one that
 * does not answer within HANDOVER_MS loses the lock by `steal` (the epoch in the superblock fences it off then).
 */

const RETRY_MS = 2_000; // a reload's old page may hold it for a moment
const HANDOVER_MS = 2_000;

export class VaultLock {
  #name;
  #channel;
  /** @type {((value: void) => void) | null} */ #release = null;
  #onAsked;
  #onLost;

  /**
   * @param {string} folder of the vault, which names the lock too: another folder is another vault
   * @param {() => void} onAsked another tab asks for the vault: close it, then call `release`
   * @param {() => void} onLost the lock was taken from us
   */
  constructor(folder, onAsked, onLost) {
    this.#name = folder;
    this.#channel = new BroadcastChannel(folder);
    this.#onAsked = onAsked;
    this.#onLost = onLost;
    this.#channel.onmessage = (event) => {
      if (event.data === "hand over" && this.#release) this.#onAsked();
    };
  }

  /** Wait up to RETRY_MS for the lock. @returns {Promise<boolean>} whether it is held */
  acquire() {
    return this.#request({ signal: AbortSignal.timeout(RETRY_MS) });
  }

  /** Ask the holder, then take it. @returns {Promise<boolean>} */
  async takeOver() {
    this.#channel.postMessage("hand over");
    if (await this.#request({ signal: AbortSignal.timeout(HANDOVER_MS) })) return true;
    return this.#request({ steal: true });
  }

  release() {
    this.#release?.();
    this.#release = null;
  }

  /** @param {LockOptions} options @returns {Promise<boolean>} */
  #request(options) {
    return new Promise((resolve) => {
      navigator.locks
        .request(this.#name, options, () => {
          const released = new Promise((/** @type {(value: void) => void} */ release) => {
            this.#release = release;
          });
          resolve(true);
          return released;
        })
        .catch((error) => {
          const held = this.#release !== null;
          this.#release = null;
          if (held && error?.name === "AbortError") this.#onLost();
          resolve(false);
        });
    });
  }
}
