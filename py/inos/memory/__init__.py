"""The shared memory: its layout, and the rings and job results that live in it.

May rely on ``inos.errors`` and ``inos.limits`` only.
"""
