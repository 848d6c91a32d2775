# The module that the brain worker registers with Pyodide (web/worker/brain): plain functions, open types.

from typing import Any

def __getattr__(name: str) -> Any: ...
