/**
 * The sentences about what the vault keeps: folders, versions, names, the archive, room, repair. Part of `words` (words.js), and
 * under its invariants.
 */

import { counted, files } from "./counted.js";

/** @param {number} count */
const versions = (count) => counted(count, "version", "versions");

export const vaultWords = {
  folder: {
    /** @param {string} name */
    reading: (name) => `Looking through ${name}…`,
    files,
    /** @param {number} single @param {number} folders */
    both: (single, folders) =>
      [single > 0 ? files(single) : "", folders > 0 ? counted(folders, "folder", "folders") : ""]
        .filter(Boolean)
        .join(", "),
    close: "Close",
    empty: "This folder is empty.",
    loading: "Opening…",
    /** @param {string} name */
    openNamed: (name) => `Open ${name}`,
    /** @param {string} name */
    saveNamed: (name) => `Download ${name}`,
    /** @param {string} name */
    zipNamed: (name) => `Download ${name} as .zip`,
    path: "Path",
    contents: "Contents",
    /** @param {number} count */
    more: (count) => `Show ${count.toLocaleString("en")} more`,
    /** @param {number} count @param {string} size */
    summary: (count, size) => `${counted(count, "entry", "entries")}, ${size}`,
  },

  rename: {
    verb: "Rename",
    label: "New name",
    ok: "OK",
    save: "Save the new name",
    cancel: "Keep the old name",
    empty: "A name is needed.",
    /** @param {string} name */
    done: (name) => `It is called ${name} now.`,
  },

  versions: {
    /** @param {number} count */
    count: versions,
    /** @param {string} name */
    heading: (name) => `Versions of ${name}`,
    /** @param {number} count @param {string} name */
    badge: (count, name) => `${versions(count)} of ${name}`,
    current: "Current",
    list: "Versions, newest first",
    restore: "Make current",
    forget: "Delete",
    forgetAsk: "Delete this version?",
    forgetYes: "Delete",
    forgetNo: "Keep",
    /** @param {string} verb @param {string} when */
    named: (verb, when) => `${verb}: the version of ${when}`,
    open: "Open",
    download: "Download",
    hint: "Making an older version current keeps all the others.",
    close: "Close",
    /** @param {string} name */
    added: (name) => `New version of ${name} · the older one is kept`,
    /** @param {string} name */
    same: (name) => `${name} is here already, unchanged`,
    restored: "That version is the current one again.",
    forgotten: "That version is deleted.",
    /** @param {number} count */
    confirmAll: (count) => `Delete with all ${versions(count)}?`,
  },

  find: {
    heading: "In folders",
    /** @param {number} count */
    more: (count) => `The first ${count.toLocaleString("en")} are shown. Type more to see fewer.`,
  },

  archive: {
    exportVerb: "Export everything",
    importVerb: "Import",
    importHeading: "Import an archive",
    exportHint:
      "All your files and folders, with their older versions, go into one encrypted file. Keep it somewhere else: it is your " +
      "copy if this browser loses its data.",
    passphrase: "Passphrase",
    again: "The same again",
    warning: "Without this passphrase nobody can open the archive, neither you nor we. Write it down.",
    importHint: "What is here stays. Files that are here already are not taken twice.",
    start: "Export",
    import: "Import",
    stop: "Stop",
    close: "Close",
    done: "Done",
    missing: "Type the passphrase.",
    /** @param {number} least */
    short: (least) => `At least ${least} characters are needed.`,
    different: "The two are not the same.",
    stretching: "Making the key. This takes a few seconds.",
    exporting: "Writing the archive",
    importing: "Reading the archive",
    exported: "The archive is among your downloads. Keep it somewhere else.",
    stopped: "Stopped. What is here was not changed.",
    importStopped: "Stopped. The files that had arrived are kept.",
    /** @param {number} count @param {number} known @param {string} size */
    imported: (count, known, size) => {
      if (count === 0) return known > 0 ? "Nothing new: all of it is here already." : "There was nothing in it to add.";
      return `${counted(count, "entry", "entries")} added, ${size}${known > 0 ? `; ${known.toLocaleString("en")} were here already` : ""}.`;
    },
    /** @param {number} count @param {string} size */
    exportedMuch: (count, size) => `${counted(count, "entry", "entries")}, ${size}.`,
    itself: "The archive itself",
    /** What an error means here, where it means something else than elsewhere. */
    refused: /** @type {Record<string, string>} */ ({
      AuthFailed: "This is not the archive's passphrase. Nothing was changed: try again, and mind capital letters.",
      BadMagic: "This is not an INOS archive. Choose the file that an export made.",
    }),
    /** @param {number} count */
    skipped: (count) => `${counted(count, "entry was", "entries were")} left out:`,
    strength: {
      none: "",
      weak: "Easy to guess. Use more words.",
      fair: "Fair. One more word makes it strong.",
      strong: "Strong.",
    },
  },

  room: {
    files: "Files",
    older: "Older versions",
    dead: "Waiting to be cleared",
    rest: "Everything else",
    /** @param {string[]} parts */
    bar: (parts) => `What takes room: ${parts.join(", ")}`,
    almostFull: "Almost full",
    /** @param {string} used @param {string} quota */
    used: (used, quota) => `${used} of about ${quota} are used.`,
    putFailed: "There was no room for the last file.",
    yours: "Nothing is deleted unless you choose it.",
    clear: "Clear now",
    clearHint: "Left over from what you deleted. Clearing it loses nothing.",
    largest: "Largest files",
    received: "Received files",
    receivedHint: "They can be fetched again while somebody who has them is online.",
    delete: "Delete",
    /** @param {string} name */
    deleteNamed: (name) => `Delete ${name}`,
    /** @param {string} name */
    deleteOlderNamed: (name) => `Delete older versions of ${name}`,
    keep: "Keep",
    /** @param {string} size */
    frees: (size) => `frees ${size}`,
    /** @param {string} name */
    confirm: (name) => `Delete ${name} for good?`,
    /** @param {string} name */
    confirmOlder: (name) => `Delete all older versions of ${name}?`,
    /** @param {string} size */
    freed: (size) => `${size} came free.`,
    nothing: "Nothing here takes much room. Free some on this device instead.",
    dismiss: "Dismiss",
  },

  repair: {
    verb: "Repair",
    /** @param {string} name */
    named: (name) => `Repair ${name}`,
    running: "Looking for good copies on this disk and at peers…",
    stop: "Stop",
    stopped: "Repairing was stopped. What was found so far is kept.",
    /** @param {number} count */
    repaired: (count) => `${files(count)} whole again.`,
    allGood: "Everything is whole again.",
    nothing: "Nothing needs repair.",
    /** @param {number} count */
    unrepaired: (count) => `${files(count)} could not be repaired yet:`,
    why: /** @type {Record<string, string>} */ ({
      NoPeers: "Nobody who has it is online",
      PeerStalled: "Nobody who has it is answering",
      StorageLost: "Nobody else was ever given it",
    }),
    todo: "Add the same file again, or ask whoever you got it from to open INOS, then try once more.",
    report: "Save the report",
    reportName: "inos-check.txt",
  },

  report: {
    title: "INOS: check of the vault",
    date: "Date",
    level: "Level",
    blocks: "Blocks",
    bytes: "Bytes",
    duration: "Took",
    verdict: "Verdict",
    good: "all is well",
    /** @param {number} blocks @param {number} count */
    bad: (blocks, count) => `${counted(blocks, "block", "blocks")} damaged, ${files(count)} affected`,
    damagedFiles: "Damaged files",
    damagedBlocks: "Damaged blocks",
    findings: "Notes",
    repaired: "Repaired",
    unrepaired: "Not repaired",
  },

  tidy: {
    phases: /** @type {Record<string, string>} */ ({
      compacting: "Shortening the log",
      collecting: "Clearing what was deleted",
      shrinking: "Making files smaller while you are away",
      checking: "Checking every block",
    }),
    /** @param {number} done @param {number} total */
    of: (done, total) => `${done.toLocaleString("en")} of ${total.toLocaleString("en")}`,
    /** @param {string} size */
    saved: (size) => `${size} saved so far`,
    idle: "Tidies itself up while you are away",
    paused: "Tidying is paused",
    pause: "Pause",
    resume: "Resume",
    now: "Tidy up now",
    done: "All is tidy.",
  },
};
