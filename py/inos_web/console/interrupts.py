"""How a loop that never awaits is stopped: KeyboardInterrupt, raised in what a person typed and nowhere else.

Nouns: the *signal* is a word of shared memory that the page sets and Python looks at every few hundred steps; a *guard* is a
function of the console that runs somebody's code and catches what comes out of it.

Theory of operation. On the node's own thread a signal may come while the core is at work, which must not be torn: a vault
half committed is worse than a loop that runs on. So the handler looks at the frames from the innermost outwards: where the
first of ours is a guard, all frames within it are the person's (or the library's on their behalf), and it raises; where it
is any other, it does nothing, and the page signals again a moment later. Writing to the console is the one place of ours
that asks.

Invariants: nothing is raised while a frame of the core is within the innermost guard, or when nobody's code runs.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, TypeVar

from inos_web.console.source import FILENAME_PREFIX
from inos_web.console.traces import OWN

_F = TypeVar("_F", bound=Callable[..., Any])


class Interrupts:
    """The signal handler of a thread."""

    def __init__(self) -> None:
        self._guards: set[CodeType] = set()
        self._is_missed = False

    def install(self) -> None:
        """Handle SIGINT from now on."""
        signal.signal(signal.SIGINT, self.on_signal)

    def guard(self, function: _F) -> _F:
        """Make a function a guard."""
        self._guards.add(function.__code__)
        return function

    def on_signal(self, _number: int, frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt if it hits a person's code."""
        is_theirs = False
        while frame is not None:
            code = frame.f_code
            if code.co_filename.startswith(OWN):
                self._is_missed = code not in self._guards
                if is_theirs and not self._is_missed:
                    raise KeyboardInterrupt
                return
            is_theirs = is_theirs or code.co_filename.startswith(FILENAME_PREFIX)
            frame = frame.f_back
        if is_theirs:  # a task of theirs, stepped by the event loop
            raise KeyboardInterrupt

    def forget(self) -> None:
        """Somebody's code begins or ends: what was missed before means nothing now."""
        self._is_missed = False

    def ask(self) -> None:
        """Raise what was missed: called by the console where it was called by a person's code."""
        if self._is_missed:
            self._is_missed = False
            raise KeyboardInterrupt
