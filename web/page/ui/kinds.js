/**
 * What may be shown inside the page, decided by us and never by the type a peer wrote. Pure.
 *
 * A blob: URL runs in our origin, beside the vault. So only kinds that cannot carry script are opened, under a media type
 * from this table; HTML, SVG, XML and PDF are offered as a download. Text goes through `textContent`, whatever it holds.
 */

/** @typedef {{kind: "text" | "image" | "audio" | "video", mediaType: string}} SafeKind */

const MIB = 1 << 20;
/** Larger ones are downloaded: a preview has all its bytes in memory at once. */
export const PREVIEW_BYTES_MAX = { text: 2 * MIB, image: 64 * MIB, audio: 128 * MIB, video: 256 * MIB };

/** @type {Record<string, string>} */
const IMAGES = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  avif: "image/avif",
  bmp: "image/bmp",
};
/** @type {Record<string, string>} */
const SOUNDS = {
  mp3: "audio/mpeg",
  wav: "audio/wav",
  flac: "audio/flac",
  ogg: "audio/ogg",
  oga: "audio/ogg",
  opus: "audio/ogg",
  m4a: "audio/mp4",
};
/** @type {Record<string, string>} */
const FILMS = { mp4: "video/mp4", m4v: "video/mp4", webm: "video/webm", ogv: "video/ogg" };
const TEXTS = new Set(
  (
    "txt text md markdown log csv tsv json jsonl yaml yml toml ini cfg conf py pyi js mjs cjs ts jsx tsx c h cc cpp hpp rs " +
    "go zig java kt rb pl lua sh bash zsh fish sql css scss tex bib diff patch srt vtt asc pem rst org asm r jl swift"
  ).split(" "),
);
const NEVER = new Set("html htm xhtml xht svg svgz xml xsl xslt pdf mht mhtml hta swf".split(" "));
const NEVER_TYPE = /html|svg|xml|pdf/;

/** @param {string} name */
export function extensionOf(name) {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : "";
}

/**
 * The kind a file may be shown as, or null: then it is downloaded.
 *
 * @param {string} name
 * @param {string} mediaType  what the sender called it; believed only to refuse, or to tell plain text
 * @returns {SafeKind | null}
 */
export function safeKind(name, mediaType) {
  const extension = extensionOf(name);
  const type = mediaType.toLowerCase();
  if (NEVER.has(extension) || NEVER_TYPE.test(type)) return null;
  if (Object.hasOwn(IMAGES, extension)) return { kind: "image", mediaType: IMAGES[extension] };
  if (Object.hasOwn(SOUNDS, extension)) return { kind: "audio", mediaType: SOUNDS[extension] };
  if (Object.hasOwn(FILMS, extension)) return { kind: "video", mediaType: FILMS[extension] };
  if (TEXTS.has(extension) || type.startsWith("text/") || type === "application/json") {
    return { kind: "text", mediaType: "text/plain" };
  }
  return byType(type);
}

/**
 * For names without a telling extension: a type we know, mapped to our own spelling of it.
 *
 * @param {string} type
 * @returns {SafeKind | null}
 */
function byType(type) {
  const tables = /** @type {const} */ ([
    ["image", IMAGES],
    ["audio", SOUNDS],
    ["video", FILMS],
  ]);
  for (const [kind, table] of tables) {
    const known = Object.values(table).find((value) => value === type);
    if (known) return { kind, mediaType: known };
  }
  return null;
}

/**
 * @param {SafeKind | null} safe
 * @param {number} size
 */
export function canPreview(safe, size) {
  return safe !== null && size <= PREVIEW_BYTES_MAX[safe.kind];
}

/**
 * Which drawing stands before the name.
 *
 * @param {string} name
 * @param {string} mediaType
 */
export function iconOf(name, mediaType) {
  const safe = safeKind(name, mediaType);
  return safe ? safe.kind : "file";
}
