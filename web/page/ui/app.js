/**
 * The page that people see: puts the parts together and wires them to the node. Works before the node is ready.
 *
 * What end-to-end tests may rely on (stable ids and data attributes):
 *   #state[data-phase=starting|locked|ready|failed|busy-elsewhere]      #peers-count[data-count]      #boot-bar
 *   #drop  #file-input  #folder-input  #choose-files  #choose-folder
 *   #errors > [data-code] with [data-action=dismiss|retry|reload|take-over]
 *   #work  #work-list > [data-job][data-status=waiting|running|failed][data-code], [data-role=progress],
 *     [data-action=cancel|cancel-all|retry]
 *   #files  [data-root][data-kind=file|folder] with [data-action=share|open|download|rename|delete|versions|file-repair], then
 *     [data-action=delete-confirm|delete-cancel] or .rename-input with [data-action=rename-save|rename-cancel];
 *     #files-filter  #files-more  #files-empty  #files-summary  #found > [data-path] with [data-action=found-open|found-save]
 *   #note (what just happened)  #tour [data-step][data-state=done|next|later]  [data-action=tour-skip|tour-share]  #keys-dialog
 *   #folder-dialog  [data-path][data-kind] with [data-action=entry-open|entry-save]  [data-action=folder-save|close]  .crumb
 *   #versions-dialog  [data-root][data-seq] with [data-action=version-open|version-save|version-restore|version-forget], then
 *     [data-action=version-forget-confirm|version-forget-cancel]
 *   #archive-dialog  #archive-passphrase  #archive-again  #archive-told  [data-action=archive-start|archive-stop|archive-done]
 *     #archive-input (a file)
 *   #almost-full  [data-group=older|largest|received] [data-root] with [data-action=room-delete], then [data-action=room-confirm|room-keep]
 *     [data-action=room-clear|almost-full-dismiss]
 *   #share-dialog  #share-link (an input: its value is the link)  [data-action=copy|close]  #share-revocable
 *     #share-links > [data-link] with [data-action=revoke]
 *   #preview-dialog  .preview-text|.preview-image|.preview-audio|.preview-video  [data-action=preview-download|close]
 *   #link-view[data-stage=finding|connecting|fetching|verifying|done|nobody|failed|stopped][data-code],
 *     [data-role=progress], [data-action=link-open|link-download|link-retry|link-stop|link-close], .link-name
 *   #view-files|#view-mesh|#view-python|#view-settings, of which one is not [hidden]; .nav [data-view][aria-current]
 *   #mesh-panel[data-links]  [data-mesh]  [data-root][data-copies][data-state]  [data-path]
 *   #meet  [data-action=invite|answer|room-new|room-link|room-public]  #meet-dialog  #meet-invitation  #meet-reply  #meet-invited  #meet-replied
 *     #meet-room  [data-action=connect|make-reply|copy|close]
 *   #node-panel  [data-stat]  [data-peer]  #check [name=check-level]  [data-action=check]  #check-result[data-verdict=good|bad]
 *     [data-action=repair|check-report]  .unrepaired > [data-root][data-code]
 *   #storage  [data-part]  [data-action=persist|archive-export|archive-import]
 *   #tidy[data-phase][data-paused]  [data-action=tidy-pause|tidy-now]
 *   #unlock  #unlock-passphrase  #unlock-told  [data-action=unlock|unlock-passkey]
 *   #protect  [data-action=passphrase-set|slot-remove|passkey-add|lock]  #ask-always  #idle-lock
 *   #protect-dialog  #protect-current  #protect-new  #protect-again  #protect-choice  #protect-told  [data-action=protect-save]
 */

import { settings } from "../settings.js";
import { words } from "../words.js";
import { ActivityLog, peerChanges, watched } from "./activity.js";
import { AlmostFull } from "./almost_full.js";
import { Announcer } from "./announce.js";
import { Archive } from "./archive.js";
import { Check } from "./check.js";
import { need } from "./dom.js";
import { setUpDrop, showEarly } from "./drop.js";
import { Errors, isCancel } from "./errors.js";
import { Files } from "./files.js";
import { FolderView } from "./folder.js";
import { formatBytes, fraction, safeName } from "./format.js";
import { Found } from "./found.js";
import { LinkView } from "./link.js";
import { Mesh } from "./mesh.js";
import { Note } from "./note.js";
import { Panel } from "./panel.js";
import { linkIn } from "./paste.js";
import { parentOf } from "./paths.js";
import { Preview } from "./preview.js";
import { Protect } from "./protect.js";
import { Share } from "./share.js";
import { makeShell } from "./shell.js";
import { Status } from "./status.js";
import { Storage } from "./storage.js";
import { Tidy } from "./tidy.js";
import { Unlock } from "./unlock.js";
import { Versions } from "./versions.js";
import { Work } from "./work.js";

const STORAGE_INTERVAL_MS = 20_000;

/** @typedef {import("./types.js").NodeApi} NodeApi */
/** @typedef {{openLink: (link: string) => void, showError: (error: unknown) => void, followAddress: () => void}} App */

/**
 * @param {NodeApi} bareNode
 * @returns {App}
 */
export function mount(bareNode) {
  need("stalled", HTMLElement).remove();
  const parts = makeParts(bareNode);
  const { announcer, fail, link, views, work } = parts;
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
  node.on("tidy", (state) => parts.tidy.show(state));
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
    if (found) openLink(found);
    return found !== null;
  };
  const openLink = (/** @type {string} */ text) => {
    views.open("files");
    link.open(text);
  };
  setUpDrop({
    addFile: (file) => {
      views.open("files"); // where it is seen on its way
      work.add(file);
    },
    addFolder: (folder) => {
      views.open("files");
      work.addFolder(folder);
    },
    addLink,
    say: (text) => announcer.say(text),
    fail,
  });
  onState();
  views.on("open", (name) => {
    parts.mesh.setShown(name === "mesh");
    parts.panel.setShown(name === "mesh");
    if (name === "mesh") parts.tour.happened("mesh");
  });
  views.follow();
  return { openLink, showError: (error) => fail(error), followAddress: () => views.follow() };
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
  const shareFile = (/** @type {import("./types.js").FileEntry} */ entry) => {
    tour.happened("share");
    void share.open(entry);
  };
  const protect = new Protect(node, announcer, fail);
  const unlock = new Unlock(node, fail);
  const note = new Note(announcer);
  const say = (/** @type {string} */ text) => note.say(text);
  const shareFirst = () => {
    const [first] = files.all();
    if (first) shareFile(first);
  };
  const { views, tour } = makeShell({ node, bareNode, say, fail, shareFirst });
  const folder = new FolderView({ node, preview, download, fail });
  const open = (/** @type {import("./folder.js").Opened} */ file) =>
    void (file.kind === "folder" ? folder.open(file) : preview.open(file));
  const canOpen = (/** @type {import("./folder.js").Opened} */ file) => file.kind === "folder" || preview.can(file);
  const versions = new Versions({ node, open, canOpen, download, say, fail });
  const files = new Files({
    share: shareFile,
    open,
    download,
    remove: (entry) => remove(node, entry, announcer, fail),
    rename: async (entry, name) => {
      const { root } = await node.rename(entry.root, name);
      say(words.rename.done(safeName(name)));
      return root;
    },
    versions: (entry) => versions.open(entry),
    repair: () => {
      views.open("settings");
      void check.repair();
      check.element.scrollIntoView({ block: "nearest" });
    },
    countFiles: (root) => node.countFiles(root),
    find: (query) => found.ask(query),
  });
  const nameOf = (/** @type {string} */ root) => files.nameOf(root);
  const found = new Found({ node, nameOf, ...inFolders(files, folder, preview, download), fail }, (count) =>
    files.setFoundInside(count),
  );
  const check = new Check({ node, announcer, fail, nameOf });
  need("protect", HTMLElement).before(check.element);
  const panel = new Panel(node);
  const mesh = new Mesh(node, nameOf);
  const link = new LinkView({ node, announcer, preview, download, open });
  const almostFull = new AlmostFull({ node, say, fail });
  const sameName = files.sameName.bind(files);
  const work = new Work({ node, announcer, sameName, say, onNoRoom: () => almostFull.putFailed() });
  const archive = new Archive(node, say);
  const tidy = new Tidy(node, say, fail);
  const storage = new Storage(node, fail, { buttons: archive.buttons(), below: tidy.element });
  const status = new Status();
  const closeAll = () => {
    for (const shown of [folder, versions, archive, preview, almostFull, check]) shown.close();
    note.clear();
  };
  return {
    ...{ node, log, announcer, errors, fail, files, link, panel, protect, storage, status, unlock, work },
    ...{ almostFull, closeAll, found, mesh, tidy, tour, views },
  };
}

/**
 * What can be done with something that was found in a folder: a folder is opened where it is, a file shown if it may be.
 *
 * @param {Files} files
 * @param {FolderView} folder
 * @param {Preview} preview
 * @param {(file: import("./folder.js").Opened) => void} download
 */
function inFolders(files, folder, preview, download) {
  /** @param {import("./types.js").Found} row */
  const asFile = (row) => ({ ...row, mediaType: "" });
  return {
    open: (/** @type {import("./types.js").Found} */ row) => {
      const entry = files.entryOf(row.root);
      if (row.kind === "file" && preview.can(asFile(row))) void preview.open(asFile(row));
      else if (entry) void folder.open(entry, row.kind === "folder" ? row.path : parentOf(row.path));
    },
    download: (/** @type {import("./types.js").Found} */ row) => download(asFile(row)),
  };
}

/** What brings each part up to date. @param {Parts} parts */
function makeRefreshers(parts) {
  const { node, log, errors, fail, files, link, panel, protect, storage, status, unlock, work } = parts;
  const { almostFull, closeAll, found, mesh, tidy, tour } = parts;
  /** @type {string[]} */
  let peersBefore = [];
  const refreshList = latestOnly(async () => {
    const entries = await node.list();
    files.show(entries);
    settings.set("hadFiles", entries.length > 0);
    if (entries.length > 0) tour.happened("add");
    found.again();
  }, fail);
  const refreshPeers = latestOnly(async () => {
    const peers = await node.peers();
    const present = peers.map((peer) => peer.shortId);
    for (const change of peerChanges(peersBefore, present)) log.note(change);
    peersBefore = present;
    status.showPeers(peers.length);
    panel.showPeers(peers);
    await mesh.refresh();
  }, fail);
  const refreshStorage = latestOnly(async () => {
    const stats = await node.stats();
    almostFull.show(stats);
    await storage.show(stats, files.hasVersions());
  }, fail);
  const refreshProtection = latestOnly(() => protect.refresh(), fail);
  const refreshAll = () => {
    refreshList();
    refreshPeers();
    refreshStorage();
    refreshProtection();
    void tidy.begin();
  };
  const showState = () => {
    const state = node.state();
    if (state.phase === "starting") log.note({ key: "boot", params: { step: state.step } });
    else if (state.phase === "ready") log.note({ key: "ready" });
    status.show(state);
    document.body.dataset.phase = state.phase;
    unlock.refresh();
    if (state.phase === "locked") {
      closeAll();
      files.forget();
    }
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
async function save(node, { root, name, path }, files, announcer, fail) {
  const shown = safeName(name);
  announcer.say(words.files.saving(shown));
  files.setBusy(root, words.files.preparingShort);
  try {
    await node.save(root, {
      path,
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
