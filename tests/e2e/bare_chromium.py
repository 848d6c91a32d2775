"""Chromium by its own protocol alone, for what Playwright rules out: with it every page counts as looked at, and none sleeps.

Must not know: INOS. One client, one call at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import subprocess
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from tab import PageMoved

ADDRESS = re.compile(r"DevTools listening on (ws://\S+)")
MOVED = re.compile(r"execution context|navigated or closed")  # between two documents
ANSWER_TIMEOUT_S = 60.0
POLL_S = 0.05
T = TypeVar("T")


class BareChromium:
    """One Chromium on a profile."""

    def __init__(self, executable: str, profile: Path, *arguments: str) -> None:
        words = [executable, "--headless", "--remote-debugging-port=0", f"--user-data-dir={profile}", *arguments]
        self._program = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._loop = asyncio.new_event_loop()  # Playwright's own loop has this thread
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._numbers = itertools.count(1)
        try:
            self._http, self._channel = self._run(self._connect())
        except BaseException:
            self._end()
            raise

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWER_TIMEOUT_S)

    async def _connect(self) -> tuple[aiohttp.ClientSession, aiohttp.ClientWebSocketResponse]:
        assert self._program.stderr is not None
        for line in self._program.stderr:
            if found := ADDRESS.search(line):
                http = aiohttp.ClientSession()
                return http, await http.ws_connect(found[1], max_msg_size=0)
        raise RuntimeError("Chromium did not start")

    def send(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """One command and its answer."""
        return self._run(self._send(method, session, params))

    async def _send(self, method: str, session: str | None, params: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        of_session = {"sessionId": session} if session else {}
        await self._channel.send_json({"id": number, "method": method, "params": params, **of_session})
        while True:
            answer = json.loads((await self._channel.receive(ANSWER_TIMEOUT_S)).data)
            if answer.get("id") == number:
                why = answer.get("error", {}).get("message", "")
                if MOVED.search(why):
                    raise PageMoved(why)
                assert "error" not in answer, answer
                return dict(answer["result"])

    def tab(self, url: str) -> BareTab:
        """Open a page, in front of the others."""
        target = self.send("Target.createTarget", url=url)["targetId"]
        return BareTab(self, target, self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])

    def close(self) -> None:
        """End it."""
        self._run(self._http.close())
        self._end()

    def _end(self) -> None:
        self._program.kill()  # first: while it starts, the loop waits for what it says
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._program.communicate()


class BareTab:
    """A page of it."""

    def __init__(self, browser: BareChromium, target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session

    def call(self, expression: str) -> Any:
        """What an expression comes to, which may be a promise."""
        answer = self._browser.send(
            "Runtime.evaluate", self._session, expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, what: str, expression: str, timeout_s: float = 60.0) -> Any:
        """Poll an expression until it is something true."""
        deadline = time.monotonic() + timeout_s
        while True:
            with contextlib.suppress(PageMoved):
                if value := self.call(expression):
                    return value
            if time.monotonic() > deadline:
                raise TimeoutError(f"{timeout_s:g} s passed before this was so: {what}")
            time.sleep(POLL_S)  # the pause of a poll with a deadline

    def front(self) -> None:
        """Look at this page, and at no other."""
        self._browser.send("Target.activateTarget", targetId=self._target)

    def freeze(self, *, frozen: bool) -> None:
        """As a browser does to a page that nobody looks at, to save power."""
        self._browser.send("Page.setWebLifecycleState", self._session, state="frozen" if frozen else "active")

    def close(self) -> None:
        """Close the page."""
        self._browser.send("Target.closeTarget", targetId=self._target)
