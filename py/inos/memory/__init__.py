"""The shared memory: its layout, and what threads build on it. The same API in Pyodide and on CPython.

``Region`` is the memory itself; ``Epoch`` says "look again"; ``RingWriter`` and ``RingReader`` carry frames between two
threads; ``Queue`` carries ids between many, and ``Jobs`` work; ``Seqlock`` holds a latest value. Their JavaScript twins
in ``web/shared`` work on the same bytes. Bulk bytes live in the arena (``inos.ports.Arena``: ``alloc``, ``view``,
``release``) and are handed on as spans.

May rely on ``inos.errors`` and ``inos.limits`` only.
"""

from inos.memory.epoch import Epoch
from inos.memory.fence import Fence
from inos.memory.jobs import Job, Jobs
from inos.memory.queue import Queue
from inos.memory.region import Region
from inos.memory.ring import RingReader, RingWriter
from inos.memory.seqlock import Seqlock

__all__ = ["Epoch", "Fence", "Job", "Jobs", "Queue", "Region", "RingReader", "RingWriter", "Seqlock"]
