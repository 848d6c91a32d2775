/** A tiny typed event emitter; a listener that throws does not stop the others. */
export class Emitter {
  /** @type {Map<string, Set<(detail: any) => void>>} */ #listeners = new Map();

  /** @param {string} event @param {(detail: any) => void} listener @returns {() => void} stops listening */
  on(event, listener) {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** @param {string} event @param {any} [detail] */
  emit(event, detail) {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        listener(detail);
      } catch (error) {
        console.error(error);
      }
    }
  }
}
