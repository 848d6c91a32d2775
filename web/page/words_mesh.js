/** The sentences about the mesh. Part of `words` (words.js), and under its invariants. */

import { counted } from "./counted.js";

/** @param {number} count */
const nodes = (count) => counted(count, "node", "nodes");

export const meshWords = {
  mesh: {
    heading: "Mesh",
    off: "Not in a mesh yet",
    alone: "Nobody else is here",
    /** @param {number} links @param {number} size */
    now: (links, size) => `${counted(links, "link", "links")}, about ${nodes(size)}`,
    map: "Map of the mesh",
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
    states: { alive: "linked", suspect: "silent", hidden: "in the background", frozen: "asleep", leaving: "leaving" },
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
    noReplicas: "Files that you keep here are copied, sealed, to two other nodes once there are any.",
    replicaColumns: { name: "File", copies: "Copies", state: "State" },
    /** @param {number} copies @param {number} wanted */
    copies: (copies, wanted) => `${copies} of ${wanted}`,
    replicaStates: { full: "safe", repairing: "being copied", short: "waits for more nodes", alone: "only here" },
    more: (/** @type {number} */ count) => `and ${count.toLocaleString("en")} more`,
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
};
