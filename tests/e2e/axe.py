"""axe-core on a page: what it finds."""

from __future__ import annotations

from server import ROOT
from tab import Tab

SOURCE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
FIND = """
  const rules = { "target-size": { enabled: true } };
  const only = looksOnly ? { runOnly: ["color-contrast", "target-size"] } : { rules };
  const seen = document.querySelector("dialog[open]") ?? document; // the page behind it is inert
  const { violations } = await globalThis.axe.run(seen, { resultTypes: ["violations"], ...only });
  return violations.map(({ id, impact, help, nodes }) =>
    `${impact}: ${id}: ${help}: ${nodes.map(({ target }) => target.join(" ")).join(" | ")}`);
"""
SERIOUS = ("serious", "critical")


def problems(tab: Tab, *, looks_only: bool = False) -> list[str]:
    """One line for each rule that is broken, with the places; `looks_only`: of the rules that hang on colours and sizes."""
    if not tab.call("() => 'axe' in globalThis"):
        tab.call(f"() => {{ {SOURCE} }}")
    return list(tab.call(f"async (looksOnly) => {{ {FIND} }}", looks_only))


def serious_problems(tab: Tab) -> list[str]:
    """Those that shut somebody out."""
    return [line for line in problems(tab) if line.startswith(SERIOUS)]
