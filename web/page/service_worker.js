/**
 * The page's side of the service worker (`static/sw.js`): registering it, new builds, isolation where the host sends no headers.
 *
 * Nouns: an *update* is a build that lies here whole and waits; *isolation* is what shared memory needs.
 * Invariants: nothing here is needed by the node: where a browser refuses service workers, all but streamed downloads, offline use and films
 * from the middle works; a page is loaded anew for isolation only while that can still help; an update never cuts off work that is
 * under way in any tab (`whileBusy`).
 */

import { Emitter } from "./emitter.js";
import { findRefusal } from "./requirements.js";
import { ROOT } from "./site.js";

const SCRIPT = "sw.js";
const DOWNLOAD_SCRIPT = "sw_download.js";
const LOOK_EVERY_MS = 60 * 60 * 1000;
/** Chromium was seen to lose a message to a worker that it had put to sleep. */
const ASK_AGAIN_MS = 500;
const BUSY_LOCK = `inos-busy ${ROOT}`;
const RELOADS_KEY = `inos-isolating ${ROOT}`;
const RELOADS_MAX = 2; // a reload past the caches is one that does not count

/** @typedef {(path: string) => string} ScriptUrl the URL of one of the site's scripts, made as Trusted Types wants it */

/** @type {Promise<ServiceWorkerRegistration> | null} */
let registering = null;

/** @param {ScriptUrl} scriptUrl @returns {Promise<ServiceWorkerRegistration>} */
export function registerServiceWorker(scriptUrl) {
  registering ??= register(scriptUrl);
  registering.catch(() => {
    registering = null;
  });
  return registering;
}

/** @param {ScriptUrl} scriptUrl */
async function register(scriptUrl) {
  if (!navigator.serviceWorker) throw new TypeError("no service worker here");
  return navigator.serviceWorker.register(scriptUrl(SCRIPT), { scope: ROOT, updateViaCache: "none" });
}

/** That of downloads: small, and there at once, while the site's is still fetching what it keeps. @param {ScriptUrl} scriptUrl */
export async function registerDownloadWorker(scriptUrl) {
  if (!navigator.serviceWorker) throw new TypeError("no service worker here");
  return navigator.serviceWorker.register(scriptUrl(DOWNLOAD_SCRIPT), { scope: `${ROOT}download/` });
}

/** @param {ServiceWorkerRegistration} registration @returns {Promise<ServiceWorker | null>} null: it could not be installed */
export function activeWorker(registration) {
  const coming = registration.active ?? registration.waiting ?? registration.installing;
  if (!coming) return Promise.resolve(null);
  return new Promise((resolve) => {
    const look = () => {
      if (coming.state === "activated") resolve(coming);
      if (coming.state === "redundant") resolve(registration.active);
    };
    coming.addEventListener("statechange", look);
    look();
  });
}

/** Work under way: no update takes over before it has ended. @template T @param {() => Promise<T>} work @returns {Promise<T>} */
export function whileBusy(work) {
  if (!navigator.locks) return work();
  const ended = Promise.withResolvers();
  navigator.locks.request(BUSY_LOCK, { mode: "shared" }, () => ended.promise).catch(() => {});
  return work().finally(() => ended.resolve(undefined));
}

/** @typedef {"starting" | "refused" | "keeping" | "kept" | "failed"} Offline  kept: the site opens without a network */

export class SiteWorker {
  #events = new Emitter();
  #scriptUrl;
  /** @type {ServiceWorkerRegistration | null} */ #registration = null;
  /** @type {Offline} */ #offline = "starting";
  #isAsked = false;

  /** @param {ScriptUrl} scriptUrl */
  constructor(scriptUrl) {
    this.#scriptUrl = scriptUrl;
  }

  /** `offline` (how far it is) · `update` (one waits, or has taken over in another tab). @param {string} event @param {(detail?: any) => void} listener */
  on(event, listener) {
    return this.#events.on(event, listener);
  }

  offline() {
    return this.#offline;
  }

  /** Keep the site here, and look for new builds now and then. */
  async start() {
    const hadController = Boolean(navigator.serviceWorker?.controller);
    navigator.serviceWorker?.addEventListener("controllerchange", () => {
      if (hadController && !this.#isAsked) this.#events.emit("update");
    });
    try {
      this.#registration = await registerServiceWorker(this.#scriptUrl);
    } catch {
      this.#tell("refused");
      return;
    }
    const registration = this.#registration;
    registration.addEventListener("updatefound", () => this.#watch(registration));
    this.#watch(registration);
    setInterval(() => void registration.update().catch(() => {}), LOOK_EVERY_MS); // refused while there is no network
    this.#tell(registration.active ? "kept" : "keeping");
    this.#tell((await activeWorker(registration)) ? "kept" : "failed");
  }

  /** Let the new build take over as soon as no tab is at work; this page is loaded anew then. */
  async useUpdate() {
    this.#isAsked = true;
    // Asked for only where it is free: work that begins while this waits in line would go on without the lock.
    const step = (/** @type {Lock | null} */ lock) => lock !== null && this.#takeOver();
    while (!(await navigator.locks.request(BUSY_LOCK, { ifAvailable: true }, step)))
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }

  /** The next step while nobody is at work. @returns {boolean} whether it was the last one */
  #takeOver() {
    const { waiting, active } = this.#registration ?? {};
    waiting?.postMessage({ type: "take-over" });
    // Not before: the page that is loaded is of the build that answers for it.
    if (waiting || active?.state === "activating") return false;
    location.reload();
    return true;
  }

  /** @param {ServiceWorkerRegistration} registration */
  #watch(registration) {
    const look = () => {
      if (registration.waiting && registration.active) this.#events.emit("update");
    };
    registration.installing?.addEventListener("statechange", look);
    look();
  }

  /** @param {Offline} offline */
  #tell(offline) {
    this.#offline = offline;
    this.#events.emit("offline", offline);
  }
}

/**
 * Where the host sends no isolation headers, the service worker does: keep the site, then load the page once more.
 *
 * @param {ScriptUrl} scriptUrl
 * @param {(part: number) => void} onProgress
 * @returns {Promise<boolean>} true: the page is about to be loaded anew; false: go on, isolated or not
 */
export async function isolate(scriptUrl, onProgress) {
  if (globalThis.crossOriginIsolated || !globalThis.isSecureContext || !navigator.serviceWorker) {
    forgetReloads();
    return false;
  }
  if (navigator.serviceWorker.controller) return false; // it was tried, and this browser will not
  if ((await findRefusal())?.code !== "NotIsolated" || !countReload()) return false; // it would not help
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data.type === "site-progress") onProgress(data.bytes / data.bytesTotal);
  });
  navigator.serviceWorker.startMessages();
  const worker = await registerServiceWorker(scriptUrl).then(activeWorker, () => null);
  if (!worker) return false;
  location.reload();
  return true;
}

/** @returns {boolean} whether one more may help */
function countReload() {
  try {
    const reloads = Number(sessionStorage.getItem(RELOADS_KEY)) + 1;
    sessionStorage.setItem(RELOADS_KEY, String(reloads));
    return reloads <= RELOADS_MAX;
  } catch {
    return false; // without a count it could go on for ever
  }
}

function forgetReloads() {
  try {
    sessionStorage.removeItem(RELOADS_KEY);
  } catch {
    // nothing was kept
  }
}
