import assert from "node:assert/strict";
import { test } from "node:test";
import { fingerprintOf, isAcceptable, parseFingerprint, withMessageLimit } from "../../web/page/sdp.js";

const PRINT = Array.from({ length: 32 }, (_, byte) => (byte * 7).toString(16).padStart(2, "0").toUpperCase()).join(":");
const BYTES = Uint8Array.from({ length: 32 }, (_, byte) => byte * 7);
const SDP = [
  "v=0",
  "o=- 1 2 IN IP4 127.0.0.1",
  "s=-",
  "t=0 0",
  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
  "c=IN IP4 0.0.0.0",
  "a=ice-ufrag:abcd",
  `a=fingerprint:sha-256 ${PRINT}`,
  "a=setup:actpass",
  "a=sctp-port:5000",
  "a=max-message-size:1073741823",
  "",
].join("\r\n");

test("the message limit is replaced, or added where there is none", () => {
  assert.ok(withMessageLimit(SDP).endsWith("\r\na=max-message-size:262144\r\n"));
  const without = SDP.replace("a=max-message-size:1073741823\r\n", "");
  assert.equal(withMessageLimit(without), withMessageLimit(SDP));
});

test("a fingerprint is 32 bytes of SHA-256", () => {
  assert.deepEqual(parseFingerprint(PRINT), BYTES);
  assert.deepEqual(fingerprintOf(SDP), BYTES);
  for (const text of [undefined, "", PRINT.slice(3), `${PRINT}:00`, PRINT.replace("00", "0g")]) {
    assert.equal(parseFingerprint(text), null);
  }
});

test("no fingerprint, two different ones, or another hash are none; the same one twice is one", () => {
  const line = `a=fingerprint:sha-256 ${PRINT}\r\n`;
  assert.equal(fingerprintOf(SDP.replace(line, "")), null);
  assert.equal(fingerprintOf(`${SDP}a=fingerprint:sha-256 ${PRINT.replace("07", "08")}\r\n`), null);
  assert.equal(fingerprintOf(`${SDP}a=fingerprint:sha-512 ${PRINT}:${PRINT}\r\n`), null);
  assert.deepEqual(fingerprintOf(`${SDP}${line.toLowerCase()}`), BYTES);
});

test("only one data section of bounded length is acceptable", () => {
  assert.ok(isAcceptable(SDP));
  for (const sdp of [
    undefined,
    42,
    "",
    SDP.replace("m=application", "m=audio"),
    `${SDP}m=video 9 UDP/TLS/RTP/SAVPF 96\r\n`,
    `${SDP}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n`,
    SDP + "a=x\r\n".repeat(4_000),
  ]) {
    assert.equal(isAcceptable(sdp), false);
  }
});
