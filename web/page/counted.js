/** Numbers with their noun: "1 file", "1,200 files". Pure. */

/** @param {number} count @param {string} one @param {string} many */
export const counted = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** @param {number} count */
export const files = (count) => counted(count, "file", "files");
