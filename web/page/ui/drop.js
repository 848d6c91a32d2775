/**
 * How files get in: dropped anywhere on the page, chosen, or pasted; folders are walked for the files in them.
 *
 * Invariants: a drop's entries are taken while its event lasts (they are void afterwards); a walk holds one directory's
 * listing at a time and hands files on as it finds them; nothing here reads a byte of them.
 */

import { words } from "../words.js";
import { need, setText } from "./dom.js";

/** As many files as one vault takes (py/inos/limits.py ROOTS_MAX): a larger drop is cut, and says so. */
const FILES_PER_DROP_MAX = 100_000;

/** @typedef {{addFile: (file: File) => void, addLink: (text: string) => boolean, say: (text: string) => void,
 *   fail: (error: unknown) => void}} DropTarget */

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
  /** @type {Array<File | FileSystemEntry>} */
  const found = [];
  for (const item of transfer.items) {
    if (item.kind !== "file") continue;
    const entry = item.webkitGetAsEntry?.();
    // a script-made transfer has no entries; a plain file needs no walk
    const file = entry?.isDirectory ? null : item.getAsFile();
    if (file) found.push(file);
    else if (entry) found.push(entry);
  }
  const count = await walk(found, target);
  report(target, count);
}

/**
 * @param {DropTarget} target
 * @param {File[]} files
 */
function addAll(target, files) {
  for (const file of files.slice(0, FILES_PER_DROP_MAX)) target.addFile(file);
  report(target, files.length);
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
 * Every file below, depth first; returns how many were found (one above the bound means that there were more).
 *
 * @param {Array<File | FileSystemEntry>} found
 * @param {Pick<DropTarget, "addFile" | "fail">} target
 */
export async function walk(found, target) {
  const todo = found.reverse();
  let count = 0;
  for (let next = todo.pop(); next; next = todo.pop()) {
    try {
      if (isDirectory(next)) {
        // reversed in place: the stack gives them back in the folder's own order
        todo.push(...(await readDirectory(next)).reverse());
        continue;
      }
      count += 1;
      if (count > FILES_PER_DROP_MAX) return count;
      target.addFile("lastModified" in next ? next : await fileOf(/** @type {FileSystemFileEntry} */ (next)));
    } catch (error) {
      target.fail(error);
    }
  }
  return count;
}

/**
 * @param {File | FileSystemEntry} entry
 * @returns {entry is FileSystemDirectoryEntry}
 */
function isDirectory(entry) {
  return "isDirectory" in entry && entry.isDirectory;
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
 * Says that files may be added although nothing else is ready.
 *
 * @param {boolean} early
 */
export function showEarly(early) {
  const note = need("drop-early", HTMLElement);
  setText(note, words.drop.early);
  note.hidden = !early;
}
