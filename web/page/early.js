/**
 * Runs before the first paint: light or dark as it was set, the view in the address, and the room that the files will take, so that
 * nothing flashes or jumps.
 *
 * A classic script, since modules wait for the whole page. It reads what `settings.js` keeps; what it cannot read is as at first.
 */

{
  const root = document.documentElement;
  /** @type {any} */
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem("inos.settings") ?? "{}");
  } catch {
    // no storage, or damage: settings.js says what then holds
  }
  if (kept?.appearance === "light" || kept?.appearance === "dark") root.dataset.theme = kept.appearance;
  if (kept?.hadFiles === true) root.dataset.files = "some";
  if (location.hash.startsWith("#/")) root.dataset.view = location.hash.slice(2);
  if (kept?.tourSeen !== true) root.dataset.tour = "open";
}
