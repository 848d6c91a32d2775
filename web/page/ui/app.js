/**
 * The page that people see: puts the parts together and wires them to the node. Works before the node is ready.
 *
 * What end-to-end tests may rely on (stable ids and data attributes):
 *   #state[data-phase=starting|locked|ready|failed|busy-elsewhere]      #peers-count[data-count]      #boot-bar
 *   #drop  #file-input  #folder-input  #choose-files  #choose-folder
 *   #errors > [data-code] with [data-action=dismiss|retry|reload|take-over]
 *   #work  #work-list > [data-job][data-status=waiting|running|failed][data-code], [data-role=progress],
 *     [data-action=cancel|cancel-all|retry]
 *   #files  [data-root] with [data-action=share|open|download|delete], then [data-action=delete-confirm|delete-cancel];
 *     #files-filter  #files-more  #files-empty  #files-summary
 *   #share-dialog  #share-link (an input: its value is the link)  [data-action=copy|close]  #share-revocable
 *     #share-links > [data-link] with [data-action=revoke]
 *   #preview-dialog  .preview-text|.preview-image|.preview-audio|.preview-video  [data-action=preview-download|close]
 *   #link-view[data-stage=finding|connecting|fetching|verifying|done|nobody|failed|stopped][data-code],
 *     [data-role=progress], [data-action=link-open|link-download|link-retry|link-stop|link-close], .link-name
 *   #node-panel  [data-stat]  [data-peer]  #check [name=check-level]  [data-action=check]  #check-result[data-verdict=good|bad]
 *   #storage  [data-action=persist]
 *   #unlock  #unlock-passphrase  #unlock-told  [data-action=unlock|unlock-passkey]
 *   #protect  [data-action=passphrase-set|slot-remove|passkey-add|lock]  #ask-always  #idle-lock
 *   #protect-dialog  #protect-current  #protect-new  #protect-again  #protect-choice  #protect-told  [data-action=protect-save]
 */

import { words } from "../words.js";
import { ActivityLog, peerChanges, watched } from "./activity.js";
import { Announcer } from "./announce.js";
import { makeCheck } from "./check.js";
import { need } from "./dom.js";
import { setUpDrop, showEarly } from "./drop.js";
import { Errors, isCancel } from "./errors.js";
import { Files } from "./files.js";
import { formatBytes, fraction, safeName } from "./format.js";
import { LinkView } from "./link.js";
import { Panel } from "./panel.js";
import { linkIn } from "./paste.js";
import { Preview } from "./preview.js";
import { Protect } from "./protect.js";
import { Share } from "./share.js";
import { Status } from "./status.js";
import { Storage } from "./storage.js";
import { Unlock } from "./unlock.js";
import { Work } from "./work.js";

const STORAGE_INTERVAL_MS = 20_000;

/** @typedef {import("./types.js").NodeApi} NodeApi */
/** @typedef {{openLink: (link: string) => void, showError: (error: unknown) => void}} App */

/**
 * @param {NodeApi} bareNode
 * @returns {App}
 */
export function mount(bareNode) {
  need("stalled", HTMLElement).remove();
  const parts = makeParts(bareNode);
  const { announcer, fail, link, work } = parts;
  const { showState, refreshList, refreshPeers, refreshStorage, refreshAll } = makeRefreshers(parts);
  const { node } = parts;
  let wasReady = false;
  const onState = () => {
    showState();
    const { phase } = node.state();
    if (phase === "ready" && !wasReady) refreshAll(); // also after a take-over
    wasReady = phase === "ready";
  };
  node.on("state", onState);
  node.on("list", () => {
    refreshList();
    refreshStorage();
  });
  node.on("peers", refreshPeers);
  node.on("activity", (activity) => parts.log.note(activity));
  node.ready.then(
    (info) => {
      parts.panel.showNode(info);
      onState();
    },
    // a node that is elsewhere or failed says so in its state; whatever else went wrong is shown here
    (error) => {
      onState();
      if (node.state().phase === "starting") parts.errors.show(error, { key: "state" });
    },
  );
  setInterval(() => {
    if (!document.hidden && node.state().phase === "ready") refreshStorage();
  }, STORAGE_INTERVAL_MS);
  const addLink = (/** @type {string} */ text) => {
    const found = linkIn(text);
    if (found) link.open(found);
    return found !== null;
  };
  setUpDrop({ addFile: (file) => work.add(file), addLink, say: (text) => announcer.say(text), fail });
  onState();
  return { openLink: (text) => link.open(text), showError: (error) => fail(error) };
}

/** @typedef {ReturnType<typeof makeParts>} Parts */

/** @param {NodeApi} bareNode */
function makeParts(bareNode) {
  const log = new ActivityLog((happened, now) => panel.showActivity(happened, now));
  const node = watched(bareNode, log, (root) => files.nameOf(root));
  const announcer = new Announcer();
  const errors = new Errors(() => void node.takeOver().catch((error) => fail(error)));
  const fail = (/** @type {unknown} */ error, subject = "") => {
    if (!isCancel(error)) errors.show(error, { subject });
  };
  const download = (/** @type {import("./preview.js").Previewed} */ file) =>
    void save(node, file, files, announcer, fail);
  const preview = new Preview(node, fail, download);
  const share = new Share(node, announcer, fail);
  const protect = new Protect(node, announcer, fail);
  const unlock = new Unlock(node);
  const files = new Files({
    share: (entry) => void share.open(entry),
    open: (entry) => void preview.open(entry),
    download,
    remove: (entry) => remove(node, entry, announcer, fail),
  });
  const panel = new Panel(node, makeCheck(node, announcer, fail));
  const link = new LinkView({ node, announcer, preview, download });
  const work = new Work(node, announcer);
  const storage = new Storage(node, fail);
  const status = new Status();
  return { node, log, announcer, errors, fail, files, link, panel, protect, storage, status, unlock, work };
}

/** What brings each part up to date. @param {Parts} parts */
function makeRefreshers({ node, log, errors, fail, files, link, panel, protect, storage, status, unlock, work }) {
  /** @type {string[]} */
  let peersBefore = [];
  const refreshList = latestOnly(async () => files.show(await node.list()), fail);
  const refreshPeers = latestOnly(async () => {
    const peers = await node.peers();
    const present = peers.map((peer) => peer.shortId);
    for (const change of peerChanges(peersBefore, present)) log.note(change);
    peersBefore = present;
    status.showPeers(peers.length);
    panel.showPeers(peers);
  }, fail);
  const refreshStorage = latestOnly(async () => storage.show(await node.stats()), fail);
  const refreshProtection = latestOnly(() => protect.refresh(), fail);
  const refreshAll = () => {
    refreshList();
    refreshPeers();
    refreshStorage();
    refreshProtection();
  };
  const showState = () => {
    const state = node.state();
    if (state.phase === "starting") log.note({ key: "boot", params: { step: state.step } });
    else if (state.phase === "ready") log.note({ key: "ready" });
    status.show(state);
    document.body.dataset.phase = state.phase;
    unlock.refresh();
    showEarly(state.phase === "starting");
    files.setUnavailable(state.phase === "failed" || state.phase === "busy-elsewhere");
    work.refresh();
    link.refresh();
    showStateError(errors, state);
  };
  return { showState, refreshList, refreshPeers, refreshStorage, refreshAll };
}

/**
 * The node's own trouble stands as one card that comes and goes with it.
 *
 * @param {Errors} errors
 * @param {import("./types.js").NodeState} state
 */
function showStateError(errors, { phase, error }) {
  const mark = phase === "failed" || phase === "busy-elsewhere" ? `${phase} ${error?.code}` : "";
  const region = need("errors", HTMLElement);
  if (region.dataset.state === mark) return;
  region.dataset.state = mark;
  if (phase === "busy-elsewhere") errors.show(error ?? { code: "StorageBusy", message: "" }, { key: "state" });
  else if (phase === "failed") errors.show(error ?? { code: "InosError", message: "" }, { key: "state" });
  else errors.clear("state");
}

/**
 * @param {NodeApi} node
 * @param {import("./preview.js").Previewed} file
 * @param {Files} files
 * @param {Announcer} announcer
 * @param {(error: unknown, subject: string) => void} fail
 */
async function save(node, { root, name }, files, announcer, fail) {
  const shown = safeName(name);
  announcer.say(words.files.saving(shown));
  files.setBusy(root, words.files.preparingShort);
  try {
    await node.save(root, {
      onProgress: (progress) => {
        const part = fraction(progress);
        const percent = part === null ? formatBytes(progress.bytes) : `${Math.floor(part * 100)} %`;
        files.setBusy(root, words.files.savingPart(percent));
      },
    });
  } catch (error) {
    fail(error, shown);
  }
  files.setBusy(root, null);
}

/**
 * @param {NodeApi} node
 * @param {import("./types.js").FileEntry} entry
 * @param {Announcer} announcer
 * @param {(error: unknown, subject: string) => void} fail
 */
async function remove(node, { root, name }, announcer, fail) {
  try {
    await node.remove(root);
    announcer.say(words.files.deleted(safeName(name)));
    return true;
  } catch (error) {
    fail(error, safeName(name));
    return false;
  }
}

/**
 * A call that runs once at a time; asked for while it runs, it runs once more afterwards, so the last state wins.
 *
 * @param {() => Promise<unknown>} call
 * @param {(error: unknown) => void} fail
 */
function latestOnly(call, fail) {
  let running = false;
  let again = false;
  return async function run() {
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      await call();
    } catch (error) {
      fail(error);
    }
    running = false;
    if (again) {
      again = false;
      void run();
    }
  };
}
