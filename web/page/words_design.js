/** The sentences of navigation and settings. Part of `words` (words.js), and under its invariants. */

import { counted } from "./counted.js";

export const designWords = {
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
      rendezvousHint: "A path on this server or an address like wss://example.org/rendezvous. Empty: the server's own.",
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
};
