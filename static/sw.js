/**
 * The service worker: hands out the whole site from the browser's own storage, so that it opens offline, isolated, and always as one build.
 *
 * Nouns: a *build* is a set of files named by `build/site.js` (made by the server or `npm run build`), each with its hash; it lies in
 * one cache of its own. A client (a page or a worker of one) is *pinned* to the build that it was loaded from while another takes over.
 *
 * Invariants:
 * - a file is kept only with the hash that its build lists; a build that did not arrive whole is never installed, and what did arrive
 *   is not fetched again; files that two builds share are copied, not fetched;
 * - a listed file is answered from its build's cache, never by passing a request on (Firefox was seen to lose page loads to a worker that
 *   passes requests on); what is not listed is not answered at all, and the browser goes its own way, but for what a page of an older
 *   build may ask for: that is passed on where no build has it;
 * - a worker whose listing did not arrive is never installed: it would end what is kept;
 * - a new build waits until no page uses the old one, or until a page asks for it; a cache goes when it is neither the present build's
 *   nor any living client's;
 * - every answer carries the security headers, so a page is isolated also where its host sends none.
 *
 * Must not know: what is in the vault.
 */

/** @typedef {{build: string, headers: Record<string, string>, types: Record<string, string>, files: Record<string, [string, number]>}} Listing */

const scope = /** @type {any} */ (self);
const policy = scope.trustedTypes?.createPolicy("inos-worker", {
  createScriptURL: (/** @type {string} */ url) => url,
});
const load = (/** @type {string} */ name) => {
  const url = new URL(name, scope.location.href).href;
  scope.importScripts(policy ? policy.createScriptURL(url) : url);
};
load("sw_streams.js");
const LISTING = "build/site.js";
try {
  load(LISTING);
} catch {
  // no network, or no such file: then nothing is kept, and what is kept stays
}

const { streams } = scope;
/** @type {Listing} */
const SITE = scope.SITE ?? { build: "", headers: {}, types: {}, files: {} };
const ROOT = new URL("./", scope.location.href);
const CACHE_PREFIX = `inos-site ${ROOT.pathname} `;
/** Of this place, not of a build: the settings of the host, the pins. */
const PLACE = `inos-place ${ROOT.pathname}`;
const HASH = "X-Inos-Hash";
const INDEX = "index.html";
const CONFIG = "config.json";
const LANES = 4;
const FILE_TIMEOUT_MS = 180_000;
const CONFIG_TIMEOUT_MS = 4_000;
const PINS_MAX = 512;
/** A client that is being born is not among the living yet. */
const BIRTH_MS_MAX = 5_000;

const cacheName = (/** @type {string} */ build) => `${CACHE_PREFIX}${build}`;
const urlOf = (/** @type {string} */ path) => `${ROOT.href}${path}`;

// --- keeping a build ---------------------------------------------------------------------------------------------------------

/** @param {string} path */
function headersOf(path) {
  const [hash] = SITE.files[path];
  const type = SITE.types[path.slice(path.lastIndexOf("."))] ?? "application/octet-stream";
  return { ...SITE.headers, "Content-Type": type, [HASH]: hash, "Cache-Control": "no-cache" };
}

/** @param {ArrayBuffer} bytes */
async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The bytes of a file as this build has them. What the page itself has just loaded lies in the browser's HTTP cache: taken from there first.
 * @param {string} path
 */
async function download(path) {
  const [hash, bytes] = SITE.files[path];
  let why = "";
  for (const cache of /** @type {RequestCache[]} */ (["force-cache", "no-cache", "reload"])) {
    const signal = AbortSignal.timeout(FILE_TIMEOUT_MS);
    const response = await fetch(path === INDEX ? ROOT.href : urlOf(path), {
      cache,
      signal,
      credentials: "same-origin",
    });
    const body = response.ok ? await response.arrayBuffer() : null;
    if (body?.byteLength === bytes && (await sha256(body)) === hash) return body;
    why = response.ok ? "it belongs to another build" : `the server said ${response.status}`;
  }
  throw new Error(`${path}: ${why}`);
}

/** @param {Cache} cache @param {Cache[]} others of older builds @param {string} path */
async function keep(cache, others, path) {
  const [hash] = SITE.files[path];
  const here = await cache.match(urlOf(path));
  if (here?.headers.get(HASH) === hash) return;
  for (const other of others) {
    const there = await other.match(urlOf(path));
    if (there?.headers.get(HASH) !== hash) continue;
    await cache.put(urlOf(path), new Response(there.body, { headers: headersOf(path) }));
    return;
  }
  await cache.put(urlOf(path), new Response(await download(path), { headers: headersOf(path) }));
}

const isOurs = (/** @type {string} */ name) => name.startsWith(CACHE_PREFIX);

/** Throws where the host has a listing, or may have one, that this worker did not get. */
async function requireNoListing() {
  const { status, ok, headers } = await fetch(urlOf(LISTING), { cache: "no-cache" });
  const isThere = ok && /javascript/.test(headers.get("Content-Type") ?? ""); // some hosts answer with a page to everything
  if (isThere || status >= 500) throw new Error("the listing did not arrive");
}

/** Make this build whole; pages are told how far it is. */
async function fill() {
  if (!SITE.build) await requireNoListing();
  const names = (await caches.keys()).filter((name) => isOurs(name) && name !== cacheName(SITE.build));
  const others = await Promise.all(names.map((name) => caches.open(name)));
  const cache = await caches.open(cacheName(SITE.build));
  const bytesTotal = Object.values(SITE.files).reduce((sum, [, bytes]) => sum + bytes, 0);
  let bytes = 0;
  const waiting = Object.keys(SITE.files);
  const lane = async () => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      await keep(cache, others, path);
      bytes += SITE.files[path][1];
      tellPages({ type: "site-progress", bytes, bytesTotal });
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** @param {object} message */
async function tellPages(message) {
  for (const client of await scope.clients.matchAll({ type: "window", includeUncontrolled: true }))
    client.postMessage(message);
}

// --- which build a client is of ----------------------------------------------------------------------------------------------

/**
 * @typedef {{build: string, page: string, since: number}} Pin  page: the client whose end is this one's end, too
 * Written when a client is born. Firefox never answers when asked for workers' clients of which one sleeps in Atomics.wait, so only
 * pages are ever asked for.
 */

/** @type {Map<string, Pin>} */
const pins = new Map();
let arePinsLoaded = false;
const pinsLoaded = loadPins();

async function loadPins() {
  const kept = await (await caches.open(PLACE)).match(urlOf("pins"));
  if (kept) for (const [client, pin] of Object.entries(await kept.json())) pins.set(client, pin);
  arePinsLoaded = true;
}

/** Whether one asks who may be of an older build: a worker that was just woken does not know yet. @param {any} event */
function mayBeOld({ request, clientId }) {
  if (request.mode === "navigate") return false;
  return !arePinsLoaded || (pins.get(clientId)?.build ?? SITE.build) !== SITE.build;
}

/** @param {string} client @param {string} build @param {string} [page] */
async function pin(client, build, page = client) {
  pins.set(client, { build, page, since: Date.now() });
  while (pins.size > PINS_MAX) pins.delete(/** @type {string} */ (pins.keys().next().value));
  await savePins();
}

async function savePins() {
  const text = JSON.stringify(Object.fromEntries(pins));
  await (await caches.open(PLACE)).put(urlOf("pins"), new Response(text));
}

const livingPages = async () =>
  (await scope.clients.matchAll({ type: "window", includeUncontrolled: true })).map((/** @type {any} */ { id }) => id);

/** Forget clients that are gone, and the builds that nobody uses any more. */
async function tidy() {
  await pinsLoaded;
  const living = new Set(await livingPages());
  for (const [client, { page, since }] of pins)
    if (!living.has(page) && Date.now() - since > BIRTH_MS_MAX) pins.delete(client);
  await savePins();
  const used = new Set([SITE.build, ...[...pins.values()].map(({ build }) => build)].map(cacheName));
  const unused = (await caches.keys()).filter((name) => isOurs(name) && !used.has(name));
  for (const name of unused) {
    const { waiting, installing } = scope.registration;
    if (!waiting && !installing) await caches.delete(name); // else it may be theirs
  }
}

/** Those who are here when this build takes over stay with theirs, until they are loaded anew. */
async function takeOver() {
  await loadPins(); // anew: the worker before this one has gone on pinning since this one was installed
  const place = await caches.open(PLACE);
  const before = await (await place.match(urlOf("build")))?.text();
  for (const id of await livingPages()) if (!pins.has(id)) await pin(id, before ?? SITE.build);
  await place.put(urlOf("build"), new Response(SITE.build));
  await tidy();
  // The page of the first visit is of this build, too. Not waited for: see Pin.
  if (!before) scope.clients.claim();
}

// --- answering ---------------------------------------------------------------------------------------------------------------

/** @param {any} event @param {string} path */
async function answer(event, path) {
  await pinsLoaded;
  const { clientId, resultingClientId, request } = event;
  const isPage = request.mode === "navigate";
  const known = isPage ? undefined : pins.get(clientId);
  const build = known?.build ?? SITE.build;
  if (isPage) event.waitUntil(pin(resultingClientId, build).then(tidy));
  else if (resultingClientId) event.waitUntil(pin(resultingClientId, build, known?.page ?? clientId));
  const cache = await caches.open(cacheName(build));
  const found = await cache.match(urlOf(path));
  if (found) return found;
  if (!SITE.files[path]) return fetch(request);
  if (build !== SITE.build) return Response.error(); // it would be a file of another build
  await keep(cache, [], path); // the browser has lost it
  return /** @type {Response} */ (await cache.match(urlOf(path)));
}

/** The host's settings as they are now, or as they were when it was last reached. */
async function config() {
  const place = await caches.open(PLACE);
  try {
    const signal = AbortSignal.timeout(CONFIG_TIMEOUT_MS);
    const response = await fetch(urlOf(CONFIG), { cache: "no-cache", signal });
    if (response.ok) {
      const text = await response.text();
      JSON.parse(text);
      await place.put(urlOf(CONFIG), new Response(text));
    }
  } catch {
    // as last time, then
  }
  const text = (await (await place.match(urlOf(CONFIG)))?.text()) ?? "{}";
  return new Response(text, { headers: { ...SITE.headers, "Content-Type": "application/json" } });
}

/** @param {any} event @param {string} path below the root */
function responseTo(event, path) {
  if (path.startsWith("stream/")) return streams.mediaResponse(event, path.slice("stream/".length));
  if (!SITE.build) return null;
  if (path === CONFIG) return config();
  return SITE.files[path] || mayBeOld(event) ? answer(event, path) : null;
}

scope.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(fill()));
scope.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(takeOver()));

scope.addEventListener("message", (/** @type {any} */ event) => {
  if (event.data.type === "take-over") event.waitUntil(scope.skipWaiting());
});

scope.addEventListener("fetch", (/** @type {any} */ event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || !url.href.startsWith(ROOT.href)) return;
  const response = responseTo(event, url.pathname.slice(ROOT.pathname.length) || INDEX);
  if (response) event.respondWith(response);
});
