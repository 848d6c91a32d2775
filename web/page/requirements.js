/**
 * What INOS needs of a browser and of an address, looked for before anything heavy is loaded.
 *
 * Nouns: a *part* is something the browser has or lacks (a key of `words.refusal.parts`); a *refusal* is a code with the parts.
 * Invariants: every part that is missing is named at once, not one after each reload; headers that the server sends are not
 * asked for again (WebKitGTK gives no isolation whatever they are); nothing is kept by looking.
 */

/** @typedef {{code: string, lacks: string[]}} Refusal */

/** Parts that are a matter of a browser's age or kind, by whether they are there. @type {Record<string, (world: any) => boolean>} */
const PARTS = {
  workers: (world) => typeof world.Worker === "function",
  wasm: (world) => typeof world.WebAssembly === "object",
  storage: (world) => typeof world.navigator.storage?.getDirectory === "function",
  database: (world) => Boolean(world.indexedDB),
  locks: (world) => Boolean(world.navigator.locks),
  webrtc: (world) => typeof world.RTCPeerConnection === "function",
};

/** @param {any} [world] the page's global object @returns {Promise<Refusal | null>} */
export async function findRefusal(world = globalThis) {
  if (!world.isSecureContext) return { code: "NotSecure", lacks: [] };
  const lacks = Object.keys(PARTS).filter((part) => !isThere(world, PARTS[part]));
  const [isDenied, signs, isAsked] = await Promise.all([
    !lacks.includes("storage") && storageIsDenied(world),
    hasSignatures(world),
    world.crossOriginIsolated || sendsHeaders(world),
  ]);
  if (!signs) lacks.push("signatures");
  if (!world.crossOriginIsolated && isAsked) lacks.push("isolation");
  if (typeof world.SharedArrayBuffer !== "function" && isAsked) lacks.push("sharedMemory");
  if (lacks.length === 1 && lacks[0] === "webrtc") return { code: "WebRtcOff", lacks };
  if (lacks.length > 0) return { code: "Unsupported", lacks };
  if (!world.crossOriginIsolated) return { code: "NotIsolated", lacks };
  return isDenied ? { code: "StorageDenied", lacks } : null;
}

/** @param {any} world @param {(world: any) => boolean} look */
function isThere(world, look) {
  try {
    return look(world);
  } catch {
    return false; // some browsers throw where a setting denies a part
  }
}

/** Private windows of some browsers have the function, and refuse. @param {any} world */
async function storageIsDenied(world) {
  try {
    await world.navigator.storage.getDirectory();
    return false;
  } catch {
    return true;
  }
}

/** Ed25519 came late to some browsers (Chrome 137, Firefox 129). @param {any} world */
async function hasSignatures(world) {
  try {
    await world.crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]);
    return true;
  } catch {
    return false;
  }
}

/** Whether the server asks for isolation, so that its lack is the browser's doing. @param {any} world */
async function sendsHeaders(world) {
  try {
    const { headers } = await world.fetch(world.location.href, { method: "HEAD", cache: "no-store" });
    return headers.has("Cross-Origin-Opener-Policy") && headers.has("Cross-Origin-Embedder-Policy");
  } catch {
    return false;
  }
}
