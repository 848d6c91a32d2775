/** Servers as people write them: what is meant is taken, what is not understood is named. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { iceServersOf, isMeetingAddress } from "../../web/page/ice.js";

test("one a line, with names and passwords where they are needed", () => {
  const text =
    " stun:stun.example.org:3478 \n\nturn:turn.example.org?transport=tcp anna secret\r\nturns:10.0.0.1:5349 u p";
  assert.deepEqual(iceServersOf(text), {
    servers: [
      { urls: "stun:stun.example.org:3478" },
      { urls: "turn:turn.example.org?transport=tcp", username: "anna", credential: "secret" },
      { urls: "turns:10.0.0.1:5349", username: "u", credential: "p" },
    ],
    refused: [],
  });
  assert.deepEqual(iceServersOf(""), { servers: [], refused: [] });
});

test("what is not understood is named, and the rest is taken", () => {
  const bad = ["http://x", "turn:x", "turn:x user", "stun:x y", "turn:x u p more", "stun:", "stun:user@x"];
  const { servers, refused } = iceServersOf(["stun:good", ...bad].join("\n"));
  assert.deepEqual(servers, [{ urls: "stun:good" }]);
  assert.deepEqual(refused, bad);
});

test("no more than eight", () => {
  const { servers, refused } = iceServersOf(Array.from({ length: 10 }, (_, n) => `stun:s${n}`).join("\n"));
  assert.deepEqual([servers.length, refused], [8, ["stun:s8", "stun:s9"]]);
});

test("an address to meet at is a path of ours or a WebSocket's", () => {
  for (const good of ["/rendezvous", "wss://example.org/room", "ws://127.0.0.1:8000/r"])
    assert.ok(isMeetingAddress(good), good);
  for (const bad of ["rendezvous", "//example.org", "https://example.org", "wss://", "/a b", "javascript:1"])
    assert.ok(!isMeetingAddress(bad), bad);
});
