"""INOS in a browser: the adapter between the sans-IO core and Pyodide's worker.

The only Python that imports ``js`` or ``pyodide`` (and ``inos_js``, the closures that ``web/worker/brain/bridge.js`` makes).
Thin by rule: it moves ints and bytes, and decides nothing. It may rely on ``inos``; never on ``inos_host`` or ``inos_sim``.
"""
