/** Whose ICE servers are used: the person's own, else the site's; and what a site may say of itself. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { readConfig } from "../../web/page/config.js";
import { iceServers, rendezvousUrl } from "../../web/page/network.js";
import { settings } from "../../web/page/settings.js";

const SITE = { iceServers: [{ urls: "stun:site.example" }] };

afterEach(() => {
  settings.set("iceServers", "");
  settings.set("rendezvous", "");
});

test("the site's, where nothing is set", () => {
  assert.deepEqual(iceServers(SITE), SITE.iceServers);
  assert.deepEqual(iceServers({}), []);
});

test("the person's own come first, and lines that are none are left out", () => {
  settings.set("iceServers", "stun:own.example:3478\nnonsense\nturn:relay.example user word");
  assert.deepEqual(iceServers(SITE), [
    { urls: "stun:own.example:3478" },
    { urls: "turn:relay.example", username: "user", credential: "word" },
  ]);
});

test("nonsense alone leaves the site's", () => {
  settings.set("iceServers", "nonsense");
  assert.deepEqual(iceServers(SITE), SITE.iceServers);
});

test("a site without a config, asked twice at once", async () => {
  let asked = 0;
  globalThis.fetch = /** @type {any} */ (
    async () => {
      asked++;
      return { ok: true, json: async () => null };
    }
  );
  assert.deepEqual(await Promise.all([readConfig(), readConfig()]), [{}, {}]);
  assert.equal(asked, 1);
});

test("where others are met is what was set here, then what the site says, in a WebSocket's words", () => {
  const shown = (/** @type {import("../../web/page/config.js").Config} */ config) =>
    rendezvousUrl(config)?.href ?? null;
  assert.equal(shown({ rendezvous: "https://site.example/r" }), "wss://site.example/r");
  assert.equal(shown({ rendezvous: null }), null);
  assert.equal(shown({ rendezvous: "wss://[damaged" }), null, "the other ways to meet are left");
  settings.set("rendezvous", "wss://own.example/room");
  assert.equal(shown({ rendezvous: null }), "wss://own.example/room");
  assert.equal(shown({}), "wss://own.example/room");
});
