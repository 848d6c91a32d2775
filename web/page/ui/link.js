/**
 * What a link opens: the file's name when known, how far it is, and in the end what can be done with it.
 *
 * Nouns: a *visit* is one link being fetched; a new link ends the visit before it.
 * Invariants: `#link-view[data-stage]` is one of finding, connecting, fetching, verifying, done, nobody, failed, stopped; while nobody
 * has the file the visit goes on trying, with growing pauses, until stopped.
 */

import { codeOf, explain, words } from "../words.js";
import { button, h, icon, isolated, need, setBar, setText } from "./dom.js";
import { isCancel } from "./errors.js";
import { formatBytes, formatRate, formatSecondsLeft, fraction, safeName } from "./format.js";
import { iconOf } from "./kinds.js";

const TEXTS = words.link;
/** Looking this long without meeting anybody: say what to do, and go on looking. */
const NOBODY_HINT_MS = 8000;
const RETRY_FIRST_MS = 4000;
const RETRY_MAX_MS = 30_000;

/**
 * @typedef {object} LinkTarget
 * @property {import("./types.js").NodeApi} node
 * @property {import("./announce.js").Announcer} announcer
 * @property {import("./preview.js").Preview} preview
 * @property {(file: import("./preview.js").Previewed) => void} download
 * @property {(file: import("./folder.js").Opened) => void} open
 */

export class LinkView {
  #section = need("link-view", HTMLElement);
  /** @type {Visit | null} */
  #visit = null;
  #target;

  /** @param {LinkTarget} target */
  constructor(target) {
    this.#target = target;
  }

  /** @param {string} link */
  open(link) {
    this.#visit?.end();
    this.#visit = new Visit(link, this.#section, this.#target, () => this.close());
    void this.#visit.start();
  }

  close() {
    this.#visit?.end();
    this.#visit = null;
    this.#section.hidden = true;
    this.#section.replaceChildren();
  }

  /** The node became ready, or stopped being so. */
  refresh() {
    this.#visit?.refresh();
  }
}

class Visit {
  #link;
  #section;
  #target;
  #aborter = new AbortController();
  #ended = false;
  #retry_ms = RETRY_FIRST_MS;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #name = h("span", { class: "link-name" }, TEXTS.unnamed);
  #icon = h("span", { class: "link-icon" }, icon("file"));
  #stage = h("p", { class: "link-stage", role: "status" });
  #numbers = h("p", { class: "link-numbers quiet-text numbers" });
  #bar = h("progress", { max: "1", data: { role: "progress" }, "aria-label": TEXTS.stages.fetching });
  #advice = h("p", { class: "link-advice", hidden: true });
  #buttons = h("div", { class: "link-buttons" });

  /**
   * @param {string} link
   * @param {HTMLElement} section
   * @param {LinkTarget} target
   * @param {() => void} close
   */
  constructor(link, section, target, close) {
    this.#link = link;
    this.#section = section;
    this.#target = target;
    const heading = h("h2", { id: "link-heading" }, TEXTS.heading);
    section.replaceChildren(
      h(
        "div",
        { class: "card-head" },
        heading,
        button({ icon: "close", label: TEXTS.close, action: "link-close", onClick: close }),
      ),
      h("div", { class: "link-file" }, this.#icon, h("div", { class: "link-text" }, this.#name, this.#numbers)),
      this.#bar,
      this.#stage,
      this.#advice,
      this.#buttons,
    );
    section.hidden = false;
  }

  async start() {
    this.#aborter = new AbortController();
    const { signal } = this.#aborter;
    this.#setStage("finding", TEXTS.stages.finding);
    this.#advice.hidden = true;
    setBar(this.#bar, null);
    this.#bar.hidden = false;
    this.#buttons.replaceChildren(
      button({ text: TEXTS.cancel, kind: "soft", action: "link-stop", onClick: () => this.#stop() }),
    );
    this.refresh();
    try {
      const onProgress = (/** @type {import("./types.js").FetchProgress} */ progress) => {
        if (!signal.aborted) this.#progress(progress);
      };
      const result = await this.#target.node.fetch(this.#link, { onProgress, signal });
      if (!this.#ended) this.#done(result);
    } catch (error) {
      if (!this.#ended && !signal.aborted) this.#failed(error);
    } finally {
      if (!signal.aborted) this.#stopTimer();
    }
  }

  /** While the node is starting, looking for peers has not begun: say so. */
  refresh() {
    if (this.#section.dataset.stage !== "finding") return;
    const { phase } = this.#target.node.state();
    setText(this.#stage, phase === "ready" ? TEXTS.stages.finding : TEXTS.waitingForNode);
    if (phase === "ready" && this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#nobodyYet(), NOBODY_HINT_MS);
    }
  }

  end() {
    this.#ended = true;
    this.#aborter.abort();
    this.#stopTimer();
  }

  #stopTimer() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** @param {string} stage @param {string} text */
  #setStage(stage, text) {
    this.#section.dataset.stage = stage;
    setText(this.#stage, text);
  }

  /** @param {import("./types.js").FetchProgress} progress */
  #progress(progress) {
    const { stage, peers, bytes, total, rate, secondsLeft, name } = progress;
    if (name) this.#showName(name, "");
    if (stage === "finding" && peers === 0) {
      if (this.#section.dataset.stage !== "nobody") this.#setStage("finding", TEXTS.stages.finding);
      this.refresh();
      return;
    }
    this.#stopTimer();
    this.#advice.hidden = true;
    const from = stage === "fetching" && peers > 0 ? ` ${TEXTS.from(peers)}` : "";
    this.#setStage(stage, (TEXTS.stages[stage] ?? TEXTS.stages.fetching) + from);
    const part = stage === "fetching" || stage === "verifying" ? fraction(progress) : null;
    setBar(this.#bar, total > 0 ? part : null);
    const left = formatSecondsLeft(secondsLeft);
    const done = total > 0 ? words.work.of(formatBytes(bytes), formatBytes(total)) : "";
    setText(this.#numbers, [done, formatRate(rate), left].filter(Boolean).join(" · "));
    if (part !== null && part > 0) this.#target.announcer.progress(words.work.spoken(Math.floor(part * 100), left));
  }

  /** @param {string} name @param {string} mediaType */
  #showName(name, mediaType) {
    const shown = safeName(name) || TEXTS.unnamed;
    if (this.#name.textContent === shown) return;
    this.#name.replaceChildren(isolated(shown, safeName(name, 300)));
    this.#icon.replaceChildren(icon(iconOf(name, mediaType)));
  }

  #nobodyYet() {
    this.#setStage("nobody", TEXTS.nobodyTitle);
    setText(this.#advice, TEXTS.nobody);
    this.#advice.hidden = false;
  }

  /** @param {import("./types.js").FetchResult} file */
  #done(file) {
    const { announcer, preview, download, open: show } = this.#target;
    const isFolder = file.kind === "folder";
    this.#stopTimer();
    this.#showName(file.name, file.mediaType);
    if (isFolder) this.#icon.replaceChildren(icon("folder"));
    this.#setStage("done", TEXTS.stages.done);
    this.#bar.hidden = true;
    setText(this.#numbers, formatBytes(file.size));
    const can = isFolder || preview.can(file);
    setText(this.#advice, can ? TEXTS.kept : `${TEXTS.kept} ${TEXTS.notShown}`);
    this.#advice.hidden = false;
    const open = button({
      icon: "open",
      text: TEXTS.preview,
      kind: "main",
      action: "link-open",
      onClick: () => show(file),
    });
    const save = button({
      icon: "download",
      text: TEXTS.download,
      kind: can ? "soft" : "main",
      action: "link-download",
      onClick: () => download(file),
    });
    this.#buttons.replaceChildren(...(can ? [open, save] : [save]));
    announcer.say(TEXTS.arrived(safeName(file.name)));
  }

  /** @param {unknown} error */
  #failed(error) {
    this.#stopTimer();
    if (isCancel(error)) {
      this.#stop();
      return;
    }
    const nobody = codeOf(error) === "NoPeers";
    const told = explain(error);
    this.#section.dataset.code = told.code;
    if (nobody) {
      this.#nobodyYet();
      this.#timer = setTimeout(() => this.#again(), this.#retry_ms);
      this.#retry_ms = Math.min(RETRY_MAX_MS, this.#retry_ms * 1.5);
      setBar(this.#bar, null);
    } else {
      this.#setStage("failed", told.title);
      setText(this.#advice, told.known ? told.todo : `${told.todo} ${words.errors.code(told.code)}`);
      this.#advice.hidden = false;
      this.#bar.hidden = true;
    }
    if (told.action) this.#offerRetry(nobody);
    else this.#buttons.replaceChildren(); // trying again would not help
  }

  #stop() {
    this.#aborter.abort();
    this.#stopTimer();
    this.#setStage("stopped", TEXTS.cancelled);
    this.#advice.hidden = true;
    this.#bar.hidden = true;
    this.#offerRetry(false);
  }

  /** @param {boolean} alsoStop */
  #offerRetry(alsoStop) {
    const retry = button({ text: TEXTS.retry, kind: "main", action: "link-retry", onClick: () => this.#again() });
    const stop = button({ text: TEXTS.cancel, kind: "soft", action: "link-stop", onClick: () => this.#stop() });
    this.#buttons.replaceChildren(...(alsoStop ? [retry, stop] : [retry]));
  }

  #again() {
    this.#stopTimer();
    if (!this.#ended) void this.start();
  }
}
