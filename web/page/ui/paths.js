/**
 * Paths in folders. Pure.
 *
 * Nouns: a *path* is names joined by `/`, "" for the folder itself; a *crumb* is one step of it with the path up to there.
 */

/** @typedef {{path: string, file: File | Blob | null}} FolderItem  without a file: an empty folder */
/** @typedef {{name: string, items: FolderItem[]}} FolderToPut */

/** @param {string} path @param {string} name */
export function joined(path, name) {
  return path ? `${path}/${name}` : name;
}

/** @param {string} path @returns {{name: string, path: string}[]} */
export function crumbs(path) {
  const names = path ? path.split("/") : [];
  return names.map((name, at) => ({ name, path: names.slice(0, at + 1).join("/") }));
}

/**
 * A path and what it is in, as people read it: "Photos / 2024".
 *
 * @param {string[]} names
 */
export function shownPath(names) {
  return names.join(" / ");
}

/** The path without its last name. @param {string} path */
export function parentOf(path) {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/**
 * What a folder chooser gives: files with paths, of one or more folders. Files without a path stay loose.
 *
 * @param {File[]} files
 * @returns {{folders: FolderToPut[], loose: File[]}}
 */
export function byFolder(files) {
  /** @type {Map<string, FolderItem[]>} */
  const folders = new Map();
  /** @type {File[]} */
  const loose = [];
  for (const file of files) {
    const path = file.webkitRelativePath ?? "";
    const slash = path.indexOf("/");
    if (slash <= 0) {
      loose.push(file);
      continue;
    }
    const name = path.slice(0, slash);
    const items = folders.get(name) ?? [];
    folders.set(name, items);
    items.push({ path: path.slice(slash + 1), file });
  }
  return { folders: [...folders].map(([name, items]) => ({ name, items })), loose };
}

/** @param {FolderItem[]} items */
export function bytesOf(items) {
  return items.reduce((sum, { file }) => sum + (file?.size ?? 0), 0);
}
