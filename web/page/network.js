/**
 * The brain's hands outside: peer connections and the ways to meet, one command at a time.
 *
 * It decides nothing: what the brain asks is done, what happens is told to the brain.
 */

import { Broadcast } from "./bootstrap/broadcast.js";
import { Rendezvous } from "./bootstrap/rendezvous.js";
import { Strategies } from "./bootstrap/strategies.js";
import { readConfig } from "./config.js";
import { iceServersOf } from "./ice.js";
import { Peers } from "./peers.js";
import { settings } from "./settings.js";
import { ROOT } from "./site.js";

export class Network {
  #tell;
  #workers;
  /** @type {Promise<{peers: Peers, meeting: Strategies}>} */ #parts;
  /** @type {Promise<unknown>} commands are handled in order */ #chain;

  /** @param {{net: Worker}} workers @param {(happening: any, transfer?: Transferable[]) => void} tell */
  constructor(workers, tell) {
    this.#workers = workers;
    this.#tell = tell;
    this.#parts = this.#make();
    this.#chain = this.#parts;
  }

  /** @param {any} command */
  handle(command) {
    // A command that fails must not stop those after it; the brain hears of it by a time-out.
    const run = this.#chain.then(() => this.#parts).then((parts) => this.#run(parts, command));
    this.#chain = run.catch((error) => console.warn(`${command.op}: ${error}`));
  }

  async #make() {
    const config = await readConfig();
    const peers = new Peers({
      iceServers: iceServers(config),
      netPort: this.#workers.net,
      onMessage: (/** @type {any} */ message) => this.#tell(message),
    });
    const callbacks = {
      onSignal: (/** @type {string} */ room, /** @type {Uint8Array} */ payload) =>
        this.#tell({ op: "signal", room, payload }),
      onJoined: (/** @type {string} */ room, /** @type {number} */ members) =>
        this.#tell({ op: "joined", room, members }),
      onState: (/** @type {boolean} */ up) => this.#tell({ op: "rendezvous", up }),
    };
    const url = rendezvousUrl(config);
    /** @type {((given: any) => import("./bootstrap/strategies.js").Strategy)[]} */
    const ways = [(given) => new Broadcast(given)];
    if (url) ways.unshift((given) => new Rendezvous(url, given));
    const meeting = new Strategies(callbacks, ways);
    return { peers, meeting };
  }

  /** @param {{peers: Peers, meeting: Strategies}} parts @param {any} command */
  #run({ peers, meeting }, command) {
    if (command.op === "join") meeting.join(command.room);
    else if (command.op === "leave") meeting.leave(command.room);
    else if (command.op === "signal") meeting.send(command.room, command.payload);
    else peers.handle(command);
  }
}

/** Where the meeting server is, as set here or else as the site says; null: there is none, or no such place. @param {import("./config.js").Config} config */
export function rendezvousUrl({ rendezvous = "rendezvous" }) {
  const place = settings.get("rendezvous") || rendezvous;
  if (place === null || !URL.canParse(place, ROOT)) return null;
  const url = new URL(place, ROOT);
  url.protocol = url.protocol === "https:" || url.protocol === "wss:" ? "wss:" : "ws:";
  return url;
}

/**
 * What the person has set here comes before what the site says. No link may choose them: it would tell others where we are.
 * @param {import("./config.js").Config} config
 */
export function iceServers(config) {
  const { servers } = iceServersOf(settings.get("iceServers"));
  return servers.length > 0 ? servers : (config.iceServers ?? []);
}
