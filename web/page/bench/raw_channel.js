/**
 * One end of a raw data channel between two pages, for comparison: who measures carries the descriptions from one to the other.
 *
 * Must not know the node.
 */

import { workerUrl } from "../boot.js";
import { withMessageLimit } from "../sdp.js";

export class RawEnd {
  #pc = new RTCPeerConnection();
  #worker = new Worker(workerUrl("/web/worker/bench/channel.js"), { type: "module" });
  #opened;

  constructor() {
    const dc = this.#pc.createDataChannel("raw", { negotiated: true, id: 0 });
    this.#opened = this.#answer();
    this.#worker.postMessage({ dc }, [/** @type {any} */ (dc)]);
  }

  async offer() {
    await this.#pc.setLocalDescription(await this.#pc.createOffer());
    return this.#described();
  }

  /** @param {string} sdp */
  async answer(sdp) {
    await this.#pc.setRemoteDescription({ type: "offer", sdp });
    await this.#pc.setLocalDescription(await this.#pc.createAnswer());
    return this.#described();
  }

  /** @param {string} sdp */
  accept(sdp) {
    return this.#pc.setRemoteDescription({ type: "answer", sdp });
  }

  opened() {
    return this.#opened;
  }

  /** How long it took until all had arrived. @param {number} bytes @param {number} messageBytes @returns {Promise<number>} ms */
  async send(bytes, messageBytes) {
    this.#worker.postMessage({ send: bytes, messageBytes });
    return (await this.#answer()).ms;
  }

  /** Ready to receive when it resolves. @param {number} bytes */
  async receive(bytes) {
    this.#worker.postMessage({ receive: bytes });
    await this.#answer();
  }

  close() {
    this.#pc.close();
    this.#worker.terminate();
  }

  /** @returns {Promise<any>} */
  #answer() {
    return new Promise((resolve) =>
      this.#worker.addEventListener("message", ({ data }) => resolve(data), { once: true }),
    );
  }

  async #described() {
    while (this.#pc.iceGatheringState !== "complete") {
      await new Promise((resolve) => this.#pc.addEventListener("icegatheringstatechange", resolve, { once: true }));
    }
    return withMessageLimit(this.#pc.localDescription?.sdp ?? "");
  }
}
