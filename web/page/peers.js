/**
 * The peer connections: browsers offer them on pages only, so the page opens them, and does nothing else with them.
 *
 * Nouns: a *command* comes from the brain, an *answer* goes back to it; both name a channel (a slot number) and its
 * generation. A peer is *pending* until it is connected.
 *
 * Invariants: two negotiated data channels a connection (an ordered one, and an unreliable one for what is worthless when it
 * comes late), transferred to the net worker in the task that created them;
 * every command that opens something is answered by `connected`, or by one `failed`, after which nothing more comes;
 * connections are always closed and their handlers dropped (Chromium counts 500 objects, uncollected ones too); only
 * `failed` and `closed` end one, since a `disconnected` one may come back and the net worker's heartbeat decides. Who
 * is dialled, and whether the peer is who it says, is the brain's business.
 */

import {
  fingerprintOf,
  isAcceptable,
  MESSAGE_BYTES_MAX,
  parseFingerprint,
  withMessageLimit,
  withoutCandidates,
} from "./sdp.js";

/** How long candidates are gathered: in all, and after the first one (they come within milliseconds of each other). */
const GATHER_MS_MAX = 1_500;
const GATHER_REST_MS = 300;
const PENDING_MAX = 8;

/** @type {EcKeyGenParams} */
const ECDSA_P256 = { name: "ECDSA", namedCurve: "P-256" };

/**
 * @typedef {{op: "dial" | "hangup", channel: number, generation: number}
 *   | {op: "accept", channel: number, generation: number, sdp: string}
 *   | {op: "answer", channel: number, generation: number, sdp: string, patient?: boolean}} Command
 * @typedef {{op: "sdp", channel: number, generation: number, sdp: string}
 *   | {op: "connected", channel: number, generation: number, local: Uint8Array, remote: Uint8Array}
 *   | {op: "failed", channel: number, generation: number, reason: string}} Answer
 * @typedef {{channel: number, generation: number, pc: RTCPeerConnection, connected: boolean, patient: boolean,
 *   ended: PromiseWithResolvers<void>}} Peer `ended`: it is closed (what waits on a closed connection never settles)
 * @typedef {{postMessage(message: unknown, transfer?: Transferable[]): void}} NetPort
 */

/** All connections of this page. */
export class Peers {
  #iceServers;
  #netPort;
  #onMessage;
  /** Made once a page, so that all our connections show one fingerprint. */
  #certificate = RTCPeerConnection.generateCertificate(ECDSA_P256);
  /** @type {Map<number, Peer>} */
  #peers = new Map();

  /**
   * @param {object} options
   * @param {RTCIceServer[]} options.iceServers
   * @param {NetPort} options.netPort the net worker
   * @param {(answer: Answer) => void} options.onMessage
   */
  constructor({ iceServers, netPort, onMessage }) {
    this.#iceServers = iceServers;
    this.#netPort = netPort;
    this.#onMessage = onMessage;
    this.#certificate.catch(() => {}); // whoever needs it says so
    addEventListener("pagehide", () => this.closeAll());
    globalThis.document?.addEventListener("freeze", () => this.closeAll());
  }

  /** Connections that exist. */
  get count() {
    return this.#peers.size;
  }

  /**
   * Execute one command of the brain. Commands take effect in the order in which they are given.
   * @param {Command} command
   * @returns {Promise<void>} settled when what it can do now is done; never rejects
   */
  async handle(command) {
    const { channel, generation, op } = command;
    const certificate = await this.#certificate.catch(() => null);
    // No wait from here to the creation of the connection, so that a hangup on the heels of a dial finds it.
    const peer = this.#find(channel, generation);
    if (op === "dial") await this.#dial(channel, generation, certificate);
    else if (op === "answer") await this.#answer(command, certificate);
    else if (op === "accept" && peer !== undefined) await this.#accept(peer, command.sdp);
    else if (op === "hangup" && peer !== undefined) this.#close(peer);
  }

  /** Close every connection; the page is leaving. */
  closeAll() {
    for (const peer of [...this.#peers.values()]) this.#close(peer);
  }

  /**
   * @param {number} channel
   * @param {number} generation
   * @param {RTCCertificate | null} certificate
   */
  async #dial(channel, generation, certificate) {
    const peer = this.#create(channel, generation, certificate);
    if (peer === null) return;
    await this.#attempt(peer, async () => {
      await peer.pc.setLocalDescription(await peer.pc.createOffer());
      await this.#sendDescription(peer);
    });
  }

  /**
   * Where the answer takes long (a person carries it), our checks would fail before the other end has begun its own: it is left
   * to that end to find ours.
   * @param {{channel: number, generation: number, sdp: string, patient?: boolean}} command
   * @param {RTCCertificate | null} certificate
   */
  async #answer({ channel, generation, sdp, patient = false }, certificate) {
    if (!isAcceptable(sdp)) {
      this.#onMessage({ op: "failed", channel, generation, reason: "the offer is not for a data channel" });
      return;
    }
    const peer = this.#create(channel, generation, certificate);
    if (peer === null) return;
    await this.#attempt(peer, async () => {
      peer.patient = patient;
      await peer.pc.setRemoteDescription({ type: "offer", sdp: patient ? withoutCandidates(sdp) : sdp });
      await peer.pc.setLocalDescription(await peer.pc.createAnswer());
      await this.#sendDescription(peer);
    });
  }

  /**
   * @param {Peer} peer
   * @param {string} sdp
   */
  async #accept(peer, sdp) {
    if (peer.pc.signalingState !== "have-local-offer") return; // answered already: a second answer changes nothing
    if (!isAcceptable(sdp)) this.#fail(peer, "the answer is not for a data channel");
    else await this.#attempt(peer, () => peer.pc.setRemoteDescription({ type: "answer", sdp }));
  }

  /**
   * @param {Peer} peer
   * @param {() => Promise<void>} steps
   */
  async #attempt(peer, steps) {
    try {
      await Promise.race([steps(), peer.ended.promise]);
    } catch (error) {
      this.#fail(peer, describe(error));
    }
  }

  /**
   * A connection with its channel, already handed to the net worker.
   * @param {number} channel
   * @param {number} generation
   * @param {RTCCertificate | null} certificate
   * @returns {Peer | null} null when it was refused, and the brain told so
   */
  #create(channel, generation, certificate) {
    try {
      if (certificate === null) throw new Error("the browser makes no certificate");
      const stale = this.#peers.get(channel);
      if (stale !== undefined) this.#close(stale);
      const pending = [...this.#peers.values()].filter((peer) => !peer.connected).length;
      if (pending >= PENDING_MAX) throw new RangeError(`${pending} connections are pending`);
      const pc = new RTCPeerConnection({ iceServers: this.#iceServers, certificates: [certificate] });
      /** @type {Peer} */
      const peer = { channel, generation, pc, connected: false, patient: false, ended: Promise.withResolvers() };
      this.#peers.set(channel, peer);
      pc.onconnectionstatechange = () => this.#stateChanged(peer);
      const dc = pc.createDataChannel("inos", { negotiated: true, id: 0, ordered: true });
      const realtime = pc.createDataChannel("inos-rt", { negotiated: true, id: 1, ordered: false, maxRetransmits: 0 });
      const transfer = /** @type {Transferable[]} */ (/** @type {unknown} */ ([dc, realtime]));
      this.#netPort.postMessage({ type: "channel", channel, generation, dc, realtime }, transfer);
      return peer;
    } catch (error) {
      const half = this.#find(channel, generation);
      if (half !== undefined) this.#close(half);
      this.#onMessage({ op: "failed", channel, generation, reason: describe(error) });
      return null;
    }
  }

  /** @param {Peer} peer */
  async #sendDescription(peer) {
    await gathered(peer.pc);
    if (this.#peers.get(peer.channel) !== peer) return;
    const description = peer.pc.localDescription;
    if (description === null) throw new Error("no local description");
    const { channel, generation } = peer;
    this.#onMessage({ op: "sdp", channel, generation, sdp: withMessageLimit(description.sdp) });
  }

  /** @param {Peer} peer */
  #stateChanged(peer) {
    const state = peer.pc.connectionState;
    if (state === "closed" || (state === "failed" && !peer.patient)) this.#fail(peer, `connection ${state}`);
    if (state === "connected" && !peer.connected) {
      peer.connected = true;
      peer.patient = false;
      void this.#attempt(peer, () => this.#connected(peer));
    }
  }

  /** @param {Peer} peer */
  async #connected(peer) {
    const { channel, generation, pc } = peer;
    const local = localFingerprint(await this.#certificate, pc);
    const remote = await remoteFingerprint(pc);
    if (this.#peers.get(channel) !== peer) return;
    const messageBytesMax = Math.min(pc.sctp?.maxMessageSize ?? 65_536, MESSAGE_BYTES_MAX);
    this.#netPort.postMessage({ type: "limits", channel, generation, messageBytesMax });
    this.#onMessage({ op: "connected", channel, generation, local, remote });
  }

  /**
   * @param {Peer} peer
   * @param {string} reason
   */
  #fail(peer, reason) {
    const { channel, generation } = peer;
    if (this.#find(channel, generation) !== peer) return; // it ended before
    this.#close(peer);
    this.#onMessage({ op: "failed", channel, generation, reason });
  }

  /**
   * @param {number} channel
   * @param {number} generation
   */
  #find(channel, generation) {
    const peer = this.#peers.get(channel);
    return peer?.generation === generation ? peer : undefined;
  }

  /** @param {Peer} peer */
  #close(peer) {
    this.#peers.delete(peer.channel);
    peer.pc.onconnectionstatechange = null;
    peer.pc.close();
    peer.ended.resolve();
    this.#netPort.postMessage({ type: "hangup", channel: peer.channel, generation: peer.generation });
  }
}

/** @param {unknown} error */
function describe(error) {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/**
 * Resolve when the candidates are complete, or when waiting longer is not worth it.
 * @param {RTCPeerConnection} pc
 * @returns {Promise<void>}
 */
function gathered(pc) {
  if (pc.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      pc.onicecandidate = null;
      pc.onicegatheringstatechange = null;
      resolve();
    };
    let timer = setTimeout(done, GATHER_MS_MAX);
    let first = true;
    const startMs = performance.now();
    pc.onicegatheringstatechange = () => {
      if (pc.iceGatheringState === "complete") done();
    };
    pc.onicecandidate = ({ candidate }) => {
      if (candidate === null) done();
      else if (first && candidate.candidate !== "") {
        first = false;
        clearTimeout(timer);
        timer = setTimeout(done, Math.min(GATHER_REST_MS, GATHER_MS_MAX - (performance.now() - startMs)));
      }
    };
  });
}

/**
 * @param {RTCCertificate} certificate
 * @param {RTCPeerConnection} pc
 * @returns {Uint8Array}
 */
function localFingerprint(certificate, pc) {
  const listed = certificate.getFingerprints?.().find(({ algorithm }) => algorithm?.toLowerCase() === "sha-256");
  const bytes = parseFingerprint(listed?.value) ?? fingerprintOf(pc.localDescription?.sdp ?? "");
  if (bytes === null) throw new Error("no fingerprint of our own certificate");
  return bytes;
}

/**
 * Of the certificate that the peer really used, where the browser shows it; else what its description promised, which
 * the browser enforces.
 * @param {RTCPeerConnection} pc
 * @returns {Promise<Uint8Array>}
 */
async function remoteFingerprint(pc) {
  const certificate = pc.sctp?.transport.getRemoteCertificates?.()[0];
  if (certificate !== undefined) return new Uint8Array(await crypto.subtle.digest("SHA-256", certificate));
  const bytes = fingerprintOf(pc.remoteDescription?.sdp ?? "");
  if (bytes === null) throw new Error("no fingerprint of the peer's certificate");
  return bytes;
}
