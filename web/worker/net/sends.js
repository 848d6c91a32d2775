/**
 * What one channel still has to send: control messages, and blocks cut into fragments.
 *
 * Nouns: a *fragment* is a DATA message {type u8, 0 u8, 0 u16, request u32, offset u32, total u32, bytes}; a block is
 * *handed over* when its last fragment is in the channel's buffer, and *sent* when that buffer drained below the low
 * mark.
 *
 * Invariants: control overtakes data and keeps its order; blocks take turns, one fragment each; each fragment is copied
 * out of the shared memory exactly once, into the caller's buffer, because browsers refuse shared views in send.
 */

import { DATA_HEADER_BYTES, WIRE_CONTROL, WIRE_DATA } from "../../shared/layout.gen.js";

/** @typedef {{request: number, offset: number, length: number, sent: number}} Outgoing */

/** The queues of one channel. */
export class Sends {
  #memory;
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #controls = [];
  /** @type {Outgoing[]} */
  #blocks = [];
  /** @type {number[]} */
  #handedOver = [];

  /** Bytes of control messages that wait. */
  controlBytes = 0;

  /** @param {Uint8Array} memory the whole shared memory */
  constructor(memory) {
    this.#memory = memory;
  }

  get hasControl() {
    return this.#controls.length > 0;
  }

  get hasBlocks() {
    return this.#blocks.length > 0;
  }

  /** Blocks that have not been handed over whole. */
  get blocks() {
    return this.#blocks.length;
  }

  /**
   * @param {number} offset of the message in the shared memory
   * @param {number} length
   */
  addControl(offset, length) {
    const message = new Uint8Array(1 + length);
    message[0] = WIRE_CONTROL;
    message.set(this.#memory.subarray(offset, offset + length), 1);
    this.#controls.push(message);
    this.controlBytes += message.length;
  }

  /**
   * @param {number} request
   * @param {number} offset
   * @param {number} length at least 1
   */
  addBlock(request, offset, length) {
    this.#blocks.push({ request, offset, length, sent: 0 });
  }

  /** @returns {Uint8Array<ArrayBuffer> | undefined} the next control message, taken from the queue */
  takeControl() {
    const message = this.#controls.shift();
    if (message !== undefined) this.controlBytes -= message.length;
    return message;
  }

  /**
   * Write the next fragment to the start of `buffer`, of whichever block's turn it is.
   * @param {Uint8Array} buffer not shared; as long as the longest message allowed
   * @param {number} messageBytesMax
   * @returns {number} bytes of the message; 0 when no block waits
   */
  takeFragment(buffer, messageBytesMax) {
    const block = this.#blocks.shift();
    if (block === undefined) return 0;
    const length = Math.min(block.length - block.sent, messageBytesMax - DATA_HEADER_BYTES);
    const view = new DataView(buffer.buffer, buffer.byteOffset, DATA_HEADER_BYTES);
    view.setUint32(0, WIRE_DATA, true);
    view.setUint32(4, block.request, true);
    view.setUint32(8, block.sent, true);
    view.setUint32(12, block.length, true);
    const from = block.offset + block.sent;
    buffer.set(this.#memory.subarray(from, from + length), DATA_HEADER_BYTES);
    block.sent += length;
    if (block.sent < block.length) this.#blocks.push(block);
    else this.#handedOver.push(block.request);
    return DATA_HEADER_BYTES + length;
  }

  /** @returns {number[]} requests handed over since the last call; they are sent once the channel has drained */
  takeHandedOver() {
    return this.#handedOver.splice(0);
  }

  /** @returns {number[]} every request not reported yet: the channel is gone */
  clear() {
    const unsent = [...this.#handedOver, ...this.#blocks.map((block) => block.request)];
    this.#handedOver = [];
    this.#blocks = [];
    this.#controls = [];
    this.controlBytes = 0;
    return unsent;
  }
}
