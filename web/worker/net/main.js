/**
 * The net worker: owns the data channels, so that a busy Python never looks dead. It decides nothing.
 *
 * From the page: {memory, kernel, thread} once, first; {type: "channel", channel, generation, dc, realtime} with the two
 * channels transferred in the task that created it; {type: "limits", channel, generation, messageBytesMax} when both ends'
 * message sizes are known; {type: "hangup", channel, generation} when the page closes a connection, because its own
 * channels need not be told by an event then.
 * To the page: {type: "ready"}; {type: "closed", channel, generation, reason}; {type: "failed", code, message}.
 */

import { Epoch } from "../../shared/epochs.js";
import { startKernel } from "../../shared/kernel.js";
import {
  EPOCH_NET_OUTBOX,
  HEADER_LAYOUT_VERSION,
  HEADER_MAGIC,
  LAYOUT_VERSION,
  MAGIC,
  REGION_HEADER,
} from "../../shared/layout.gen.js";
import { failure, requireApi } from "../../shared/require_api.js";
import { TICK_MS } from "./bounds.js";
import { Net } from "./net.js";

const scope = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));

/** @param {unknown} error */
function fail(error) {
  scope.postMessage(failure(error));
}

/** @param {SharedArrayBuffer} buffer */
function checkHeader(buffer) {
  const header = new Int32Array(buffer, REGION_HEADER, 16);
  if (header[HEADER_MAGIC] !== MAGIC) throw new Error("the shared memory is not laid out");
  const version = header[HEADER_LAYOUT_VERSION];
  if (version !== LAYOUT_VERSION) throw new Error(`shared memory layout ${version}, not ${LAYOUT_VERSION}`);
}

/**
 * @param {Net} net
 * @param {Epoch} epoch
 */
async function drainForEver(net, epoch) {
  for (;;) {
    const seen = epoch.load();
    net.drain();
    await epoch.waitAsync(seen);
  }
}

/** @type {Net | undefined} */
let net;
/** @type {ReturnType<typeof setInterval> | undefined} */
let beating;

/** @param {{memory: WebAssembly.Memory, kernel: WebAssembly.Module, thread: number}} start */
async function begin({ memory, kernel, thread }) {
  requireApi(typeof RTCDataChannel === "function", "no data channels in workers");
  const buffer = /** @type {SharedArrayBuffer} */ (/** @type {unknown} */ (memory.buffer));
  checkHeader(buffer);
  /** @type {import("../../shared/kernel.js").Kernel | undefined} */
  let exports;
  // Channels may arrive while the kernel instantiates; wants only come from the outbox, which is drained afterwards.
  const arena = {
    /** @param {number} offset */
    retain: (offset) => (exports?.arena_retain(offset) ?? -1) > 0,
    /** @param {number} offset */
    release: (offset) => void exports?.arena_release(offset),
  };
  net = new Net(buffer, arena, {
    now: () => performance.timeOrigin + performance.now(),
    later: (callback, delayMs) => setTimeout(callback, delayMs),
    beat: (on) => {
      clearInterval(beating);
      beating = on ? setInterval(() => net?.tick(), TICK_MS) : undefined;
    },
    tell: (report) => scope.postMessage(report),
  });
  exports = await startKernel(kernel, memory, thread);
  const running = net;
  scope.postMessage({ type: "ready" });
  await drainForEver(running, new Epoch(buffer, EPOCH_NET_OUTBOX));
}

scope.onmessage = ({ data }) => {
  try {
    if (data.memory !== undefined) begin(data).catch(fail);
    else if (data.type === "channel") net?.adopt(data.channel, data.generation, data.dc, data.realtime);
    else if (data.type === "limits") net?.limit(data.channel, data.generation, data.messageBytesMax);
    else if (data.type === "hangup") net?.hangup(data.channel, data.generation);
  } catch (error) {
    fail(error);
  }
};
