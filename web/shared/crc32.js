/**
 * CRC-32 (IEEE 802.3, reflected, the one of zlib) of a frame header.
 *
 * Only the twelve bytes before the checksum are covered: payloads carry their own proof (a bid, a tag), and a checksum
 * over them would cost a pass over every byte. Words are little-endian, as everything in the shared memory.
 */

const POLYNOMIAL = 0xedb88320;

const TABLE = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  TABLE[byte] = crc >>> 0;
}

/**
 * @param {number} crc running value
 * @param {number} word u32, its bytes taken little-endian
 */
function addWord(crc, word) {
  let value = crc;
  for (let shift = 0; shift < 32; shift += 8) {
    value = /** @type {number} */ (TABLE[(value ^ (word >>> shift)) & 0xff]) ^ (value >>> 8);
  }
  return value;
}

/**
 * CRC-32 of three u32 words.
 * @param {number} a
 * @param {number} b
 * @param {number} c
 * @returns {number} signed 32-bit, comparable with what an Int32Array holds
 */
export function crc32Header(a, b, c) {
  return ~addWord(addWord(addWord(-1, a), b), c);
}
