"""INOS on CPython: the ports of `inos` over files, native libraries and sockets, and the server that hands out the page.

May import `inos`, the standard library and wheels; must not know `inos_web`, `js` or `pyodide`.
"""
