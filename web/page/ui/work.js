/**
 * "In progress": files on their way into the vault, each with its stage, bar, rate, time left and a way out.
 *
 * Invariants: rows are kept and updated, never rebuilt, so focus stays where it is; at most `ROWS_MAX` running or waiting
 * and `FAILED_ROWS_MAX` failed ones are drawn, however many thousands there are.
 */

import { codeOf, explain, words } from "../words.js";
import { button, h, icon, isolated, need, setBar, setText, throttled } from "./dom.js";
import { isCancel } from "./errors.js";
import { formatBytes, formatRate, formatSecondsLeft, fraction, safeName } from "./format.js";
import { iconOf } from "./kinds.js";
import { bytesOf } from "./paths.js";
import { WorkQueue } from "./queue.js";

const ROWS_MAX = 6;
const FAILED_ROWS_MAX = 10;
const DRAW_INTERVAL_MS = 120;
/** Failures that the next file would meet too. */
const STOPS_ALL = new Set(
  "StorageFull StorageDenied StorageBusy StorageLost VaultLocked NotReady QuotaExceededError TakenOver".split(" "),
);

/** Failures for want of room: the person decides what goes. */
const NO_ROOM = new Set(["StorageFull", "QuotaExceededError"]);

/** @typedef {import("./paths.js").FolderToPut} FolderToPut */
/** @typedef {import("./queue.js").Item<File | FolderToPut>} WorkItem */
/**
 * @typedef {object} WorkTarget
 * @property {import("./types.js").NodeApi} node
 * @property {import("./announce.js").Announcer} announcer
 * @property {(name: string, kind: "file" | "folder") => string | undefined} sameName  the one own file that has this name
 * @property {(text: string) => void} say  what is seen, too
 * @property {() => void} onNoRoom
 */
/**
 * @typedef {{row: HTMLElement, bar: HTMLProgressElement, stage: HTMLElement, numbers: HTMLElement,
 *   out: HTMLButtonElement}} WorkRow
 */

export class Work {
  #node;
  #say;
  #target;
  #section = need("work", HTMLElement);
  #list = need("work-list", HTMLUListElement);
  #summary = need("work-summary", HTMLElement);
  #bar = need("work-bar", HTMLProgressElement);
  #more = need("work-more", HTMLElement);
  /** @type {Map<number, WorkRow>} */
  #rows = new Map();
  /** @type {WorkQueue<File | FolderToPut>} */
  #queue;
  #draw = throttled(() => this.#render(), DRAW_INTERVAL_MS);
  #cancelAll = button({ text: words.work.cancelAll, action: "cancel-all", onClick: () => this.#queue.cancelAll() });
  #retry = button({ text: words.work.retry, kind: "soft", action: "retry", onClick: () => this.#queue.retry() });
  #rate = new RateOfAll();

  /** @param {WorkTarget} target */
  constructor(target) {
    this.#node = target.node;
    this.#say = target.announcer;
    this.#target = target;
    this.#queue = new WorkQueue({
      run: (item) => this.#put(item),
      stopsAll: (error) => STOPS_ALL.has(codeOf(error)),
      onChange: this.#draw,
      onDone: (item, result) => this.#stored(item, result),
    });
    need("work-buttons", HTMLElement).append(this.#retry, this.#cancelAll);
    addEventListener("beforeunload", (event) => {
      if (this.#queue.pending > 0) event.preventDefault();
    });
  }

  /** @param {File} file */
  add(file) {
    this.#queue.add({ name: file.name, size: file.size, source: file });
  }

  /** @param {FolderToPut} folder */
  addFolder(folder) {
    this.#queue.add({ name: folder.name, size: bytesOf(folder.items), source: folder });
  }

  /** Draws anew: what "waiting" means depends on the node's phase. */
  refresh() {
    this.#draw();
  }

  /** @param {WorkItem} item */
  async #put(item) {
    try {
      await untilReady(this.#node, item.aborter.signal);
      const { source, name } = item;
      const isFolder = "items" in source;
      // asked for now, when all that is here is known: the list may have come while this waited
      const replaces = this.#target.sameName(name, isFolder ? "folder" : "file");
      const options = {
        name,
        replaces,
        signal: item.aborter.signal,
        onProgress: (/** @type {import("./types.js").AnyProgress} */ progress) => {
          item.progress = { ...progress, stage: progress.stage ?? "reading" };
          this.#draw();
        },
      };
      const done = isFolder ? await this.#node.putFolder(source.items, options) : await this.#node.put(source, options);
      return { root: done.root, replaced: replaces };
    } catch (error) {
      if (NO_ROOM.has(codeOf(error))) this.#target.onNoRoom();
      if (!item.aborter.signal.aborted) this.#say.say(words.work.failed(safeName(item.name), explain(error).title));
      throw error;
    }
  }

  /** @param {WorkItem} item @param {{root: string, replaced: string | undefined}} result */
  #stored(item, { root, replaced }) {
    const { files, filesDone } = this.#queue.totals;
    const told = words.versions;
    if (replaced) this.#target.say((root === replaced ? told.same : told.added)(safeName(item.name)));
    else if (files === 1) this.#say.say(words.work.stored(safeName(item.name)));
    else if (filesDone === files) this.#say.say(words.work.storedMany(filesDone));
  }

  #render() {
    const items = this.#queue.items;
    const running = items.filter((item) => item.status === "running");
    const waiting = items.filter((item) => item.status === "waiting");
    const failed = items.filter((item) => item.status === "failed" && !isCancel(item.error));
    const shown = [...running, ...waiting.slice(0, Math.max(0, ROWS_MAX - running.length))];
    const all = [...shown, ...failed.slice(0, FAILED_ROWS_MAX)];
    this.#syncRows(all);
    this.#section.hidden = items.length === 0;
    this.#cancelAll.hidden = items.length < 2;
    this.#retry.hidden = !this.#queue.paused && !failed.some((item) => explain(item.error).action === "retry");
    const moreWaiting = running.length + waiting.length - shown.length;
    const moreFailed = Math.max(0, failed.length - FAILED_ROWS_MAX);
    const notes = [
      moreWaiting > 0 ? words.work.moreWaiting(moreWaiting) : "",
      moreFailed > 0 ? words.work.moreFailed(moreFailed) : "",
      this.#queue.paused ? words.work.paused : "",
    ].filter(Boolean);
    this.#more.hidden = notes.length === 0;
    setText(this.#more, notes.join(" · "));
    this.#renderTotals(running);
  }

  /** @param {WorkItem[]} running */
  #renderTotals(running) {
    const { files, filesDone, bytes, bytesDone } = this.#queue.totals;
    const moved = bytesDone + running.reduce((sum, item) => sum + Math.min(item.size, item.progress.bytes), 0);
    const part = fraction({ bytes: moved, total: bytes });
    const many = files > 1;
    this.#bar.hidden = !many;
    if (running.length === 0) this.#rate.reset();
    const rate = this.#rate.at(moved, performance.now());
    const left = rate > 0 ? formatSecondsLeft((bytes - moved) / rate) : "";
    setBar(this.#bar, part);
    const numbers = [words.work.of(formatBytes(moved), formatBytes(bytes)), formatRate(rate), left];
    setText(this.#summary, many ? [words.work.summary(filesDone, files), ...numbers].filter(Boolean).join(" · ") : "");
    const percent = Math.floor((part ?? 0) * 100);
    document.title = running.length > 0 ? `${percent} % · ${words.title}` : words.title;
    if (running.length > 0 && moved > 0) this.#say.progress(words.work.spoken(percent, left));
  }

  /** @param {WorkItem[]} items */
  #syncRows(items) {
    const wanted = new Set(items.map((item) => item.id));
    for (const [id, { row }] of this.#rows) {
      if (wanted.has(id)) continue;
      if (row.contains(document.activeElement)) need("files-heading", HTMLElement).focus({ preventScroll: true });
      row.remove();
      this.#rows.delete(id);
    }
    let place = this.#list.firstElementChild;
    for (const item of items) {
      const known = this.#rows.get(item.id) ?? this.#makeRow(item);
      this.#updateRow(known, item);
      if (known.row === place) place = place.nextElementSibling;
      else this.#list.insertBefore(known.row, place);
    }
  }

  /** @param {WorkItem} item @returns {WorkRow} */
  #makeRow(item) {
    const shown = safeName(item.name);
    const drawing = "items" in item.source ? "folder" : iconOf(item.name, item.source.type);
    const bar = h("progress", { max: "1", data: { role: "progress" }, "aria-label": shown });
    const stage = h("span", { class: "stage" });
    const numbers = h("span", { class: "numbers" });
    const out = button({
      icon: "close",
      label: words.work.cancelNamed(shown),
      action: "cancel",
      onClick: () => this.#queue.cancel(item.id),
    });
    const row = h(
      "li",
      { class: "work-row", data: { job: String(item.id) } },
      icon(drawing),
      h(
        "div",
        { class: "work-main" },
        h("p", { class: "work-name" }, isolated(shown, safeName(item.name, 300))),
        bar,
        h("p", { class: "work-facts quiet-text" }, stage, numbers),
      ),
      out,
    );
    const made = { row, bar, stage, numbers, out };
    this.#rows.set(item.id, made);
    return made;
  }

  /** @param {WorkRow} row @param {WorkItem} item */
  #updateRow({ row, bar, stage, numbers, out }, item) {
    row.dataset.status = item.status;
    const failed = item.status === "failed";
    bar.hidden = failed;
    const shown = safeName(item.name);
    out.title = failed ? words.work.dismissNamed(shown) : words.work.cancelNamed(shown);
    out.setAttribute("aria-label", out.title);
    if (failed) {
      const told = explain(item.error);
      row.dataset.code = told.code;
      setText(stage, `${told.title}. ${told.todo}`);
      setText(numbers, told.known ? "" : words.errors.code(told.code));
      return;
    }
    const { progress } = item;
    const waiting = item.status === "waiting" || progress.stage === "waiting";
    const early = waiting && this.#node.state().phase !== "ready";
    setText(
      stage,
      early ? words.work.waitingForNode : (words.work.stages[progress.stage] ?? words.work.stages.reading),
    );
    if (waiting) {
      bar.value = 0;
      setText(numbers, formatBytes(item.size));
      return;
    }
    setBar(bar, fraction(progress));
    const done = words.work.of(formatBytes(progress.bytes), formatBytes(progress.total));
    const parts = [done, formatRate(progress.rate), formatSecondsLeft(progress.secondsLeft)];
    setText(numbers, parts.filter(Boolean).join(" · "));
  }
}

/**
 * The node is ready, or the person no longer wants it to be: a waiting file can be cancelled while Python still loads.
 *
 * @param {import("./types.js").NodeApi} node
 * @param {AbortSignal} signal
 */
async function untilReady(node, signal) {
  if (node.state().phase === "ready") return;
  const aborted = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  await Promise.race([node.ready, aborted]);
}

/** The rate of everything together over the last seconds: files differ in size, so a mean over all time would lag. */
class RateOfAll {
  /** @type {Array<{bytes: number, time_ms: number}>} */
  #samples = [];

  reset() {
    this.#samples = [];
  }

  /**
   * @param {number} bytes
   * @param {number} time_ms
   */
  at(bytes, time_ms) {
    this.#samples.push({ bytes, time_ms });
    while (this.#samples.length > 2 && time_ms - this.#samples[0].time_ms > 5000) this.#samples.shift();
    const first = this.#samples[0];
    const span_ms = time_ms - first.time_ms;
    return span_ms > 500 && bytes >= first.bytes ? ((bytes - first.bytes) / span_ms) * 1000 : 0;
  }
}
