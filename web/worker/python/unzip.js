/**
 * Lists the files of a ZIP archive whose entries are stored, not compressed (our own `site.zip`): views, no copies.
 */

const END_SIGNATURE = 0x06054b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;

/**
 * @param {Uint8Array} archive without an archive comment
 * @returns {{name: string, data: Uint8Array}[]}
 */
export function storedEntries(archive) {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const end = archive.length - END_BYTES;
  if (end < 0 || view.getUint32(end, true) !== END_SIGNATURE) throw new Error("not one of our archives");
  const decoder = new TextDecoder();
  const entries = [];
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    if (view.getUint32(at, true) !== CENTRAL_SIGNATURE) throw new Error("archive directory is damaged");
    if (view.getUint16(at + 10, true) !== 0) throw new Error("archive holds a compressed file");
    const nameBytes = view.getUint16(at + 28, true);
    const local = view.getUint32(at + 42, true);
    const start = local + LOCAL_BYTES + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    entries.push({
      name: decoder.decode(archive.slice(at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes)),
      data: archive.subarray(start, start + view.getUint32(at + 20, true)),
    });
    at += CENTRAL_BYTES + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}
