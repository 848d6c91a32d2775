/**
 * The part of the service worker that answers with a node's own bytes: `download/<id>` with what a page's io worker sends through
 * a port, `stream/<id>` with the parts of a film or of sound that the page's player asks for.
 *
 * Invariants: it stores nothing; each download is answered once; a stream asks for one piece at a time, so that a slow disk or
 * player holds the sender back; a download's one buffer goes back and forth between the two; one whose page goes away ends in
 * an error, never in a short file that looks whole. What is played is asked of the page that plays it, so nothing is lost when the
 * browser ends this worker.
 */

/** @typedef {{name: string, size: number | null, mediaType: string, port: MessagePort}} Download  size null: not known yet */

const worker = /** @type {any} */ (self);

/** @type {Map<string, Download>} */
const downloads = new Map();
const DOWNLOADS_WAITING_MAX = 16;
const PIECE_BYTES = 256 * 1024;

/** @param {Download & {id: string, ready: MessagePort}} given */
function addDownload({ id, ready, ...download }) {
  if (downloads.size >= DOWNLOADS_WAITING_MAX) downloads.delete(downloads.keys().next().value ?? "");
  downloads.set(id, download);
  ready.postMessage("ready");
}

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

/** Nothing that a node sends may become a page of our origin. */
const SEALED = {
  "Content-Security-Policy": "default-src 'none'; sandbox",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-store",
};

/** @param {string} id @returns {Response} */
function downloadResponse(id) {
  const download = downloads.get(id);
  downloads.delete(id);
  if (!download) return new Response("This download has ended.", { status: 404 });
  return new Response(streamOf(download), {
    headers: {
      "Content-Type": "application/octet-stream", // never something the browser would show in our origin
      "Content-Disposition": disposition(download.name),
      ...(download.size === null ? {} : { "Content-Length": String(download.size) }),
      ...SEALED,
    },
  });
}

// --- films and sound, from any place ---------------------------------------------------------------------------------------

const MEDIA_TYPE = /^(audio|video)\/[a-z0-9][a-z0-9.+-]{0,60}$/;
const MEDIA_PIECE_BYTES = 512 * 1024;
const ASK_TIMEOUT_MS = 60_000;

/**
 * @param {any} client the page that plays
 * @param {string} id
 * @param {{offset: number, length: number}} part
 * @returns {Promise<{size: number, mediaType: string, bytes: Uint8Array<ArrayBuffer>}>} the part, as far as the file goes
 */
function askPage(client, id, part) {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the page is silent")), ASK_TIMEOUT_MS);
    port1.onmessage = ({ data }) => {
      clearTimeout(timer);
      port1.close();
      if (data) resolve(data);
      else reject(new Error("the page has no such stream"));
    };
    client.postMessage({ type: "stream-read", id, ...part }, [port2]);
  });
}

/** @param {string | null} header @returns {{start: number, end: number} | null} end: inclusive; null: not a range of bytes that is served */
function rangeOf(header) {
  const found = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(header ?? "bytes=0-");
  if (!found) return null;
  const end = found[2] ? Number(found[2]) : Number.MAX_SAFE_INTEGER;
  return Number(found[1]) <= end ? { start: Number(found[1]), end } : null;
}

/** @param {any} event @param {string} id @returns {Promise<Response>} */
async function mediaResponse(event, id) {
  const range = rangeOf(event.request.headers.get("Range"));
  const client = await worker.clients.get(event.clientId);
  if (!range || !client) return new Response(null, { status: range ? 404 : 416, headers: SEALED });
  const lengthAt = (/** @type {number} */ offset) => Math.min(MEDIA_PIECE_BYTES, range.end - offset + 1);
  const first = await askPage(client, id, { offset: range.start, length: lengthAt(range.start) }).catch(() => null);
  if (!first || !MEDIA_TYPE.test(first.mediaType)) return new Response(null, { status: 404, headers: SEALED });
  if (range.start >= first.size)
    return new Response(null, { status: 416, headers: { ...SEALED, "Content-Range": `bytes */${first.size}` } });
  const end = Math.min(range.end, first.size - 1);
  let offset = range.start;
  /** @type {typeof first | null} */
  let ahead = first;
  let isCancelled = false;
  const body = new ReadableStream(
    {
      async pull(controller) {
        const { bytes } = ahead ?? (await askPage(client, id, { offset, length: lengthAt(offset) }));
        ahead = null;
        if (isCancelled) return;
        if (bytes.length === 0) throw new Error("the file is shorter than it said");
        offset += bytes.length;
        controller.enqueue(bytes);
        if (offset > end) controller.close();
      },
      cancel() {
        isCancelled = true; // the player has enough, or went elsewhere
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    status: event.request.headers.has("Range") ? 206 : 200,
    headers: {
      ...SEALED,
      "Accept-Ranges": "bytes",
      "Content-Type": first.mediaType,
      "Content-Length": String(end - range.start + 1),
      ...(event.request.headers.has("Range") ? { "Content-Range": `bytes ${range.start}-${end}/${first.size}` } : {}),
    },
  });
}

/** What `sw.js` uses of this. */
worker.streams = { addDownload, downloadResponse, mediaResponse };
