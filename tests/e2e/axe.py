"""axe-core on a page: what it finds serious."""

from __future__ import annotations

from server import ROOT
from tab import Tab

SOURCE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
FIND = """
  const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target.join(" ")).join(" | ")}`);
"""


def serious_problems(tab: Tab) -> list[str]:
    """One line for each rule that is broken, with the places."""
    return list(tab.call(f"async () => {{ if (!globalThis.axe) {{ {SOURCE} }}\n{FIND} }}"))
