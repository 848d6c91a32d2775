/**
 * Reading a QR code with the camera, where the browser has a reader (BarcodeDetector: Android, macOS, ChromeOS).
 *
 * Invariants: the camera is on from `scan` to its end, however that comes; its pictures are kept nowhere.
 */

import { h } from "./dom.js";

const LOOK_MS = 150;
const FORMAT = "qr_code";

/** @typedef {{detect(source: HTMLVideoElement): Promise<{rawValue: string}[]>}} Detector */
/** @typedef {{new (options: {formats: string[]}): Detector, getSupportedFormats(): Promise<string[]>}} DetectorClass */

/** @returns {DetectorClass | undefined} */
const detectorClass = () => /** @type {any} */ (globalThis).BarcodeDetector;

/** Whether there is a reader, and a camera may be asked for. */
export async function canScan() {
  const formats = (await detectorClass()?.getSupportedFormats()) ?? [];
  return formats.includes(FORMAT) && navigator.mediaDevices?.getUserMedia !== undefined;
}

/**
 * What the first code says that the camera sees; "" when it was called off.
 * @param {Element} place where the camera's picture is shown meanwhile @param {AbortSignal} signal @param {string} label
 * @returns {Promise<string>} rejects with what the browser says, as when the camera is not allowed
 */
export async function scan(place, signal, label) {
  const Reader = detectorClass();
  if (Reader === undefined) return "";
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  const video = h("video", { class: "scan-video", muted: true, playsinline: true, "aria-label": label });
  try {
    video.srcObject = stream;
    place.replaceChildren(video);
    await video.play();
    const reader = new Reader({ formats: [FORMAT] });
    while (!signal.aborted) {
      const [code] = await reader.detect(video);
      if (code?.rawValue) return code.rawValue;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return "";
  } finally {
    for (const track of stream.getTracks()) track.stop();
    place.replaceChildren();
  }
}
