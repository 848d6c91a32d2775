/**
 * Streamed downloads: a port from the io worker to the service worker, which answers one request with its bytes.
 *
 * Invariants: nothing of the plaintext is kept anywhere; at most one piece is on its way; the service worker is kept awake
 * by a message every KEEP_ALIVE_MS for as long as the download runs (browsers stop idle ones after 30 s).
 */

import { NodeError } from "./boot.js";
import { activeWorker, registerDownloadWorker } from "./service_worker.js";
import { at } from "./site.js";

const KEEP_ALIVE_MS = 10_000;
const READY_TIMEOUT_MS = 10_000;

export class Downloads {
  #scriptUrl;

  /** @param {(path: string) => string} [scriptUrl] the URL of one of the site's scripts, as Trusted Types wants it */
  constructor(scriptUrl = at) {
    this.#scriptUrl = scriptUrl;
  }

  /** The service worker, which is registered if it is not yet; null: the browser has none for us, or it could not be installed. */
  worker() {
    return registerDownloadWorker(this.#scriptUrl).then(activeWorker, () => null);
  }

  /**
   * Open a download of `size` bytes (null: not known yet).
   * @param {ServiceWorker} worker @param {{name: string, size: number | null, mediaType: string}} file
   * @returns {Promise<{port: MessagePort, end: () => void}>} the port to hand to the io worker, and what to call at the end
   */
  async open(worker, { name, size, mediaType }) {
    const { port1, port2 } = new MessageChannel();
    const id = crypto.randomUUID();
    await new Promise((resolve, reject) => {
      const ready = new MessageChannel();
      const timer = setTimeout(
        () => reject(new NodeError("DownloadFailed", "the service worker is silent")),
        READY_TIMEOUT_MS,
      );
      ready.port1.onmessage = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
      worker.postMessage({ type: "download", id, name, size, mediaType, port: port1, ready: ready.port2 }, [
        port1,
        ready.port2,
      ]);
    });
    const frame = document.createElement("iframe");
    frame.hidden = true;
    frame.src = at(`download/${id}`);
    document.body.append(frame);
    const keepAlive = setInterval(() => worker.postMessage({ type: "keep-alive" }), KEEP_ALIVE_MS);
    const end = () => {
      clearInterval(keepAlive);
      setTimeout(() => frame.remove(), KEEP_ALIVE_MS); // removing it earlier could cut the browser's last read
    };
    return { port: port2, end };
  }
}
