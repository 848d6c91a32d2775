# The browser's global scope as Pyodide shows it: its types are JavaScript's, so here they are open.

from typing import Any

def __getattr__(name: str) -> Any: ...
