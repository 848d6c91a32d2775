/**
 * The service worker of `download/`: small, so that a file can be saved as a stream from the first moment on, whatever the site's own
 * worker (`sw.js`) is still fetching.
 */

{
  const scope = /** @type {any} */ (self);
  const policy = scope.trustedTypes?.createPolicy("inos-worker", {
    createScriptURL: (/** @type {string} */ url) => url,
  });
  const url = new URL("sw_streams.js", scope.location.href).href;
  scope.importScripts(policy ? policy.createScriptURL(url) : url);

  scope.addEventListener("install", () => scope.skipWaiting());

  scope.addEventListener("message", (/** @type {any} */ { data }) => {
    if (data.type === "download") scope.streams.addDownload(data); // else keep-alive
  });

  scope.addEventListener("fetch", (/** @type {any} */ event) => {
    const { href } = new URL(event.request.url);
    if (href.startsWith(scope.registration.scope))
      event.respondWith(scope.streams.downloadResponse(href.slice(scope.registration.scope.length)));
  });
}
