"""One small face over the browsers: `Browser` is a profile with a running program, `Tab` a page in it, `Job` a call under way.

Nouns: a *script* is the text of a JavaScript function, which may be async; what it returns crosses as JSON.
Invariants: an error in the page is a `PageError` with the error's `code`; every wait has a deadline and names what it
waited for; whatever a page logged as an error is in `problems()`, for the test to fail on.
Must not know: what INOS is. That is `pages/lab.js` (inside the page) and the tests.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import psutil

LAB = (Path(__file__).parent / "pages" / "lab.js").read_text("utf-8")
CALL_TIMEOUT_S = 120.0
POLL_S = 0.05


class PageError(Exception):
    """An error that a script in the page threw; `code` as the page's errors have it, or the error's name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class PageMoved(Exception):
    """The page went elsewhere, or was loaded anew, while a script ran."""


class Tab(ABC):
    """A page."""

    _numbers = itertools.count(1)

    def __init__(self) -> None:
        self._allowed: list[re.Pattern[str]] = []

    # --- what a browser provides -----------------------------------------------------------------------------------

    @abstractmethod
    def _run(self, script: str, arguments: str, timeout_s: float) -> str:
        """Run a script with one string, answer the string that it returns."""

    @abstractmethod
    def goto(self, url: str) -> None:
        """Open an address and wait for its load event."""

    @abstractmethod
    def click(self, selector: str) -> None:
        """Click as a person does: the element must be visible."""

    @abstractmethod
    def press(self, *keys: str) -> None:
        """Press keys, named as KeyboardEvent.key names them, one after another."""

    @abstractmethod
    def screenshot(self, path: Path) -> None:
        """Write what is visible as a PNG."""

    @abstractmethod
    def close(self) -> None:
        """Close the page."""

    @abstractmethod
    def _raw_problems(self) -> list[str]: ...

    # --- what follows from it --------------------------------------------------------------------------------------

    def call(self, script: str, *arguments: Any, timeout_s: float = CALL_TIMEOUT_S) -> Any:
        """Call a script with JSON values and answer what it returns."""
        wrapper = f"""async (text) => {{
          {LAB}
          try {{
            const late = new Promise((_, reject) => {{
              const error = new DOMException("the call has not come to its end", "TimeoutError");
              setTimeout(reject, {round(timeout_s * 1000)}, error);
            }});
            const value = await Promise.race([late, ({script})(...JSON.parse(text))]);
            return JSON.stringify({{ value: value instanceof Node ? true : value ?? null }});
          }} catch (error) {{
            const code = typeof error?.code === "string" ? error.code : error?.name ?? "Error";
            return JSON.stringify({{ code, message: String(error?.message ?? error) }});
          }}
        }}"""
        answer = json.loads(self._run(wrapper, json.dumps(arguments), timeout_s))
        if "code" in answer:
            raise PageError(answer["code"], answer["message"])
        return answer["value"]

    def begin(self, script: str, *arguments: Any) -> Job:
        """Start a script without waiting for its end. Its last argument is `note(value)`, read by `Job.noted`."""
        number = next(self._numbers)
        self.call(f"(number, given) => lab.begin(number, {script}, given)", number, list(arguments))
        return Job(self, number)

    def wait_for(self, what: str, condition: str, *arguments: Any, timeout_s: float = 30.0) -> Any:
        """Poll a script until it returns something true, and answer that; the page may be loaded anew meanwhile."""
        deadline = time.monotonic() + timeout_s
        while True:
            with contextlib.suppress(PageMoved):
                if value := self.call(condition, *arguments, timeout_s=timeout_s):
                    return value
            if time.monotonic() > deadline:
                raise TimeoutError(f"{timeout_s:g} s passed before this was so: {what}")
            time.sleep(POLL_S)  # the pause of a poll with a deadline

    def text(self, selector: str) -> str:
        """The visible text of an element, "" where there is none."""
        return str(self.call("(selector) => document.querySelector(selector)?.innerText ?? ''", selector))

    def allow_problems(self, pattern: str) -> None:
        """Expect console errors of this kind in this test, with the reason in a comment beside the call."""
        self._allowed.append(re.compile(pattern))

    def problems(self) -> list[str]:
        """Console errors, uncaught errors and CSP violations so far, without the expected ones."""
        return [line for line in self._raw_problems() if not any(known.search(line) for known in self._allowed)]


class Job:
    """A script under way in a page."""

    def __init__(self, tab: Tab, number: int) -> None:
        self._tab = tab
        self.number = number

    def noted(self) -> list[Any]:
        """What it has noted so far."""
        return list(self._tab.call("(number) => lab.jobs.get(number).notes", self.number))

    def ended(self) -> bool:
        """Whether it is over, well or badly."""
        return bool(self._tab.call("(number) => lab.jobs.get(number).ended", self.number))

    def result(self, timeout_s: float = CALL_TIMEOUT_S) -> Any:
        """Wait for its end; answers what it returned or raises what it threw."""
        return self._tab.call("(number) => lab.jobs.get(number).promise", self.number, timeout_s=timeout_s)


class Browser(ABC):
    """A profile folder and the program that runs on it."""

    name: str
    profile: Path
    downloads: Path
    process: psutil.Process

    @abstractmethod
    def tab(self, url: str = "") -> Tab:
        """Open a page of its own, at an address if one is given."""

    @abstractmethod
    def close(self) -> None:
        """End it as a person would."""

    @abstractmethod
    def kill(self) -> float:
        """SIGKILL to all its processes; when, in s of the clock."""

    def discard(self) -> None:
        """End it in the quickest way: its profile is not used again."""
        self.close()

    def problems(self) -> list[str]:
        """Of all tabs that are or were open."""
        return [line for tab in self.tabs for line in tab.problems()]

    tabs: list[Tab]
