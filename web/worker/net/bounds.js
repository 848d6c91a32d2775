/**
 * The net worker's numbers: bounds on what a peer may send and on what is kept for it, and the reasons given when one
 * holds. Sizes are bytes, times are milliseconds.
 */

import { BLOCK_BYTES_MAX, DATA_HEADER_BYTES, MESSAGE_CONTROL_BYTES_MAX } from "../../shared/layout.gen.js";

/** The longest message a channel may carry after AUTH: what Chromium accepts, and what our SDP offers. */
export const MESSAGE_BYTES_MAX = 262_144;
/**
 * The longest we send: two fit under the high mark, so that one is always queued behind the one that leaves. 64, 128 and
 * 256 KiB could not be told apart on a loaded 2-core machine, where equal settings differed by 1.4 x within a run.
 */
export const MESSAGE_SENT_BYTES_MAX = 131_072;
/** The longest message before AUTH: the type byte and a control message. */
export const MESSAGE_EARLY_BYTES_MAX = 1 + MESSAGE_CONTROL_BYTES_MAX;

/** No data fragment is sent while the channel buffers this much; sending goes on below the low mark. */
export const BUFFERED_HIGH_BYTES = 256 * 1024;
export const BUFFERED_LOW_BYTES = 128 * 1024;
/** Control messages overtake data up to here. */
export const BUFFERED_CONTROL_BYTES = 1024 * 1024;

/** Control messages waiting for a channel that takes nothing: beyond this it is closed. */
export const CONTROL_QUEUE_BYTES_MAX = 1024 * 1024;
/** Messages of one peer waiting for a full inbox; beyond this the peer is closed. */
export const BACKLOG_BYTES_MAX = 256 * 1024;
/** The inbox's reader does not signal that it made room, so a backlog is retried at this interval. */
export const BACKLOG_RETRY_MS = 5;

/** How often all links are looked at while there is one. */
export const TICK_MS = 50;
/** How often a peer is pinged until the brain asks for another pace. */
export const PACE_MS = 1_000;
export const PACE_MS_MIN = 100;
export const PACE_MS_MAX = 60_000;
/** A channel that is silent for longer is closed: a backstop, since the brain gives up far earlier. */
export const SILENCE_MS_MAX = 9_000;
/** A tick that comes this late means that we slept, not the peers: they get a fresh window. */
export const TICK_LATE_MS = 2_000;
/** Pings of one peer in a window; more is a flood. An honest one sends one in PACE_MS_MIN. */
export const PINGS_PER_WINDOW_MAX = 50;
export const PING_WINDOW_MS = 1_000;
/** Our own pings that may be unanswered; a pong to an older one says nothing about the round trip. */
export const PINGS_OPEN_MAX = 40;
/** Pings that have not left yet: a channel that holds more takes nothing. */
export const BUFFERED_REALTIME_BYTES = 256;
/** The shared counter of the page's metrics is published this often while there is a link. */
export const PUBLISH_MS = 1_000;

/** Bytes of blocks nobody waits for that a peer may deliver, beside what was still to come of wants taken back. */
export const STRAY_BYTES_MAX = BLOCK_BYTES_MAX;

/** A ping: the type byte and the sender's clock, f64. A pong: the same, and the age of the brain, u32. */
export const PING_BYTES = 9;
export const PONG_BYTES = 13;
export const DATA_MESSAGE_BYTES_MIN = DATA_HEADER_BYTES + 1;

/** Why a channel was closed, for people: told to the page, not to the brain. */
export const CLOSED_BY_PEER = "closed by the peer or the network";
export const CLOSED_BY_US = "closed by us";
export const CLOSED_REPLACED = "its slot was given away";
export const CLOSED_SILENT = "silent for too long";
export const CLOSED_FLOOD = "sent more than can be taken";
export const CLOSED_SLOW = "takes too little";
export const CLOSED_VIOLATION = "sent what the protocol does not allow";

/** Why a wanted block failed: the u32 in BLOCK_FAILED. */
export const FAILED_ORDER = 1; // a fragment that does not continue the one before, or another total
export const FAILED_CAPACITY = 2; // longer than the buffer it was wanted in
export const FAILED_CHANNEL = 3; // no such channel
export const FAILED_ARGUMENT = 4; // our own buffer is not a range of the arena
export const FAILED_TAKEN_BACK = 5; // the brain took it back: from now on nothing is written into its buffer
