/** The sentences of the Python console. */

import { counted } from "./counted.js";

export const pythonWords = {
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
    shown === total
      ? counted(total, "row", "rows")
      : `${shown.toLocaleString("en")} of ${counted(total, "row", "rows")}`,
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
};
