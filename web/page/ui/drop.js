/**
 * How files and folders get in: dropped anywhere on the page, chosen, or pasted. A folder goes in whole, as one folder.
 *
 * Invariants: a drop's entries are taken while its event lasts (they are void afterwards); a folder is handed on when all in it
 * is known, empty folders too; nothing here reads a byte of any file.
 */

import { words } from "../words.js";
import { need, setText } from "./dom.js";
import { safeName } from "./format.js";
import { byFolder, joined } from "./paths.js";

/** As many files as one vault takes (py/inos/limits.py ROOTS_MAX): a larger drop is cut, and says so. */
const FILES_PER_DROP_MAX = 100_000;

/** @typedef {import("./paths.js").FolderToPut} FolderToPut */
/** @typedef {{addFile: (file: File) => void, addFolder: (folder: FolderToPut) => void, addLink: (text: string) => boolean,
 *   say: (text: string) => void, fail: (error: unknown) => void}} DropTarget */

/** @param {DropTarget} target */
export function setUpDrop(target) {
  const input = need("file-input", HTMLInputElement);
  const folder = need("folder-input", HTMLInputElement);
  for (const [id, chooser] of /** @type {const} */ ([
    ["choose-files", input],
    ["choose-folder", folder],
  ])) {
    need(id, HTMLButtonElement).addEventListener("click", () => chooser.click());
    chooser.addEventListener("change", () => {
      addAll(target, [...(chooser.files ?? [])]);
      chooser.value = ""; // so that choosing the same file again is a change
    });
  }
  need("drop", HTMLElement).addEventListener("click", (event) => {
    if (event.target instanceof Element && !event.target.closest("button, input")) input.click();
  });
  setUpDragging(target);
  document.addEventListener("paste", (event) => onPaste(target, event));
}

/** @param {DropTarget} target */
function setUpDragging(target) {
  const veil = need("veil", HTMLElement);
  let depth = 0; // dragenter and dragleave come for every element that the pointer passes
  const close = () => {
    depth = 0;
    veil.hidden = true;
  };
  /** @param {DragEvent} event */
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files") ?? false;
  document.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    depth += 1;
    veil.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (carriesFiles(event) && --depth <= 0) close();
  });
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
  });
  document.addEventListener("drop", (event) => {
    close();
    if (!event.dataTransfer || !carriesFiles(event)) return;
    event.preventDefault(); // else the browser would leave the page for the file
    void addTransfer(target, event.dataTransfer);
  });
}

/**
 * @param {DropTarget} target
 * @param {ClipboardEvent} event
 */
function onPaste(target, event) {
  const clipboard = event.clipboardData;
  if (!clipboard || isEditable(event.target)) return;
  if (clipboard.files.length > 0) {
    event.preventDefault();
    void addTransfer(target, clipboard);
  } else if (target.addLink(clipboard.getData("text/plain").trim())) {
    event.preventDefault();
  }
}

/** @param {EventTarget | null} element */
function isEditable(element) {
  return element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement;
}

/**
 * @param {DropTarget} target
 * @param {DataTransfer} transfer
 */
async function addTransfer(target, transfer) {
  /** @type {File[]} */
  const loose = [];
  /** @type {FileSystemDirectoryEntry[]} */
  const directories = [];
  for (const item of transfer.items) {
    if (item.kind !== "file") continue;
    const entry = item.webkitGetAsEntry?.();
    // a script-made transfer has no entries; a plain file needs no walk
    const file = entry?.isDirectory ? null : item.getAsFile();
    if (file) loose.push(file);
    else if (entry?.isDirectory) directories.push(/** @type {FileSystemDirectoryEntry} */ (entry));
  }
  let count = addLoose(target, loose);
  for (const directory of directories) {
    target.say(words.folder.reading(safeName(directory.name)));
    const folder = await collect(directory, target.fail);
    count += folder.count;
    if (folder.items.length > 0) target.addFolder({ name: directory.name, items: folder.items });
  }
  report(target, count);
}

/**
 * @param {DropTarget} target
 * @param {File[]} files
 */
function addAll(target, files) {
  const { folders, loose } = byFolder(files.slice(0, FILES_PER_DROP_MAX));
  addLoose(target, loose);
  for (const folder of folders) target.addFolder(folder);
  report(target, files.length);
}

/**
 * @param {DropTarget} target
 * @param {File[]} files
 */
function addLoose(target, files) {
  for (const file of files.slice(0, FILES_PER_DROP_MAX)) target.addFile(file);
  return files.length;
}

/**
 * @param {DropTarget} target
 * @param {number} count
 */
function report(target, count) {
  if (count > FILES_PER_DROP_MAX) target.say(words.drop.tooMany(FILES_PER_DROP_MAX));
  else target.say(count > 0 ? words.drop.added(count) : words.drop.empty);
}

/**
 * Everything below a directory, depth first, with its path; `count` is how many files were found (one above the bound means that
 * there were more). What cannot be read is told to `fail` and left out.
 *
 * @param {FileSystemDirectoryEntry} directory
 * @param {(error: unknown) => void} fail
 * @returns {Promise<{items: import("./paths.js").FolderItem[], count: number}>}
 */
export async function collect(directory, fail) {
  /** @type {import("./paths.js").FolderItem[]} */
  const items = [];
  /** @type {{entry: FileSystemEntry, path: string}[]} */
  const todo = [{ entry: directory, path: "" }];
  let count = 0;
  for (let next = todo.pop(); next; next = todo.pop()) {
    const { entry, path } = next;
    try {
      if (isDirectory(entry)) {
        const inside = await readDirectory(entry);
        if (inside.length === 0 && path) items.push({ path, file: null });
        // in reverse: the stack gives them back in the folder's own order
        for (const each of inside.reverse()) todo.push({ entry: each, path: joined(path, each.name) });
        continue;
      }
      count += 1;
      if (count > FILES_PER_DROP_MAX) return { items, count };
      items.push({ path, file: await fileOf(/** @type {FileSystemFileEntry} */ (entry)) });
    } catch (error) {
      fail(error);
    }
  }
  return { items, count };
}

/**
 * @param {FileSystemEntry} entry
 * @returns {entry is FileSystemDirectoryEntry}
 */
function isDirectory(entry) {
  return entry.isDirectory;
}

/** @param {FileSystemFileEntry} entry @returns {Promise<File>} */
function fileOf(entry) {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** @param {FileSystemDirectoryEntry} directory */
async function readDirectory(directory) {
  const reader = directory.createReader();
  /** @type {FileSystemEntry[]} */
  const all = [];
  for (;;) {
    // one call gives at most 100 entries in Chromium; an empty answer ends the listing
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    for (const entry of some) all.push(entry);
  }
}

/**
 * Says that files may be added although nothing else is ready; in the place of another line, so that nothing moves.
 *
 * @param {boolean} early
 */
export function showEarly(early) {
  setText(need("drop-hint", HTMLElement), early ? words.drop.early : words.drop.hint);
}
