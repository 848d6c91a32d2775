/** What may be opened inside the page, and what is a link: nothing that can carry script gets through. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { canPreview, extensionOf, PREVIEW_BYTES_MAX, safeKind } from "../../web/page/ui/kinds.js";
import { linkIn } from "../../web/page/ui/paste.js";

test("files that can carry script are never opened, however they are disguised", () => {
  const cases = [
    ["page.html", "text/plain"],
    ["page.HTML", ""],
    ["picture.svg", "image/png"],
    ["picture.png", "image/svg+xml"],
    ["notes.txt", "text/html"],
    ["notes.txt", "application/xhtml+xml"],
    ["feed.xml", "text/plain"],
    ["photo.jpg", "text/xml"],
    ["paper.pdf", "application/pdf"],
    ["paper", "application/pdf"],
    ["archive.mhtml", ""],
    ["program.exe", "application/octet-stream"],
    ["__proto__", "__proto__"],
    ["x.constructor", "constructor"],
    ["x.toString", ""],
  ];
  for (const [name, mediaType] of cases) assert.equal(safeKind(name, mediaType), null, `${name} as ${mediaType}`);
});

test("the media type of a preview is ours, never the sender's", () => {
  assert.deepEqual(safeKind("a.png", "image/x-anything"), { kind: "image", mediaType: "image/png" });
  assert.deepEqual(safeKind("a.JPEG", ""), { kind: "image", mediaType: "image/jpeg" });
  assert.deepEqual(safeKind("clip", "video/webm"), { kind: "video", mediaType: "video/webm" });
  assert.deepEqual(safeKind("song.mp3", "application/octet-stream"), { kind: "audio", mediaType: "audio/mpeg" });
  assert.deepEqual(safeKind("README", "text/plain"), { kind: "text", mediaType: "text/plain" });
  assert.deepEqual(safeKind("main.py", ""), { kind: "text", mediaType: "text/plain" });
  assert.equal(safeKind("README", ""), null);
});

test("a preview has a largest size, by kind", () => {
  const text = safeKind("a.txt", "");
  assert.equal(canPreview(text, PREVIEW_BYTES_MAX.text), true);
  assert.equal(canPreview(text, PREVIEW_BYTES_MAX.text + 1), false);
  assert.equal(canPreview(null, 1), false);
});

test("extensions", () => {
  assert.equal(extensionOf("a.tar.GZ"), "gz");
  assert.equal(extensionOf(".bashrc"), "");
  assert.equal(extensionOf("none"), "");
});

test("only a share link is taken for one", () => {
  const address = "http://127.0.0.1:8000/#inos1.AbC-_9";
  assert.equal(linkIn(address), address);
  assert.equal(linkIn("#inos1.AbC"), "#inos1.AbC");
  assert.equal(linkIn("inos1.AbC"), "inos1.AbC");
  for (const other of [
    "",
    "hello",
    "https://example.org/#top",
    "see #inos1.AbC for more",
    `#inos1.${"A".repeat(5000)}`,
  ]) {
    assert.equal(linkIn(other), null);
  }
});
