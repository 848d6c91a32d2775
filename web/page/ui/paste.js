/**
 * Telling a share link from any other text. Pure; whether the link is whole is for the node to say.
 */

/** The longest text looked at: a link is a few hundred characters. */
const LINK_CHARACTERS_MAX = 4096;
const LINK = /#(inosv?1\.[\w.~-]+)$/;

/**
 * The link in a pasted text, or null when it is something else.
 *
 * @param {string} text
 */
export function linkIn(text) {
  if (text.length > LINK_CHARACTERS_MAX || /\s/.test(text)) return null;
  const found = LINK.exec(/^inosv?1\./.test(text) ? `#${text}` : text);
  return found ? text : null;
}
