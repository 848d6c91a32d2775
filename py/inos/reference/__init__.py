"""The kernel's algorithms in plain Python: the readable oracle that tests compare with, and the last fallback.

``blake3``, ``chacha20poly1305`` and ``gear64`` follow their specifications line by line rather than for speed. Must not know:
anything of INOS but its limits.
"""
