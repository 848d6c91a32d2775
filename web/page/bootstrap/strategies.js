/**
 * The ways in which nodes meet before they have links, as one: what is said goes over all of them, what comes is told once each.
 *
 * Nouns: a *strategy* carries sealed signals between the members of rooms; it is *up* while somebody might hear. The brain takes a
 * signal that comes twice for one.
 * Invariants: rooms are the same in all strategies; what they cannot carry now is dropped, since nodes repeat themselves. A further
 * strategy (a broker, a relay) is a class of this shape in a file of its own, and a line in network.js.
 */

/**
 * @typedef {object} Strategy
 * @property {boolean} up
 * @property {(room: string) => void} join a room is 64 lower-case hex characters
 * @property {(room: string) => void} leave
 * @property {(room: string, payload: Uint8Array) => boolean} send to the other members; false when it cannot go
 * @property {() => void} close
 *
 * @typedef {object} Callbacks
 * @property {(room: string, payload: Uint8Array) => void} onSignal
 * @property {(room: string, members: number) => void} onJoined members counts us; it is time to signal (again)
 * @property {(up: boolean) => void} onState
 */

export class Strategies {
  /** @type {Strategy[]} */ #all;
  #onState;
  #up = false;

  /** @param {Callbacks} callbacks @param {((callbacks: Callbacks) => Strategy)[]} makers the preferred first */
  constructor(callbacks, makers) {
    this.#onState = callbacks.onState;
    this.#all = [];
    this.#all = makers.map((make) => make({ ...callbacks, onState: () => this.#look() }));
    this.#look();
  }

  get up() {
    return this.#up;
  }

  /** @param {string} room */
  join(room) {
    for (const strategy of this.#all) strategy.join(room);
  }

  /** @param {string} room */
  leave(room) {
    for (const strategy of this.#all) strategy.leave(room);
  }

  /** @param {string} room @param {Uint8Array} payload @returns {boolean} whether it went anywhere */
  send(room, payload) {
    return this.#all.map((strategy) => strategy.send(room, payload)).includes(true);
  }

  close() {
    for (const strategy of this.#all) strategy.close();
  }

  #look() {
    const up = this.#all.some((strategy) => strategy.up);
    if (up === this.#up) return;
    this.#up = up;
    this.#onState(up);
  }
}
