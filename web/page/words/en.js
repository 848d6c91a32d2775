/**
 * English: every sentence that people read on the page, and what each error code means to them.
 *
 * Nouns: `words` holds labels and sentences; `errorWords` maps a stable error code (a class name of py/inos/errors.py, a
 * boot code, a browser's own error name) to what happened and what to do about it.
 * Invariants: no markup; a sentence with a number in it is a function; texts that the pages show before any script has run
 * are marked there with `data-words` and tested to be equal to the ones here. A translation is a file like this one: what it
 * leaves out stays English (`words.js`).
 */

import { numbersOf } from "./numbers.js";

const { number, counted: countedBy } = numbersOf("en");

/** @param {number} count @param {string} one @param {string} other */
const counted = (count, one, other) => countedBy(count, { one, other });

/** @param {number} count */
const files = (count) => counted(count, "file", "files");

/** @param {number} count */
const versions = (count) => counted(count, "version", "versions");

/** @param {number} count */
const nodes = (count) => counted(count, "node", "nodes");

/** @type {Record<string, string>} What `state().step` may say while starting; an unknown step is shown as it is. */
const steps = {
  checks: "looking at this browser",
  memory: "taking memory",
  kernel: "loading the kernel",
  workers: "starting workers",
  load: "loading Python",
  assets: "loading Python",
  python: "starting Python",
  restore: "waking Python",
  settle: "waking Python",
  modules: "loading INOS",
  imports: "loading INOS",
  vault: "opening your files",
  room: "looking for peers",
};

export const words = {
  title: "INOS",
  tagline: "Your files, sealed in this browser, shared without a cloud.",
  skip: "Skip to the content",
  noScript: "INOS runs in your browser and needs JavaScript. Allow it for this page, then reload.",
  stalled:
    "This is taking long. Reload the page; if it stays like this, use a current Firefox, Chrome, Edge or Safari.",
  footer:
    "Files are encrypted before they are stored. Other nodes keep sealed copies; only who has the link can open them.",

  state: {
    starting: "Starting",
    ready: "Ready",
    failed: "Not running",
    locked: "Locked",
    "busy-elsewhere": "In another tab",
    /** @param {string} size */
    toGo: (size) => `Starting · ${size} to go`,
    /** @param {string} step */
    startingStep: (step) => `Starting · ${step}`,
  },
  steps,
  times: {
    /** @param {number} count */
    secondsLeft: (count) => `${count} s left`,
    /** @param {number} count */
    minutesLeft: (count) => `${count} min left`,
    /** @param {string} count */
    hoursLeft: (count) => `${count} h left`,
    longLeft: "more than a day left",
    justNow: "just now",
    /** @param {number} count */
    minutesAgo: (count) => `${count} min ago`,
    /** @param {number} count */
    hoursAgo: (count) => `${count} h ago`,
    /** @param {number} count */
    daysAgo: (count) => `${count} d ago`,
  },
  peers: {
    /** @param {number} count */
    count: (count) => (count === 0 ? "No peers" : counted(count, "peer", "peers")),
  },

  drop: {
    heading: "Add files",
    title: "Drop files or folders here",
    over: "Let go to add",
    hint: "or paste them, or a link that somebody sent you",
    files: "Choose files",
    folder: "Choose a folder",
    early: "You can start now: files wait until everything is loaded.",
    /** @param {number} count */
    added: (count) => `${files(count)} added.`,
    /** @param {number} count */
    tooMany: (count) => `Only the first ${counted(count, "file was", "files were")} taken. Add the rest afterwards.`,
    empty: "There were no files in it.",
  },

  work: {
    heading: "In progress",
    stages: /** @type {Record<string, string>} */ ({
      waiting: "Waiting",
      reading: "Reading",
      sealing: "Compressing and sealing",
      writing: "Writing",
      done: "Done",
    }),
    waitingForNode: "Waiting until INOS is ready",
    paused: "Paused. Nothing that is stored already is affected.",
    cancelAll: "Cancel all",
    retry: "Try again",
    /** @param {string} name */
    cancelNamed: (name) => `Cancel ${name}`,
    /** @param {string} name */
    dismissNamed: (name) => `Dismiss ${name}`,
    /** @param {number} done @param {number} total */
    summary: (done, total) => `${number(done)} of ${files(total)}`,
    /** @param {string} done @param {string} total */
    of: (done, total) => `${done} of ${total}`,
    /** @param {number} count */
    moreWaiting: (count) => `and ${files(count)} more waiting`,
    /** @param {number} count */
    moreFailed: (count) => `and ${files(count)} more that failed`,
    /** @param {string} name */
    stored: (name) => `${name} is stored.`,
    /** @param {number} count */
    storedMany: (count) => `${files(count)} stored.`,
    /** @param {string} name @param {string} why */
    failed: (name, why) => `${name} was not stored. ${why}.`,
    /** @param {number} percent @param {string} left */
    spoken: (percent, left) => `${percent} percent${left ? `, ${left}` : ""}`,
  },

  files: {
    heading: "Your files",
    empty: "Nothing here yet. Files that you add are encrypted in this browser before they are stored.",
    loading: "Opening your files…",
    unavailable: "Your files show up here once INOS is running.",
    filter: "Find by name",
    /** @param {string} query */
    noMatch: (query) => `No file has “${query}” in its name.`,
    columns: {
      name: "Name",
      size: "Size",
      stored: "Stored",
      saved: "Saved",
      chunks: "Chunks",
      deduped: "Deduped",
      time: "Added",
      actions: "Actions",
    },
    hints: {
      stored: "What it takes on disk, compressed and encrypted",
      chunks: "Pieces it was cut into",
      deduped: "Bytes that were here already and were not stored again",
    },
    /** @param {string} what @param {string} size @param {string} stored @param {number} percent */
    summary: (what, size, stored, percent) =>
      `${what}, ${size}, stored in ${stored}${percent > 0 ? ` (${percent} % saved)` : ""}`,
    /** @param {number} count */
    newChunks: (count) => `${number(count)} new`,
    none: "none",
    /** @param {number} count */
    more: (count) => `Show ${number(count)} more`,
    shared: "Shared",
    received: "Received",
    lost: "Damaged",
    lostHint: "Part of it is lost on this device. Repair looks for a good copy here, and at peers who have it.",
    share: "Share",
    open: "Open",
    download: "Download",
    rename: "Rename",
    delete: "Delete",
    unnamed: "(no name)",
    /** @param {string} verb @param {string} name */
    named: (verb, name) => `${verb} ${name}`,
    confirm: "Delete for good?",
    confirmYes: "Delete",
    confirmNo: "Keep",
    /** @param {string} name */
    deleted: (name) => `${name} is deleted.`,
    /** @param {string} name */
    saving: (name) => `Downloading ${name}`,
    preparingShort: "Preparing the download",
    /** @param {string} part */
    savingPart: (part) => `Downloading · ${part}`,
  },

  share: {
    heading: "Share",
    making: "Making a link…",
    label: "Link",
    copy: "Copy link",
    copied: "Copied",
    copyFailed: "Could not copy. Select the link and copy it yourself.",
    warning: "Whoever has this link can read the file. The server never sees the part after the #.",
    keepOpen: "Keep this page open until it has been fetched: it goes straight from your browser to theirs.",
    loopback:
      "This page was opened from this computer alone, so the link works in browsers on this computer only. " +
      "For others, serve INOS at an address that they can reach.",
    close: "Close",
    revocable: "A link that I can withdraw",
    revocableHint:
      "This page must be open whenever somebody opens it for the first time. Who has fetched the file keeps it, also after you withdraw the link.",
    links: "Links that you can withdraw",
    /** @param {string} when */
    made: (when) => `Made ${when}`,
    revoke: "Withdraw",
    /** @param {string} when */
    revokeNamed: (when) => `Withdraw the link made ${when}`,
    another: "Make another",
    revoked: "Withdrawn. It leads nowhere any more.",
  },

  preview: {
    heading: "Preview",
    loading: "Opening…",
    close: "Close",
    download: "Download",
    /** @param {string} size */
    cut: (size) => `Only the first ${size} are shown. Download it to see all.`,
    broken: "Your browser cannot show this file. Download it instead.",
    /** @param {string} name */
    describe: (name) => `Picture: ${name}`,
  },

  link: {
    heading: "Somebody shared a file with you",
    unnamed: "Shared file",
    stages: /** @type {Record<string, string>} */ ({
      finding: "Looking for somebody who has it",
      connecting: "Connecting",
      fetching: "Fetching",
      verifying: "Checking every byte",
      done: "Here, and checked",
    }),
    waitingForNode: "Starting. The file is fetched as soon as this page is ready.",
    /** @param {number} count */
    from: (count) => `from ${counted(count, "peer", "peers")}`,
    nobodyTitle: "Nobody who has this file is online right now",
    nobody:
      "Keep this page open and ask the sender to open theirs. It starts by itself as soon as somebody who has the file " +
      "is there.",
    cancelled: "Stopped. What has arrived so far is kept.",
    retry: "Try again",
    cancel: "Stop",
    close: "Close",
    preview: "Open",
    download: "Download",
    kept: "A sealed copy is among your files now.",
    notShown: "This kind of file is not opened inside this page. Download it to see it.",
    /** @param {string} name */
    arrived: (name) => `${name} has arrived.`,
  },

  panel: {
    heading: "What the node is doing",
    now: "Now",
    recent: "Recently",
    idle: "Nothing: waiting for you",
    nodeId: "This node",
    bootTime: "Start took",
    warm: "from a snapshot",
    cold: "without a snapshot",
    groups: { work: "Work", memory: "Memory", disk: "Disk", network: "Network" },
    facts: {
      muscles: "Muscle workers",
      jobsDone: "Jobs done",
      jobsFailed: "Jobs failed",
      muscleSleeps: "Muscles slept",
      brainTurns: "Turns of the brain",
      memoryBytes: "Shared memory",
      copyBytesIn: "Copied in",
      copyBytesOut: "Copied out",
      pythonBytesRead: "Read by Python",
      eventsDropped: "Events dropped",
      blocks: "Blocks",
      blockBytes: "Stored",
      rawBytes: "Before compression",
      diskBytesWritten: "Written",
      diskBytesRead: "Read",
      netBytesIn: "Received",
      netBytesOut: "Sent",
    },
    live: {
      heading: "Right now",
      tiles: {
        jobs: "Jobs",
        disk: "Disk",
        network: "Network",
        copies: "Copies",
        brain: "Turns of the brain",
        arena: "Working memory",
      },
      /** @param {string} amount */
      perSecond: (amount) => `${amount}/s`,
      /** @param {number} running @param {number} queued @param {string} busy */
      jobs: (running, queued, busy) => `${running} running, ${queued} queued · muscles ${busy} busy`,
      /** @param {string} written @param {string} read */
      disk: (written, read) => `${written} written, ${read} read`,
      /** @param {string} received @param {string} sent */
      network: (received, sent) => `${received} received, ${sent} sent`,
      /** @param {string} taken @param {string} given */
      copies: (taken, given) => `${taken} in, ${given} out`,
      /** @param {string} sleeps */
      brain: (sleeps) => `went to sleep ${sleeps} times a second`,
      /** @param {string} size @param {number} blocks */
      arena: (size, blocks) => `of ${size}, in ${counted(blocks, "piece", "pieces")}`,
    },
    peersHeading: "Peers",
    noPeers: "Nobody is connected yet.",
    peerColumns: { id: "Peer", state: "State", rtt: "Round trip", in: "Received", out: "Sent" },
    checkHeading: "Check the vault",
    checkHint: "Reads what is stored and proves it whole. It changes nothing.",
    levels: {
      quick: { name: "Quick", hint: "every file's list of blocks, in a moment" },
      hash: { name: "Hashes", hint: "reads every block and compares its hash" },
      data: { name: "All data", hint: "also decrypts and unpacks every byte" },
    },
    checkStart: "Check",
    checkStop: "Stop",
    checking: "Checking…",
    checkCancelled: "The check was stopped. Nothing was changed.",
    /** @param {number} blocks @param {string} size @param {string} time */
    checkGood: (blocks, size, time) => `All is well: ${counted(blocks, "block", "blocks")}, ${size}, in ${time}.`,
    /** @param {number} bad @param {number} lost */
    checkBad: (bad, lost) =>
      `${counted(bad, "block is", "blocks are")} damaged${lost > 0 ? `, ${files(lost)} affected` : ""}. ` +
      "Repair looks for good copies on this disk, and at peers who have the same files.",
  },

  /** What `activity` events may say; an unknown key is shown as it is. */
  /** @type {Record<string, (params: Record<string, string | number>) => string>} */
  activity: {
    idle: () => "Nothing: waiting for you",
    boot: ({ step }) => `Starting${step ? `: ${steps[step] ?? step}` : ""}`,
    ready: () => "Ready",
    put: ({ name }) => `Storing ${name ?? "a file"}`,
    stored: ({ name }) => `Stored ${name ?? "a file"}`,
    get: ({ name }) => `Reading ${name ?? "a file"}`,
    save: ({ name }) => `Handing out ${name ?? "a file"}`,
    remove: ({ name }) => `Deleting ${name ?? "a file"}`,
    share: ({ name }) => `Offering ${name ?? "a file"}`,
    fetch: ({ name }) => `Fetching ${name ?? "a shared file"}`,
    fetched: ({ name }) => `Fetched ${name ?? "a shared file"}`,
    serve: ({ peer }) => `Sending blocks${peer ? ` to ${peer}` : " to a peer"}`,
    "peer-joined": ({ peer }) => `Connected to ${peer ?? "a peer"}`,
    "peer-left": ({ peer }) => `${peer ?? "A peer"} left`,
    "peer-banned": ({ peer }) => `Dropped ${peer ?? "a peer"}: it sent bytes that do not match`,
    commit: () => "Writing to disk",
    replay: () => "Reading the vault's log",
    check: () => "Checking the vault",
    export: () => "Writing an archive",
    exported: () => "Wrote an archive",
    import: () => "Reading an archive",
    imported: () => "Read an archive",
    repair: () => "Repairing",
    tidy: () => "Tidying up",
  },

  unlock: {
    heading: "Your files are locked",
    hint: "They are on this device, encrypted, and nothing of them is open.",
    label: "Passphrase",
    unlock: "Unlock",
    passkey: "Unlock with a passkey",
    working: "Opening…",
    empty: "Type the passphrase.",
    forgotten: "Nobody can recover a forgotten passphrase.",
  },
  protect: {
    heading: "Protection",
    nowDevice: "This device opens your files by itself",
    nowBoth: "This device opens your files by itself, and so does what you set",
    nowAsks: "INOS asks each time it is opened",
    passphrase: "Passphrase",
    /** @param {string} when */
    passphraseSet: (when) => `Set${when ? ` ${when}` : ""}.`,
    passphraseNone: "None is set. With one, others who use this device cannot open your files.",
    set: "Set a passphrase",
    change: "Change the passphrase",
    removePassphrase: "Remove the passphrase",
    advice: "Long is better than strange: four or more words that nobody would guess.",
    forgotten:
      "Write it down where it is safe. Nobody can recover a forgotten passphrase, and files that only it opens are then lost.",
    current: "Present passphrase",
    fresh: "New passphrase",
    again: "New passphrase again",
    empty: "Type the present passphrase.",
    /** @param {number} least */
    short: (least) => `Use at least ${least} characters.`,
    different: "The two are not the same.",
    working: "Working…",
    save: "Save",
    goOn: "Go on",
    proof: "To change this, give the present passphrase.",
    close: "Close",
    passkeys: "Passkeys",
    passkeysHint: "A security key, a phone or this device's own lock opens your files.",
    passkeysNeedName:
      "Browsers make passkeys for host names only, and this page was opened by a number. On this computer, start INOS with --host localhost.",
    passkeysNone: "This browser has none.",
    addPasskey: "Add a passkey",
    removePasskey: "Remove",
    /** @param {string} when */
    passkeyAdded: (when) => `Added${when ? ` ${when}` : ""}`,
    opening: "Opening",
    askAlways: "Ask each time INOS is opened",
    askAlwaysHint: "This device then keeps no key of its own: without the passphrase or passkey nobody gets in.",
    locking: "Locking",
    lockNow: "Lock now",
    lockHint: "Locking closes your files and forgets their keys. Work in progress ends; what is stored stays.",
    lockShallow:
      "Locking shuts this page only: as long as this device may open your files by itself, whoever knows how can do so here.",
    idle: "Lock by itself",
    /** @param {number} minutes */
    idleChoice: (minutes) =>
      minutes === 0 ? "never" : `after ${minutes === 60 ? "1 hour" : counted(minutes, "minute", "minutes")}`,
    lastStays: "Nothing else opens your files: set another way first.",
    saidSet: "The passphrase is set.",
    saidAsks: "INOS asks each time from now on.",
    saidRemoved: "Removed.",
    saidChanged: "Changed.",
  },
  storage: {
    heading: "Room in this browser",
    settings: "Room and copies",
    /** @param {string} used @param {string} quota */
    used: (used, quota) => `${used} used of about ${quota}`,
    unknown: "This browser does not say how much room there is.",
    persist: "Keep for good",
    persistHint: "Ask the browser never to clear these files by itself.",
    persisted: "The browser keeps these files until you delete them.",
    notPersisted: "The browser said no for now. It may agree once you use this page more often or bookmark it.",
    nearlyFull: "Nearly full. Delete files here, or free room on this device.",
  },

  bench: {
    title: "Measure this browser",
    page: "INOS · Measure",
    tagline: "What this browser reaches, beside what people use today.",
    skip: "Skip to the measurements",
    intro:
      "INOS measures its parts on this very machine, and what else does the same work (libraries, messages, requests) in " +
      "the same run and by the same method. Your files are not touched; close other tabs and programs for figures worth quoting.",
    /** @param {string} text */
    thisMachine: (text) => `You are measuring ${text}.`,
    modesHeading: "What to measure",
    modes: {
      quick: {
        name: "Quick",
        /** @param {string} time */
        hint: (time) => `a moment for each row, about ${time}: a first look`,
      },
      all: {
        name: "All",
        /** @param {string} time */
        hint: (time) => `every row in full, about ${time}: figures to quote`,
      },
      chosen: { name: "Chosen rows", hint: "in full, those that you tick below" },
    },
    start: "Start",
    stop: "Stop",
    startingNode: "Starting a node of its own, on an empty vault",
    stopping: "Stopping",
    stopped: "Stopped. What was finished is kept.",
    nothingChosen: "Tick at least one row below.",
    elsewhere: "Another tab is measuring. Two at once would disturb each other.",
    consoleOpen:
      "INOS is open in another tab. Its work and this measurement share the processor: let it rest meanwhile.",
    /** @param {string} why */
    broken: (why) => `The measurement broke off: ${why}`,
    /** @param {number} count @param {string} time */
    finished: (count, time) => `Done: ${counted(count, "row", "rows")} in ${time}.`,
    /** @param {string} done @param {string} all @param {string} left */
    progress: (done, all, left) => `${done} of ${all} rows${left ? ` · ${left}` : ""}`,

    /** @param {string} title */
    pick: (title) => `Measure: ${title}`,
    notYet: "not measured yet",
    onlyByCommand: "measured by the command npm run bench only",
    waiting: "waiting",
    running: "measuring",
    /** @param {string} what */
    runningNow: (what) => `measuring · ${what}`,
    /** @param {string} ago @param {boolean} quick @param {boolean} lessIsBetter */
    measured: (ago, quick, lessIsBetter) =>
      `measured ${ago}${quick ? ", quickly" : ""}${lessIsBetter ? " · shorter bars are better" : ""}`,
    failed: "failed",
    leftOut: "left out",
    how: "How it is measured",
    /** @param {number} runs @param {string} values @param {string} unit */
    samples: (runs, values, unit) => `${counted(runs, "run", "runs")}: ${values} ${unit}`,
    /** @param {string} id */
    rowId: (id) => `Row ${id}`,
    needs: /** @type {Record<string, string>} */ ({
      libraries: "Compares with libraries that the server offers after npm run bench has set them up.",
      server: "Compares with requests to the server, which answers them when it was started with --bench.",
      node: "Starts a node of its own on an empty vault, which is deleted afterwards.",
      python: "Runs in Python workers.",
      cli: "Part of it can be measured by the command npm run bench only.",
    }),

    ours: "INOS",
    goal: "Goal",
    beyond: " It lies beyond the chart.",
    /** @param {string} goal */
    goalIs: (goal) => `Goal: ${goal}`,
    /** @param {string} goal @param {boolean} met */
    goalVerdict: (goal, met) => `Goal ${met ? "met" : "missed"}: ${goal}`,
    /** @param {string} goal @param {boolean} met */
    goalShort: (goal, met) => `${met ? "met" : "missed"}: ${goal}`,
    baselines: /** @type {Record<string, string>} */ ({
      native: "native (Node's zlib)",
      loadPyodide: "stock loadPyodide",
      "postMessage.transfer": "transferred postMessage",
      "brotli-wasm.decode": "brotli-wasm at decoding",
      "native.decode": "native at decoding",
      "kernel.q6": "one kernel's Brotli alone",
      "min(disk, series)": "the slower of both",
      disk: "the bare disk",
      series: "the kernel's stages in series",
      "vault.put.text": "putting it",
    }),
    /** @param {string} ratio @param {string} than */
    timesAsFast: (ratio, than) => `${ratio} times as fast as ${than}`,
    /** @param {string} ratio @param {string} than */
    timesAsMuch: (ratio, than) => `${ratio} times as much as ${than}`,
    /** @param {string} ratio @param {string} than */
    timesLess: (ratio, than) => `${ratio} times less than ${than}`,
    /** @param {string} than */
    asFast: (than) => `as fast as ${than}`,
    /** @param {string} than */
    asMuch: (than) => `as much as ${than}`,

    resultsHeading: "All results",
    columns: {
      row: "Row",
      value: "INOS",
      latency: "Spread",
      beside: "Beside it (ratio)",
      goal: "Goal",
      when: "Measured (UTC)",
    },
    quickShort: "quick",
    copyMarkdown: "Copy as Markdown",
    copyJson: "Copy as JSON",
    save: "Save",
    forget: "Forget all",
    copied: "Copied.",
    copyFailed: "Could not copy. Save the results instead.",

    /** @param {string} browser @param {string} system */
    on: (browser, system) => `${browser} on ${system}`,
    /** @param {number} count */
    cores: (count) => counted(count, "core", "cores"),
    /** @param {number} gb */
    memory: (gb) => `about ${gb} GB of memory`,
    someBrowser: "this browser",
  },

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
    more: (count) => `Show ${number(count)} more`,
    /** @param {number} count @param {string} size */
    summary: (count, size) => `${counted(count, "entry", "entries")}, ${size}`,
  },

  rename: {
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
    more: (count) => `The first ${number(count)} are shown. Type more to see fewer.`,
  },

  archive: {
    exportVerb: "Export everything",
    importVerb: "Import",
    importHeading: "Import an archive",
    choose: "Choose an archive",
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
      return `${counted(count, "entry", "entries")} added, ${size}${known > 0 ? `; ${number(known)} were here already` : ""}.`;
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
    of: (done, total) => `${number(done)} of ${number(total)}`,
    /** @param {string} size */
    saved: (size) => `${size} saved so far`,
    idle: "Tidies itself up while you are away",
    paused: "Tidying is paused",
    pause: "Pause",
    resume: "Resume",
    now: "Tidy up now",
    done: "All is tidy.",
  },

  mesh: {
    heading: "Mesh",
    off: "Not in a mesh yet",
    alone: "Nobody else is here",
    /** @param {number} links @param {number} size */
    now: (links, size) => `${counted(links, "link", "links")}, about ${nodes(size)}`,
    /** @param {number} links @param {number} known */
    mapText: (links, known) =>
      `This node at the top of the circle of ids, ${counted(links, "link", "links")}, ${nodes(known)} known besides.`,
    self: "you",
    legend: {
      sibling: "next in the circle",
      bucket: "far across",
      random: "by chance",
      partner: "keeps copies with you",
      needed: "asked for by the other side",
    },
    /** @param {string} id @param {string} roles @param {string} rtt */
    node: (id, roles, rtt) => `${id}: ${roles}, ${rtt} there and back`,
    facts: {
      size: "Nodes, estimated",
      links: "Links",
      known: "Known besides",
      rtt: "There and back, median",
      hops: "Look-ups, hops (median, worst)",
      copies: "Copies of each message received",
      redundancy: "Time to full redundancy",
      guests: "Kept for others",
      share: "Served by peers, not by the server",
    },
    none: "–",
    buckets: "Links by distance",
    bucketsHint:
      "Each box is twice as near as the one before it. One link in each is enough to reach everybody in a few hops.",
    /** @param {number} index @param {number} links @param {number} known */
    bucket: (index, links, known) => `Bucket ${index}: ${counted(links, "link", "links")}, ${known} known`,
    lookups: "Look-ups",
    noLookups: "Nothing was looked for yet.",
    /** @param {number} hops */
    hops: (hops) => counted(hops, "hop", "hops"),
    failed: "not found",
    rumors: "Messages by the links they came over",
    noRumors: "No message has come yet.",
    paths: "Bytes by path",
    path: { direct: "Straight between browsers", relayed: "Passed on for others", server: "From the server" },
    replicas: "Copies of your files",
    noReplicas: "Files that you keep here are copied, sealed, to other nodes once there are any.",
    replicaColumns: { name: "File", copies: "Copies", state: "State" },
    /** @param {number} copies @param {number} wanted */
    copies: (copies, wanted) => `${copies} of ${wanted}`,
    replicaStates: { full: "safe", repairing: "being copied", short: "waits for more nodes", alone: "only here" },
    more: (/** @type {number} */ count) => `and ${number(count)} more`,
    unnamed: "A file that was deleted",
  },

  meet: {
    heading: "Meet others",
    alone:
      "Nobody else is here yet. Open INOS in another browser or on another device, or invite somebody: you then keep sealed " +
      "copies of each other's files.",
    public:
      "You are in the public room of this address: whoever opens this page is in it, and sees only sealed blocks.",
    private:
      "You are in a private room: only who has its link is in it. This browser comes back to it until you leave.",
    noServer:
      "No meeting server is set up here, so others are not found by themselves. An invitation that is pasted or scanned works " +
      "without one: you then keep sealed copies of each other's files.",
    invite: "Invite without a server",
    answer: "I have an invitation",
    newRoom: "New private room",
    roomLink: "Link to this room",
    leave: "Leave this room",
    close: "Close",
    copy: "Copy",
    copied: "Copied.",
    notCopied: "Select the text and copy it.",
    working: "One moment…",
    inviteHeading: "Invite without a server",
    inviteFirst:
      "1. Send this to the one you invite, by whatever way you like. It holds for ten minutes and for one person.",
    inviteSecond: "2. Paste the reply they send you.",
    invitation: "Invitation",
    reply: "Reply",
    qr: "The invitation as a code to scan",
    qrReply: "The reply as a code to scan",
    scan: "Scan the code",
    camera: "What the camera sees",
    noCamera: "The camera cannot be used here. Paste the text instead.",
    connect: "Connect",
    connected: "Connected.",
    answerHeading: "Join by an invitation",
    answerFirst: "1. Paste the invitation.",
    answerSecond: "2. Send this reply back to whoever invited you. Once they have pasted it, you are connected.",
    makeReply: "Make the reply",
    roomHeading: "A private room",
    roomText: "Whoever has this link can enter. Files in the room are still opened by their own links only.",
  },

  views: {
    heading: "Views",
    files: "Files",
    mesh: "Mesh",
    python: "Python",
    measure: "Measure",
    settings: "Settings",
  },

  tour: {
    heading: "First steps",
    skip: "Skip",
    done: "Done",
    shareVerb: "Share a file",
    meshVerb: "See the mesh",
    steps: {
      add: {
        title: "Add a file",
        text: "Drop or choose one. It is encrypted in this browser before it is stored; no server gets it.",
      },
      share: {
        title: "Share it",
        text: "Send somebody its link. It goes straight from your browser to theirs, and only the link opens it.",
      },
      mesh: {
        title: "Be part of the mesh",
        text: "Browsers that have INOS open keep sealed copies for each other, so that files outlast one device.",
      },
    },
  },

  keys: {
    heading: "Keys",
    close: "Close",
    off: "These keys are switched off in Settings.",
    hint: "Tab goes to every control, Enter uses it, Esc closes what is open. Keys do nothing while you type.",
    does: {
      files: "Files",
      mesh: "Mesh",
      python: "Python",
      measure: "Measure",
      settings: "Settings",
      add: "Add files",
      find: "Find a file by its name",
      map: "This list",
    },
  },

  settings: {
    help: {
      heading: "Help",
      hint: "All of INOS can be used by the keyboard alone.",
      tour: "Show the first steps again",
      keys: "List of keys",
      shortcuts: "Single keys do things",
      shortcutsHint:
        "“m” opens the mesh, “/” finds a file. Switch it off if you speak to your computer or press keys by accident.",
    },
    afterReload: "This holds from the next time the page is loaded.",
    reload: "Reload now",
    node: {
      heading: "This node",
      hint: "Others know this browser by this name. INOS made it here, it is kept in your vault, and it says nothing about you.",
      unknown: "INOS is still starting",
      copy: "Copy",
      copied: "Copied.",
      copyFailed: "Could not copy. Select it and copy it yourself.",
    },
    copies: {
      heading: "Copies",
      hint: "Other nodes keep your files, sealed, so that they outlast this device. They cannot open them.",
      label: "Each file is kept",
      /** @param {number} count */
      count: (count) => (count === 1 ? "only here" : `here and at ${counted(count - 1, "other node", "other nodes")}`),
      /** @param {number} count */
      said: (count) =>
        count === 1 ? "Files stay on this device only." : `Each file is to have ${counted(count, "copy", "copies")}.`,
      later: "You can choose this once INOS is in a mesh.",
    },
    machine: {
      heading: "This machine",
      hint: "INOS takes what suits the device. Take less where it has to share.",
      memoryMiB: "Working memory",
      muscles: "Workers that pack and seal",
      byItself: "by itself",
      /** @param {number} count */
      mib: (count) => `${count} MiB`,
      /** @param {number} count */
      count: (count) => String(count),
      /** @param {string} memory @param {number} muscles */
      used: (memory, muscles) => `In use now: ${memory} of memory, ${counted(muscles, "worker", "workers")}.`,
      unknown: "In use now: nothing yet.",
    },
    connections: {
      heading: "Connections",
      hint: "Browsers talk to each other directly. These help them to meet, and see only sealed messages.",
      rendezvous: "Meeting point",
      rendezvousHint:
        "A path on this server, or an address like wss://example.org/rendezvous that the server's policy allows. Empty: the server's own.",
      rendezvousRefused: "Not taken: it must begin with / or wss://.",
      ice: "STUN and TURN servers",
      iceHint: "One a line: stun:host:port, or turn:host:port user password. Empty: those of the server.",
      /** @param {string} line */
      iceRefused: (line) => `Not taken, this line is not understood: ${line.slice(0, 80)}`,
    },
    appearance: {
      heading: "Appearance",
      choices: { system: "System", light: "Light", dark: "Dark" },
      language: "INOS speaks English so far. All of its texts are in one place, ready to be translated.",
    },
    about: {
      heading: "About INOS",
      version: "INOS 0.1.0",
      /** @param {string} build @param {string} python @param {string} pyodide */
      build: (build, python, pyodide) => `INOS 0.1.0 · build ${build} · Python ${python} (Pyodide ${pyodide})`,
      kept: /** @type {[string, string][]} */ ([
        ["Files and their names", "encrypted, in this browser's private storage for this address"],
        ["The key to them", "in this browser too, unless you protect it with a passphrase or a passkey"],
        ["Copies", "sealed, at other nodes, which cannot open them"],
        ["These settings", "in this browser, in the clear"],
        ["On the server", "nothing of yours"],
      ]),
      licence: "Free software under the MIT licence.",
    },
  },

  python: {
    heading: "Python",
    intro:
      "This Python is the node itself: what you type can read, change and share everything in this vault. Type only what you understand.",
    scratchIntro:
      "A Python of its own, away from the node: heavy work and packages belong here. It sees none of your files, only wheels that you name.",
    places: { legend: "Where it runs", node: "On the node", scratch: "In a scratch worker" },
    starting: "Starting Python…",
    waiting: "The node is not ready yet. What you run waits for it.",
    log: "Python output",
    input: "Python source",
    run: "Run",
    stop: "Stop",
    clear: "Clear",
    wheel: "Install a wheel…",
    wheelInput: "Choose a wheel (.whl)",
    completions: "Completions",
    keys: "Enter runs, Shift+Enter is a new line, Tab completes, ↑ and ↓ go back through what you ran, Ctrl+C stops. Esc, then Tab, leaves the input.",
    emptyTitle: "Try one of these, or type below",
    emptyHint: "await inos.list() shows your files. inos. and then Tab shows what else there is.",
    examples: "Examples",
    stopped: "Stopped.",
    stopping: "Stopping…",
    held: "Stopped: it kept the node from its work for three seconds. Await something now and then, or run it in a scratch worker.",
    stuck: "It does not stop. Reload the page to end it; your files are safe.",
    nodeGone: "The node has stopped, and this Python with it. Reload the page.",
    gone: "The scratch worker was ended. The next source starts a new one: names and packages are gone.",
    cut: "More was written than is shown here.",
    table: "Table",
    badImage: "These bytes are not an image that this browser can show.",
    noNode: "The node is not in reach from a scratch worker.",
    /** @param {string} why */
    failed: (why) => `Python could not start: ${why}`,
    /** @param {string} name */
    noSuchWheel: (name) => `There is no file called ${name} in this vault.`,
    /** @param {string} name */
    notAWheel: (name) => `${name} is not a wheel: its name does not end in .whl.`,
    /** @param {number} lines */
    unfold: (lines) => `Show ${counted(lines, "more line", "more lines")}`,
    /** @param {number} rows */
    allRows: (rows) => `Show ${counted(rows, "row", "rows")}`,
    /** @param {number} shown @param {number} total */
    rows: (shown, total) =>
      shown === total ? counted(total, "row", "rows") : `${number(shown)} of ${counted(total, "row", "rows")}`,
    /** @param {string} mediaType @param {number} bytes */
    image: (mediaType, bytes) => `Image that Python made (${mediaType}, ${counted(bytes, "byte", "bytes")})`,
    /** @param {number} count */
    offered: (count) => counted(count, "completion", "completions"),
    /** @param {string} address */
    allowIndex: (address) =>
      `Let scratch workers fetch packages from ${address}. They hold from the next worker on, and may be a stranger's code.`,
    titles: {
      put: "Put a file",
      share: "Share it",
      peers: "Find a peer",
      publish: "Publish to a topic",
      epoch: "Time an epoch",
      files: "A table of files",
      picture: "Draw a picture",
      scratch: "Compute in a scratch worker",
    },
  },

  site: {
    /** @param {number} part */
    isolating: (part) =>
      `Getting ready for the first time · ${Math.floor(part * 100)} %. The page loads once more by itself.`,
    update: {
      ready: "A new version is ready.",
      now: "Use it now",
      later: "Later",
      waiting: "The new version starts as soon as what is in progress is done.",
    },
    offline: {
      starting: "",
      keeping: "Being kept for use without a network…",
      kept: "Opens without a network, too.",
      refused:
        "This browser does not let the page keep itself: without a network it will not open, and large downloads do not work.",
      failed:
        "The page could not be kept here: without a network it will not open. It is tried again at the next visit.",
    },
  },

  refusal: {
    /** @param {string[]} what */
    lacks: (what) => `Missing here: ${what.join(", ")}.`,
    /** What `requirements.js` looks for. @type {Record<string, string>} */
    parts: {
      secure: "a secure address",
      isolation: "isolation of this page",
      workers: "workers",
      sharedMemory: "shared memory",
      wasm: "WebAssembly",
      storage: "private files (OPFS)",
      database: "IndexedDB",
      locks: "Web Locks",
      webrtc: "WebRTC",
      signatures: "Ed25519 signatures",
    },
  },

  errors: {
    heading: "Problems",
    dismiss: "Dismiss",
    /** @param {number} count */
    times: (count) => `${count} times`,
    /** @param {string} code */
    code: (code) => `Code: ${code}`,
    actions: { "take-over": "Use it here", reload: "Reload", retry: "Try again" },
  },
};

/**
 * @typedef {"take-over" | "reload" | "retry"} ErrorAction
 * @typedef {{title: string, todo: string, action?: ErrorAction}} ErrorWords
 */

/** @type {ErrorWords} */
const DAMAGED = {
  title: "Some bytes are not what they were",
  todo:
    "Nothing wrong was shown or saved. Run “All data” in Settings, under “Check the vault”, then “Repair”: it looks for a good copy on " +
    "this disk, and at peers who have the same file.",
};
/** @type {ErrorWords} */
const NEWER = {
  title: "This was made by a newer INOS",
  todo: "Reload this page to get the current version, then try again.",
  action: "reload",
};
/** @type {ErrorWords} */
const BAD_PEER = {
  title: "A peer did not keep to the rules",
  todo: "It was dropped and nothing from it was kept. Other peers take over by themselves; else try again later.",
  action: "retry",
};
/** @type {ErrorWords} */
const OFFLINE = {
  title: "Part of INOS could not be loaded",
  todo: "Check that the server is running and that you are connected, then reload.",
  action: "reload",
};
/** @type {ErrorWords} */
const WRONG_BUILD = {
  title: "A part of INOS arrived damaged",
  todo: "Reload the page. If it happens again, run the set-up on the server once more (npm start).",
  action: "reload",
};
/** @type {ErrorWords} */
const NO_MEMORY = {
  title: "There is not enough memory",
  todo: "Close other tabs or programs, then reload. Your stored files are not affected.",
  action: "reload",
};
/** @type {ErrorWords} */
const OLD_BROWSER = {
  title: "This browser cannot run INOS",
  todo: "Update it, or use a current Firefox, Chrome, Edge or Safari.",
};
/** @type {ErrorWords} */
const NOT_ISOLATED = {
  title: "The server leaves out headers that INOS needs",
  todo:
    "It must send “Cross-Origin-Opener-Policy: same-origin” and “Cross-Origin-Embedder-Policy: require-corp”. " +
    "Start INOS with npm start, or add both headers to your own server, then reload.",
  action: "reload",
};
/** @type {ErrorWords} */
const PYTHON_FAILED = {
  title: "Python could not be started",
  todo: "Reload the page. Your stored files are not affected.",
  action: "reload",
};
/** @type {ErrorWords} */
const GONE_FILE = {
  title: "The file could not be read",
  todo: "It was moved, changed or locked after you chose it. Choose it again.",
};
/** @type {ErrorWords} */
const NO_ROOM = {
  title: "There is no room left",
  todo: "Nothing was lost. Delete files here or free room on this device, then try again.",
  action: "retry",
};
/** @type {ErrorWords} */
const NO_STORAGE = {
  title: "The browser gives this page no storage",
  todo: "Leave the private window, or allow storage for this page in the browser's settings, then reload.",
  action: "reload",
};

/** @type {Record<string, ErrorWords>} */
export const errorWords = {
  // py/inos/errors.py, in its order
  InosError: {
    title: "Something went wrong",
    todo: "Try again. If it happens again, reload the page.",
    action: "retry",
  },
  LocalError: { title: "That did not work", todo: "Try again. If it happens again, reload the page.", action: "retry" },
  NotFound: { title: "It is not here", todo: "It was deleted, or never stored in this browser. Open its link again." },
  BadLink: {
    title: "The link is not complete",
    todo: "Copy all of it, to the last letter, or ask the sender for it again.",
  },
  BadArgument: { title: "That was not understood", todo: "Reload the page and try again.", action: "reload" },
  Cancelled: { title: "Stopped", todo: "Nothing was changed." },
  NotReady: { title: "INOS is still starting", todo: "Wait a moment, then try again.", action: "retry" },
  WorkerFailed: {
    title: "A Python worker ended with an error",
    todo: "Read its traceback, change its source, then run it again. Nothing else was touched.",
  },
  Fenced: { title: "Another part of INOS took this over", todo: "Reload the page.", action: "reload" },
  RemoteError: BAD_PEER,
  ProtocolViolation: BAD_PEER,
  AuthRefused: {
    title: "A peer could not prove who it is",
    todo: "It was refused. If this is your own link, ask the sender for a fresh one.",
    action: "retry",
  },
  PeerGone: {
    title: "The other side left",
    todo: "What has arrived is kept. Ask the sender to open the page again: it goes on from there.",
    action: "retry",
  },
  PeerStalled: {
    title: "The other side has stopped sending",
    todo: "What has arrived is kept. Check both connections: it goes on by itself when bytes flow again.",
    action: "retry",
  },
  NoPeers: { title: words.link.nobodyTitle, todo: words.link.nobody, action: "retry" },
  CorruptError: DAMAGED,
  Truncated: DAMAGED,
  BadMagic: DAMAGED,
  UnsupportedVersion: NEWER,
  UnsupportedSuite: NEWER,
  MalformedHeader: DAMAGED,
  IdMismatch: DAMAGED,
  AuthFailed: {
    title: "It cannot be opened with this key",
    todo: "The link may be cut or changed: copy it again. For a file of your own, check the vault (Settings).",
  },
  MalformedInner: DAMAGED,
  CodecError: DAMAGED,
  ContentMismatch: DAMAGED,
  ManifestMalformed: DAMAGED,
  ManifestInconsistent: DAMAGED,
  BadName: {
    title: "The file has a name that is not allowed",
    todo: "Give it a plain, shorter name and add it again.",
  },
  UnsupportedFeature: NEWER,
  HeadMalformed: DAMAGED,
  RollbackDetected: {
    title: "Somebody gave an old history of this file",
    todo: "The newer one that is here stays. Nothing was changed.",
  },
  ForkDetected: {
    title: "There are two histories of this file",
    todo: "It was changed in two places. Both are kept; compare them, and remove the one you do not need.",
  },
  LogDamaged: {
    title: "The vault's log is damaged",
    todo: "Whatever can still be proven right is kept. Check the vault (Settings) to see which files are affected.",
  },
  RingDamaged: {
    title: "The shared memory was damaged",
    todo: "Reload the page. What is stored is not affected.",
    action: "reload",
  },
  LimitError: { title: "That is more than INOS takes", todo: "Try it in smaller parts." },
  LimitExceeded: { title: "That is more than INOS takes", todo: "Try it in smaller parts." },
  ArenaFull: {
    title: "The working memory is full",
    todo: "Wait until what is running is done, then try again.",
    action: "retry",
  },
  Busy: { title: "Too much at once", todo: "Wait until what is running is done, then try again.", action: "retry" },
  StorageError: {
    title: "The disk did not do as asked",
    todo: "Try again. If it happens again, reload.",
    action: "retry",
  },
  StorageFull: NO_ROOM,
  StorageLost: {
    title: "The browser took its storage away",
    todo: "Site data may have been cleared. Reload to see what is still there.",
    action: "reload",
  },
  StorageBusy: {
    title: "Your files are open in another tab",
    todo: "Only one tab at a time can use them. Go on there, or use them here; the other tab then stops.",
    action: "take-over",
  },
  StorageDenied: NO_STORAGE,
  VaultLocked: {
    title: "The vault cannot be unlocked in this browser",
    todo: "Its key is not in this browser any more: it was cleared, or the files were copied from elsewhere. Nothing is deleted.",
  },

  LinkRevoked: {
    title: "This link was withdrawn",
    todo: "Whoever sent it does not give the file out by it any more. Ask them for another link.",
  },
  UnlockNeeded: {
    title: "Your files are locked",
    todo: "Give the passphrase or the passkey that they were protected with.",
  },
  WrongPassphrase: {
    title: "This is not the passphrase",
    todo: "Nothing was changed: try again. Mind capital letters and the keyboard's language.",
  },
  WrongPasskey: {
    title: "This passkey does not open these files",
    todo: "Nothing was changed: try again with another passkey, or with the passphrase.",
  },
  PasskeyUnavailable: {
    title: "There are no passkeys at this address",
    todo: "Browsers make passkeys for names only, and this one may have none: use a passphrase, or open INOS by a host name.",
  },
  PasskeyRefused: {
    title: "The passkey was not used",
    todo: "It was cancelled, or took too long. Nothing was changed: try again.",
  },
  PasskeyWithoutPrf: {
    title: "This passkey cannot protect files",
    todo: "It signs in but gives no key (it lacks the PRF extension): use another one, or a passphrase.",
  },

  // starting up: the page's own checks and the loading of Python
  NotIsolated: NOT_ISOLATED,
  NotSecure: {
    title: "This address is not secure enough for the browser",
    todo:
      "Open it with https:// instead of http://, or at http://127.0.0.1 on the computer that serves it. " +
      "That computer serves other devices after npm start -- --lan.",
  },
  WebRtcOff: {
    title: "WebRTC is switched off in this browser",
    todo: "Allow it in the browser's settings, or in the extension that blocks it, then reload.",
    action: /** @type {const} */ ("reload"),
  },
  DownloadTooLarge: {
    title: "This file is too large to be saved here",
    todo:
      "Large files need a part of INOS that this browser did not take: it does not trust this address's certificate (import " +
      "it as the server says when it starts), or it had no room to keep the page (free some). Then reload.",
    action: /** @type {const} */ ("reload"),
  },
  Unsupported: OLD_BROWSER,
  unsupported: OLD_BROWSER,
  NetworkError: OFFLINE,
  offline: OFFLINE,
  "missing-asset": {
    title: "The server lacks a part of INOS",
    todo: "Run the set-up on the server again (npm start), then reload.",
    action: "reload",
  },
  CorruptAsset: WRONG_BUILD,
  "corrupt-asset": WRONG_BUILD,
  OutOfMemory: NO_MEMORY,
  "out-of-memory": NO_MEMORY,
  PythonFailed: PYTHON_FAILED,
  "python-failed": PYTHON_FAILED,
  BootError: PYTHON_FAILED,
  ThreadFailed: {
    title: "A part of INOS stopped",
    todo: "Reload the page. What was stored is safe; what was under way starts again.",
    action: "reload",
  },
  BrainCrashed: {
    title: "INOS stopped unexpectedly",
    todo: "Reload the page. What was stored is safe; what was under way starts again.",
    action: "reload",
  },
  DownloadFailed: {
    title: "The download did not start",
    todo: "Allow downloads for this page, then try again. The file itself is safe.",
    action: "retry",
  },
  TakenOver: {
    title: "Your files are open in another tab now",
    todo: "Go on there, or use them here again; the other tab then stops.",
    action: "take-over",
  },

  // what browsers themselves throw, by name
  QuotaExceededError: NO_ROOM,
  NotReadableError: GONE_FILE,
  NotFoundError: GONE_FILE,
  SecurityError: NO_STORAGE,
  AbortError: { title: "Stopped", todo: "Nothing was changed." },
};
