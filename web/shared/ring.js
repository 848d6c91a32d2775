/**
 * Rings: frames from one thread to another through the shared memory (single producer, single consumer). The twin of
 * `py/inos/memory/ring.py`, which defines what happens when a ring is full, empty, torn, or an end dies.
 *
 * Nouns: *head* and *tail* count the bytes ever written and read, u32 that wrap; a *frame* is 16 bytes of header {len
 * u32, type u16, flags u16, seq u32, crc u32} and its payload, padded to 8; a *PAD* frame fills the end of the ring,
 * because a frame never wraps. Where fewer than 16 bytes are left at the end (8: positions are multiples of 8), no
 * header fits, and both sides skip them. `seq` is the head at which the frame begins. Making an end claims it (fence.js).
 *
 * Invariants: the head is stored after the frame is whole, the tail after the frame was looked at; a header that does
 * not verify stops the reader with RingDamaged (the other thread is broken: there is nothing to skip to). A full ring
 * refuses; a drop is somebody's explicit choice and is counted. What frames mean is not known here.
 */

import { crc32Header } from "./crc32.js";
import { Fence } from "./fence.js";
import {
  FRAME_HEADER_BYTES,
  FRAME_PAD,
  RING_CONSUMER_OFFSET,
  RING_DATA_OFFSET,
  RING_DROPPED_OFFSET,
  RING_HEAD_OFFSET,
  RING_PRODUCER_OFFSET,
  RING_TAIL_OFFSET,
} from "./layout.gen.js";

/** @typedef {import("./epochs.js").Epoch} Epoch */

const HEAD = RING_HEAD_OFFSET / 4;
const TAIL = RING_TAIL_OFFSET / 4;
const DROPPED = RING_DROPPED_OFFSET / 4;
const DATA = RING_DATA_OFFSET / 4;

/** A ring whose counters or headers are not what a working producer leaves behind. */
export class RingDamaged extends Error {
  code = "RingDamaged";

  /** @override */
  name = "RingDamaged";
}

/** @param {number} length */
const frameBytes = (length) => FRAME_HEADER_BYTES + ((length + 7) & ~7);

/** The views that both ends need. */
class Ring {
  /**
   * @param {SharedArrayBuffer} buffer
   * @param {number} offset REGION_* of the layout
   * @param {number} bytes REGION_*_BYTES
   */
  constructor(buffer, offset, bytes) {
    /** Bytes of data; a power of two, so that the counters may wrap. */
    this.capacity = bytes - RING_DATA_OFFSET;
    if (this.capacity < 64 || (this.capacity & (this.capacity - 1)) !== 0) throw new RangeError("ring size");
    this.mask = this.capacity - 1;
    this.words = new Int32Array(buffer, offset, bytes / 4);
    this.dataOffset = offset + RING_DATA_OFFSET;
  }

  /** Bytes written and not yet read. */
  used() {
    return (Atomics.load(this.words, HEAD) - Atomics.load(this.words, TAIL)) >>> 0;
  }
}

/** The producer's end. */
export class RingWriter {
  #ring;
  #bytes;
  #epochs;
  #fence;

  /**
   * @param {SharedArrayBuffer} buffer
   * @param {number} offset REGION_* of the layout
   * @param {number} bytes REGION_*_BYTES
   * @param {Epoch[]} [epochs] published after each frame: the ring's own, and BRAIN where the brain reads it
   * @param {{dead?: boolean}} [options] dead: the producer before this one is known to be dead
   */
  constructor(buffer, offset, bytes, epochs = [], { dead = false } = {}) {
    this.#ring = new Ring(buffer, offset, bytes);
    this.#bytes = new Uint8Array(buffer);
    this.#epochs = epochs;
    this.#fence = new Fence(this.#ring.words, RING_PRODUCER_OFFSET / 4, dead);
    if (dead) this.#publish(); // it may have committed without a word
  }

  /** The longest payload a frame can have: with half the ring, a frame fits as soon as the reader has caught up. */
  get payloadBytesMax() {
    return this.#ring.capacity / 2 - FRAME_HEADER_BYTES;
  }

  /**
   * Write one frame and publish; numbers among the parts are written as u32.
   * @param {number} type u16, not FRAME_PAD
   * @param {...(number | Uint8Array)} parts the payload
   * @returns {boolean} false when there is no room now: keep the frame and try again, or call `drop`
   */
  push(type, ...parts) {
    let length = 0;
    for (const part of parts) length += typeof part === "number" ? 4 : part.length;
    if (length > this.payloadBytesMax) throw new RangeError(`a frame of ${length} bytes`);
    let written = false;
    this.#fence.enter();
    try {
      written = this.#write(type, length, parts);
    } finally {
      this.#fence.leave();
    }
    if (written) this.#publish();
    return written;
  }

  #publish() {
    for (const epoch of this.#epochs) epoch.publish();
  }

  /**
   * @param {number} type
   * @param {number} length
   * @param {(number | Uint8Array)[]} parts
   */
  #write(type, length, parts) {
    const { words, capacity, mask } = this.#ring;
    let head = Atomics.load(words, HEAD);
    const toEnd = capacity - (head & mask);
    const total = frameBytes(length);
    const pad = total > toEnd ? toEnd : 0;
    if (capacity - this.#ring.used() < pad + total) return false;
    if (pad >= FRAME_HEADER_BYTES) this.#header(head, pad - FRAME_HEADER_BYTES, FRAME_PAD);
    head = (head + pad) | 0;
    this.#header(head, length, type);
    this.#payload(this.#ring.dataOffset + (head & mask) + FRAME_HEADER_BYTES, parts);
    Atomics.store(words, HEAD, (head + total) | 0);
    return true;
  }

  /** Count a frame that the caller gives up. */
  drop() {
    this.#fence.enter();
    Atomics.add(this.#ring.words, DROPPED, 1);
    this.#fence.leave();
  }

  /**
   * @param {number} head
   * @param {number} length
   * @param {number} type
   */
  #header(head, length, type) {
    const { words, mask } = this.#ring;
    const at = DATA + (head & mask) / 4;
    words[at] = length;
    words[at + 1] = type;
    words[at + 2] = head;
    words[at + 3] = crc32Header(length, type, head);
  }

  /**
   * @param {number} offset
   * @param {(number | Uint8Array)[]} parts
   */
  #payload(offset, parts) {
    let at = offset;
    for (const part of parts) {
      if (typeof part === "number") {
        for (let shift = 0; shift < 32; shift += 8) this.#bytes[at++] = part >>> shift;
      } else {
        this.#bytes.set(part, at);
        at += part.length;
      }
    }
  }
}

/**
 * What a reader is called with: the payload is `length` bytes at `offset` of the view, in the shared memory and valid
 * only during the call. Returning false leaves the frame in the ring and stops the drain.
 * @callback OnFrame
 * @param {number} type
 * @param {DataView<SharedArrayBuffer>} view of the whole shared memory
 * @param {number} offset
 * @param {number} length
 * @returns {boolean | void}
 */

/** The consumer's end. */
export class RingReader {
  #ring;
  #view;
  #fence;
  #tail;

  /**
   * @param {SharedArrayBuffer} buffer
   * @param {number} offset REGION_* of the layout
   * @param {number} bytes REGION_*_BYTES
   * @param {{dead?: boolean}} [options] dead: the consumer before this one is known to be dead
   */
  constructor(buffer, offset, bytes, { dead = false } = {}) {
    this.#ring = new Ring(buffer, offset, bytes);
    this.#view = new DataView(buffer);
    this.#fence = new Fence(this.#ring.words, RING_CONSUMER_OFFSET / 4, dead);
    this.#tail = Atomics.load(this.#ring.words, TAIL);
  }

  /** Frames the producer gave up because the ring was full. */
  get dropped() {
    return Atomics.load(this.#ring.words, DROPPED) >>> 0;
  }

  /**
   * Hand over frames until the ring is empty. A frame whose handler throws is consumed; the error goes to the caller.
   * @param {OnFrame} onFrame
   * @param {number} [framesMax]
   * @returns {number} frames handed over
   */
  drain(onFrame, framesMax = Number.POSITIVE_INFINITY) {
    this.#fence.enter();
    try {
      return this.#drain(onFrame, framesMax);
    } finally {
      this.#fence.leave();
    }
  }

  /**
   * @param {OnFrame} onFrame
   * @param {number} framesMax
   */
  #drain(onFrame, framesMax) {
    const { words, mask, capacity, dataOffset } = this.#ring;
    let frames = 0;
    while (frames < framesMax) {
      const tail = Atomics.load(words, TAIL);
      if (tail !== this.#tail) throw new RingDamaged("the tail is not where its owner left it");
      const used = this.#ring.used();
      if (used === 0) return frames;
      if (used > capacity || (used & 7) !== 0) throw new RingDamaged(`${used} bytes in a ring of ${capacity}`);
      const at = tail & mask;
      const toEnd = capacity - at;
      if (toEnd < FRAME_HEADER_BYTES) {
        this.#consume((tail + toEnd) | 0);
        continue;
      }
      const { type, length } = this.#check(tail, Math.min(used, toEnd));
      const next = (tail + frameBytes(length)) | 0;
      if (type !== FRAME_PAD) {
        let taken = true;
        try {
          taken = onFrame(type, this.#view, dataOffset + at + FRAME_HEADER_BYTES, length) !== false;
        } catch (error) {
          this.#consume(next);
          throw error;
        }
        if (!taken) return frames;
        frames++;
      }
      this.#consume(next);
    }
    return frames;
  }

  /** @param {number} tail */
  #consume(tail) {
    this.#tail = tail;
    Atomics.store(this.#ring.words, TAIL, tail);
  }

  /**
   * @param {number} tail
   * @param {number} bytes that the frame may have at most
   */
  #check(tail, bytes) {
    const { words, mask } = this.#ring;
    const at = tail & mask;
    const index = DATA + at / 4;
    const length = /** @type {number} */ (words[index]);
    const kind = /** @type {number} */ (words[index + 1]);
    const seq = /** @type {number} */ (words[index + 2]);
    if (words[index + 3] !== crc32Header(length, kind, seq)) throw new RingDamaged(`header checksum at ${at}`);
    if (seq !== tail) throw new RingDamaged(`frame ${seq >>> 0} where ${tail >>> 0} was due`);
    if (length < 0 || frameBytes(length) > bytes) throw new RingDamaged(`a frame of ${length >>> 0} bytes at ${at}`);
    return { type: kind & 0xffff, length };
  }
}
