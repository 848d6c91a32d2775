/** The bench page's first module. */

import { NodeError, requireBrowser } from "../../boot.js";
import { explain, translate } from "../../words.js";
import { setUpAppearance } from "../appearance.js";
import { need, setText } from "../dom.js";
import { BenchApp } from "./app.js";

translate(document);
setUpAppearance();
try {
  await requireBrowser();
  new BenchApp();
} catch (error) {
  if (!(error instanceof NodeError)) throw error;
  const { title, todo } = explain(error);
  const notice = need("bench-notice", HTMLElement);
  setText(notice, `${title}. ${todo}`);
  notice.hidden = false;
  need("bench-start", HTMLElement).hidden = true;
}
