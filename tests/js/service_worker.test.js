/** The service worker (`static/sw.js`) in a world of fakes: what it installs, and what it answers to whom. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

const SCRIPT = readFileSync(new URL("../../static/sw.js", import.meta.url), "utf8");
const ROOT = "https://site.example/";
const OLD_PIN = { old: { build: "one", page: "old", since: 0 } };

/** @param {{files?: Record<string, [string, number]>, fetched: (url: string) => Response}} given  without files: no listing arrives */
function awaken({ files, fetched }) {
  /** @type {Map<string, Map<string, string>>} */
  const stores = new Map([
    ["inos-place /", new Map([[`${ROOT}pins`, JSON.stringify(OLD_PIN)]])],
    ["inos-site / one", new Map([[`${ROOT}web/gone.js`, "of one"]])],
    ["inos-site / two", new Map([[`${ROOT}web/both.js`, "of two"]])],
  ]);
  /** @type {Record<string, (event: any) => void>} */
  const listeners = {};
  const scope = {
    location: { href: `${ROOT}sw.js` },
    importScripts(/** @type {string} */ url) {
      if (!url.endsWith("site.js")) return;
      if (!files) throw new Error("NetworkError");
      Object.assign(scope, { SITE: { build: "two", headers: {}, types: {}, files } });
    },
    addEventListener: (/** @type {string} */ type, /** @type {any} */ listener) =>
      Object.assign(listeners, { [type]: listener }),
    clients: { matchAll: async () => [{ id: "old" }], claim() {} },
    registration: { waiting: null, installing: null },
  };
  const caches = {
    keys: async () => [...stores.keys()],
    open: async (/** @type {string} */ name) => {
      const store = stores.get(name) ?? new Map();
      stores.set(name, store);
      return {
        match: async (/** @type {string} */ url) => (store.has(url) ? new Response(store.get(url)) : undefined),
        put: async (/** @type {string} */ url, /** @type {Response} */ response) =>
          void store.set(url, await response.text()),
      };
    },
  };
  const fetch = async (/** @type {any} */ asked) => fetched(asked.url ?? asked);
  runInNewContext(SCRIPT, { self: scope, caches, fetch, URL, Response, AbortSignal, crypto, Error, JSON });
  return { listeners, stores };
}

/** @param {Record<string, (event: any) => void>} listeners @returns {Promise<unknown>} what it waits for */
function waited(listeners, happening = "install") {
  /** @type {Promise<unknown>} */
  let done = Promise.reject(new Error("nothing was waited for"));
  done.catch(() => {});
  listeners[happening]({ waitUntil: (/** @type {Promise<unknown>} */ promise) => (done = promise) });
  return done;
}

/** @param {Record<string, (event: any) => void>} listeners @param {string} clientId @param {string} path @param {string} [mode] */
function asked(listeners, clientId, path, mode = "cors") {
  /** @type {Promise<Response> | null} null: the browser goes its own way */
  let answer = null;
  const request = { method: "GET", url: `${ROOT}${path}`, mode };
  const respondWith = (/** @type {Promise<Response>} */ promise) => (answer = promise);
  listeners.fetch({ request, clientId, resultingClientId: "", respondWith, waitUntil() {} });
  return /** @type {Promise<Response> | null} */ (answer);
}

const FILES = /** @type {Record<string, [string, number]>} */ ({ "web/both.js": ["hash", 6] });
const host = (/** @type {string} */ url) => new Response(`the host's ${url.slice(ROOT.length)}`);

test("a worker whose listing did not arrive does not take the place of one that has it", async () => {
  const script = { headers: { "Content-Type": "text/javascript" } };
  const offline = () => {
    throw new TypeError("no network");
  };
  for (const fetched of [offline, () => new Response("", script), () => new Response("", { status: 503 })])
    await assert.rejects(waited(awaken({ fetched }).listeners));
});

test("where there is no listing nothing is kept", async () => {
  const page = { headers: { "Content-Type": "text/html" } };
  for (const fetched of [() => new Response("", { status: 404 }), () => new Response("", page)])
    await waited(awaken({ fetched }).listeners);
});

test("a page of an older build keeps its files, also when the worker has only just woken", async () => {
  const { listeners } = awaken({ files: FILES, fetched: host });
  assert.equal(await (await asked(listeners, "old", "web/gone.js"))?.text(), "of one");
  assert.equal((await asked(listeners, "old", "web/both.js"))?.type, "error", "it was given a file of another build");
});

test("what no build lists is the host's, for pages of any build", async () => {
  const { listeners } = awaken({ files: FILES, fetched: host });
  assert.equal(
    await (await asked(listeners, "new", "python-index/simple/x/"))?.text(),
    "the host's python-index/simple/x/",
  );
  assert.equal(
    await (await asked(listeners, "old", "python-index/simple/x/"))?.text(),
    "the host's python-index/simple/x/",
  );
  assert.equal(
    asked(listeners, "new", "python-index/simple/x/"),
    null,
    "it knows by now that this page is of its own build",
  );
  assert.equal(asked(listeners, "old", "elsewhere.html", "navigate"), null);
  assert.equal(await (await asked(listeners, "new", "web/both.js"))?.text(), "of two");
});

test("a worker that was started while this one waited stays with its build", async () => {
  const { listeners, stores } = awaken({ files: FILES, fetched: host });
  await asked(listeners, "new", "web/both.js"); // it has read the pins by now
  const pins = { ...OLD_PIN, brain: { build: "one", page: "old", since: 0 } };
  stores.get("inos-place /")?.set(`${ROOT}pins`, JSON.stringify(pins));
  await waited(listeners, "activate");
  assert.equal(await (await asked(listeners, "brain", "web/gone.js"))?.text(), "of one");
});
