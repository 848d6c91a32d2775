/** What the page says of itself as a site: offline, updates, the first load. */

export const siteWords = {
  /** @param {number} part */
  isolating: (part) =>
    `Getting ready for the first time · ${Math.floor(part * 100)} %. The page loads once more by itself.`,
  update: {
    ready: "A new version is ready.",
    now: "Use it now",
    later: "Later",
    waiting: "The new version starts as soon as what is in progress is done.",
    elsewhere: "A new version is in use in another tab.",
  },
  offline: {
    starting: "",
    keeping: "Being kept for use without a network…",
    kept: "Opens without a network, too.",
    refused:
      "This browser does not let the page keep itself: without a network it will not open, and large downloads do not work.",
    failed: "The page could not be kept here: without a network it will not open. It is tried again at the next visit.",
  },
  noRendezvous: "This address has no meeting server. Open Mesh and invite each other by a text or a code.",
};
