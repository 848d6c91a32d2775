/**
 * The preview dialog: text, pictures, sound and film, nothing that could carry script (see kinds.js).
 *
 * Invariants: a blob: URL has a media type from our own table and is revoked when the dialog closes; text goes in as a text
 * node; closing stops the reading.
 */

import { canStream, stream } from "../media.js";
import { words } from "../words.js";
import { button, h, isolated, need } from "./dom.js";
import { isCancel } from "./errors.js";
import { formatBytes, fraction, safeName } from "./format.js";
import { canPreview, safeKind } from "./kinds.js";

/** More text than this makes layout slow; the rest is in the download. */
const TEXT_BYTES_SHOWN_MAX = 512 * 1024;

/** @typedef {{root: string, name: string, mediaType: string, size: number, path?: string}} Previewed  path: in a folder */

export class Preview {
  #node;
  #fail;
  #download;
  #dialog = need("preview-dialog", HTMLDialogElement);
  #url = "";
  #endStream = () => {};
  #aborter = new AbortController();

  /**
   * @param {import("./types.js").NodeApi} node
   * @param {(error: unknown, subject: string) => void} fail
   * @param {(file: Previewed) => void} download
   */
  constructor(node, fail, download) {
    this.#node = node;
    this.#fail = fail;
    this.#download = download;
    this.#dialog.addEventListener("close", () => this.#clear());
  }

  /** @param {Previewed} file */
  can(file) {
    const safe = safeKind(file.name, file.mediaType);
    return canPreview(safe, file.size) || isStreamed(safe);
  }

  /** @param {Previewed} file */
  async open(file) {
    const safe = safeKind(file.name, file.mediaType);
    if (!safe || !this.can(file)) return;
    this.#clear();
    const { signal } = this.#aborter;
    const bar = h("progress", { max: "1", "aria-label": words.preview.loading });
    const stage = h("div", { class: "preview-stage" }, bar);
    this.#dialog.replaceChildren(this.#head(file), stage);
    this.#dialog.showModal();
    if (isStreamed(safe)) {
      stage.replaceChildren(...this.#player(safe, file));
      return;
    }
    try {
      const onProgress = (/** @type {import("./types.js").AnyProgress} */ progress) => {
        bar.value = fraction(progress) ?? 0;
      };
      const bytes = await this.#node.get(file.root, { path: file.path, onProgress, signal });
      if (signal.aborted) return;
      stage.replaceChildren(...this.#content(safe, bytes, file.name));
    } catch (error) {
      if (signal.aborted || isCancel(error)) return;
      this.#dialog.close();
      this.#fail(error, safeName(file.name));
    }
  }

  /** @param {Previewed} file */
  #head(file) {
    return h(
      "div",
      { class: "dialog-head" },
      h("h2", { id: "preview-heading" }, isolated(safeName(file.name), safeName(file.name, 300))),
      h("span", { class: "quiet-text numbers" }, formatBytes(file.size)),
      button({
        icon: "download",
        label: words.preview.download,
        action: "preview-download",
        onClick: () => this.#download(file),
      }),
      button({ icon: "close", label: words.preview.close, action: "close", onClick: () => this.#dialog.close() }),
    );
  }

  /**
   * @param {import("./kinds.js").SafeKind} safe
   * @param {Uint8Array} bytes
   * @param {string} name
   * @returns {HTMLElement[]}
   */
  #content(safe, bytes, name) {
    if (safe.kind === "text") return textContent(bytes);
    // a view of shared memory would be refused by Blob; get() promises bytes of its own
    this.#url = URL.createObjectURL(
      new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (bytes)], { type: safe.mediaType }),
    );
    return this.#shown(safe, name, this.#url);
  }

  /** Played while it is read, from wherever the person wants. @param {import("./kinds.js").SafeKind} safe @param {Previewed} file */
  #player(safe, { root, path, name, size }) {
    const read = (/** @type {number} */ offset, /** @type {number} */ length) =>
      this.#node.readRange(root, offset, length, { path, signal: this.#aborter.signal });
    const { url, end } = stream({ size, mediaType: safe.mediaType, read });
    this.#endStream = end;
    return this.#shown(safe, name, url);
  }

  /** @param {import("./kinds.js").SafeKind} safe @param {string} name @param {string} url @returns {HTMLElement[]} */
  #shown(safe, name, url) {
    if (safe.kind === "text") return [];
    const broken = h("p", { class: "quiet-text", hidden: true, role: "status" }, words.preview.broken);
    const shown =
      safe.kind === "image"
        ? h("img", { alt: words.preview.describe(safeName(name)), class: "preview-image" })
        : h(safe.kind, { controls: true, class: `preview-${safe.kind}`, "aria-label": safeName(name) });
    shown.addEventListener("error", () => {
      shown.hidden = true;
      broken.hidden = false;
    });
    shown.src = url;
    return [shown, broken];
  }

  /** It shows what the vault holds: it goes when the vault does. */
  close() {
    if (this.#dialog.open) this.#dialog.close();
  }

  #clear() {
    this.#aborter.abort();
    this.#aborter = new AbortController();
    this.#dialog.replaceChildren();
    this.#endStream();
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = "";
  }
}

/** @param {import("./kinds.js").SafeKind | null} safe */
const isStreamed = (safe) => (safe?.kind === "video" || safe?.kind === "audio") && canStream();

/** @param {Uint8Array} bytes */
function textContent(bytes) {
  const cut = bytes.length > TEXT_BYTES_SHOWN_MAX;
  // a copy: TextDecoder refuses views of shared memory, and this is small
  const text = new TextDecoder().decode(bytes.slice(0, TEXT_BYTES_SHOWN_MAX));
  const shown = h(
    "pre",
    { class: "preview-text", tabindex: "0", role: "region", "aria-label": words.preview.heading },
    text,
  );
  return cut ? [h("p", { class: "quiet-text" }, words.preview.cut(formatBytes(TEXT_BYTES_SHOWN_MAX))), shown] : [shown];
}
