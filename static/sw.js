/**
 * The service worker: answers `/download/<id>` with bytes that a page's io worker sends through a port.
 *
 * Invariants: it stores nothing; each id is answered once; the stream asks for one piece at a time, so that a slow disk holds
 * the sender back; one buffer goes back and forth between the two; a download whose page goes away ends in an error, never in
 * a short file that looks whole.
 */

/** @typedef {{name: string, size: number | null, mediaType: string, port: MessagePort}} Download  size null: not known yet */

const worker = /** @type {any} */ (self);

/** @type {Map<string, Download>} */
const downloads = new Map();
const DOWNLOADS_WAITING_MAX = 16;
const PIECE_BYTES = 256 * 1024;

worker.addEventListener("install", () => worker.skipWaiting());

worker.addEventListener("message", (/** @type {any} */ event) => {
  const { type, id, ready, ...download } = event.data;
  if (type !== "download") return; // keep-alive
  if (downloads.size >= DOWNLOADS_WAITING_MAX) downloads.delete(downloads.keys().next().value ?? "");
  downloads.set(id, download);
  ready.postMessage("ready");
});

/**
 * With a high water mark of 0 the stream asks only when its reader waits, which has then copied the piece before: its buffer
 * is lent to the sender again. A new one for every piece left 90 MiB of garbage before it was collected.
 * @param {Download} download
 */
function streamOf({ port }) {
  let buffer = new ArrayBuffer(PIECE_BYTES);
  let arrived = () => {};
  return new ReadableStream(
    {
      start(controller) {
        port.onmessage = ({ data }) => {
          if (data === "end") {
            controller.close();
            port.close();
          } else if (data === "abort") {
            controller.error(new Error("the sender stopped"));
            port.close();
          } else {
            buffer = data.buffer;
            controller.enqueue(data);
            arrived();
          }
        };
      },
      pull() {
        port.postMessage(buffer, [buffer]);
        return new Promise((/** @type {(value: void) => void} */ resolve) => {
          arrived = resolve; // until then it asks for no other
        });
      },
      cancel() {
        port.postMessage("cancel");
        port.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/** @param {string} name */
function disposition(name) {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const encoded = encodeURIComponent(name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const url = new URL(event.request.url);
  if (url.origin !== worker.location.origin || !url.pathname.startsWith("/download/")) return;
  const id = url.pathname.slice("/download/".length);
  const download = downloads.get(id);
  downloads.delete(id);
  if (!download) {
    event.respondWith(new Response("This download has ended.", { status: 404 }));
    return;
  }
  event.respondWith(
    new Response(streamOf(download), {
      headers: {
        "Content-Type": "application/octet-stream", // never something the browser would show in our origin
        "Content-Disposition": disposition(download.name),
        ...(download.size === null ? {} : { "Content-Length": String(download.size) }),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
      },
    }),
  );
});
