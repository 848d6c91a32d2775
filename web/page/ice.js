/**
 * Servers that help browsers find a way to each other, as people write them: one a line, `stun:host:port`, or
 * `turn:host:port user password`. Pure.
 *
 * Invariant: what is not understood is named, never guessed at.
 */

const SERVERS_MAX = 8;
const STUN = /^stuns?:[^\s/?#@]+$/i;
const TURN = /^turns?:[^\s/?#@]+(\?transport=(udp|tcp))?$/i;

/** @param {string} text @returns {{servers: RTCIceServer[], refused: string[]}} refused: the lines that are none */
export function iceServersOf(text) {
  /** @type {RTCIceServer[]} */ const servers = [];
  /** @type {string[]} */ const refused = [];
  for (const line of text.split("\n").map((each) => each.trim())) {
    if (line === "") continue;
    const [urls, username, credential, ...more] = line.split(/\s+/);
    if (servers.length === SERVERS_MAX) refused.push(line);
    else if (STUN.test(urls) && username === undefined) servers.push({ urls });
    else if (TURN.test(urls) && credential !== undefined && more.length === 0)
      servers.push({ urls, username, credential });
    else refused.push(line);
  }
  return { servers, refused };
}

/** Whether a text is an address to meet at: a path of this server, or a WebSocket's URL. @param {string} text */
export function isMeetingAddress(text) {
  if (/^\/(?!\/)\S*$/.test(text)) return true;
  return /^wss?:\/\//i.test(text) && URL.canParse(text);
}
