/**
 * Bench worker: one end of a raw data channel, which it owns: what the browser gives without any protocol of ours.
 *
 * From the page: {dc} with the channel transferred; {send: bytes, messageBytes}; {receive: bytes}. To it: {open} and {ms}.
 * Invariants: received bytes are copied into shared memory, as a node must; the last message is answered, so that the sender's
 * clock ends when everything has arrived.
 */

/** As the net worker's marks: sending stops above the first and goes on below the second. */
const HIGH_BYTES = 1 << 20;
const LOW_BYTES = 1 << 19;
const ANSWER = new Uint8Array([1]);

const memory = new Uint8Array(new SharedArrayBuffer(1 << 22));
/** @type {RTCDataChannel} */
let dc;

/** @param {string} event */
const once = (event) => new Promise((resolve) => dc.addEventListener(event, resolve, { once: true }));

/** @param {number} bytes @param {number} messageBytes */
async function send(bytes, messageBytes) {
  const message = new Uint8Array(messageBytes);
  for (let at = 0; at < messageBytes; at += 65_536) crypto.getRandomValues(message.subarray(at, at + 65_536));
  dc.bufferedAmountLowThreshold = LOW_BYTES;
  const started = performance.now();
  for (let left = bytes; left > 0; left -= messageBytes) {
    if (dc.bufferedAmount > HIGH_BYTES) await once("bufferedamountlow");
    dc.send(left < messageBytes ? message.subarray(0, left) : message);
  }
  await once("message");
  return performance.now() - started;
}

/** @param {number} bytes @returns {Promise<void>} */
function receive(bytes) {
  let got = 0;
  return new Promise((resolve) => {
    dc.onmessage = ({ data }) => {
      memory.set(new Uint8Array(data), got % (memory.length - data.byteLength));
      got += data.byteLength;
      if (got < bytes) return;
      dc.onmessage = null;
      dc.send(ANSWER);
      resolve();
    };
  });
}

self.onmessage = async ({ data }) => {
  if (data.dc) {
    dc = data.dc;
    dc.binaryType = "arraybuffer";
    if (dc.readyState !== "open") await once("open");
    self.postMessage({ open: true });
  } else if (data.send) {
    self.postMessage({ ms: await send(data.send, data.messageBytes) });
  } else {
    const received = receive(data.receive);
    self.postMessage({ open: true });
    await received;
    self.postMessage({ ms: 0 });
  }
};
