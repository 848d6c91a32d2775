"""Firefox through Marionette, on a profile of its own.

Scripts run in a sandbox without Xray wrappers, so they see the page's own objects, and outside of the page's CSP, as
Playwright's do. What the page logs is read from the browser's console services.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
import warnings
from pathlib import Path
from typing import Any

import processes
import psutil
from tab import Browser, PageMoved, Tab

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # its dependency mozinfo uses a deprecated call at import
    from marionette_driver import errors
    from marionette_driver.keys import Keys
    from marionette_driver.marionette import Marionette

START_TIMEOUT_S = 60.0
POLL_S = 0.05
QUIT_TIMEOUT_S = 20.0
KEYS = {
    "Enter": Keys.ENTER, "Tab": Keys.TAB, "Escape": Keys.ESCAPE, " ": Keys.SPACE, "F2": Keys.F2,
    "ArrowUp": Keys.ARROW_UP, "ArrowDown": Keys.ARROW_DOWN,
}  # fmt: skip

# No first-run pages, no updates, no requests of its own; downloads go to a folder without a question.
PREFERENCES: dict[str, bool | int | str] = {
    "app.normandy.enabled": False,
    "app.update.auto": False,
    "browser.aboutwelcome.enabled": False,
    "browser.download.folderList": 2,
    "browser.download.useDownloadDir": True,
    "browser.newtabpage.enabled": False,
    "browser.region.network.url": "",
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "browser.topsites.contile.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.update.enabled": False,
    "identity.fxaccounts.enabled": False,
    "marionette.port": 0,
    "media.gmp-manager.updateEnabled": False,
    "media.peerconnection.ice.obfuscate_host_addresses": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.prefs.recommended": True,
    "security.remote_settings.intermediates.enabled": False,
    "services.settings.server": "data:,#",
    "signon.rememberSignons": False,
    "toolkit.startup.max_resumed_crashes": -1,
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "",
    "toolkit.telemetry.unified": False,
}

# What the page and its workers reported, wherever it was logged: script errors and CSP reports, and console.error calls.
READ_CONSOLE = """
const [origin] = arguments;
const lines = [];
for (const message of Services.console.getMessageArray()) {
  if (!(message instanceof Ci.nsIScriptError)) continue;
  const isError = !(message.flags & Ci.nsIScriptError.warningFlag) && !(message.flags & Ci.nsIScriptError.infoFlag);
  const ours = message.sourceName.startsWith(origin) || /CSP/.test(message.category);
  if (isError && ours && /content|CSP|DOM|Worker|script/i.test(message.category)) {
    lines.push(`${message.category}: ${message.errorMessage} (${message.sourceName}:${message.lineNumber})`);
  }
}
const storage = Cc["@mozilla.org/consoleAPI-storage;1"].getService(Ci.nsIConsoleAPIStorage);
for (const event of storage.getEvents()) {
  if (event.level === "error" && String(event.filename).startsWith(origin)) {
    lines.push(`console: ${event.arguments.map(String).join(" ")} (${event.filename}:${event.lineNumber})`);
  }
}
return lines;
"""


class Firefox(Browser):
    """One Firefox on one profile folder."""

    name = "firefox"

    def __init__(self, executable: str, profile: Path, **preferences: bool | int | str) -> None:
        self.profile = profile
        self.downloads = profile.parent / f"{profile.name}-downloads"
        self.downloads.mkdir(parents=True, exist_ok=True)
        self.tabs: list[Tab] = []
        profile.mkdir(parents=True, exist_ok=True)
        chosen = {**PREFERENCES, "browser.download.dir": str(self.downloads), **preferences}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in chosen.items()]
        (profile / "user.js").write_text("".join(lines), "utf-8")
        port_file = profile / "MarionetteActivePort"
        port_file.unlink(missing_ok=True)
        words = [executable, "--headless", "--marionette", "--remote-allow-system-access", "--no-remote"]
        words += ["--profile", str(profile)]
        with (profile / "output.txt").open("ab") as output:
            self._program = subprocess.Popen(
                words,
                env={**os.environ, "MOZ_HEADLESS": "1", "MOZ_CRASHREPORTER_DISABLE": "1", "HOME": str(profile)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.process = psutil.Process(self._program.pid)
        self.driver = Marionette(host="127.0.0.1", port=self._wait_for_port(port_file))
        self.driver.start_session()
        self.alive = True

    def _wait_for_port(self, file: Path) -> int:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (file.exists() and (text := file.read_text("ascii").strip())):
            if self._program.poll() is not None or time.monotonic() > deadline:
                self._program.kill()
                self._program.wait()
                raise RuntimeError(
                    f"Firefox did not start: {(self.profile / 'output.txt').read_text('utf-8', 'replace')}"
                )
            time.sleep(POLL_S)  # the pause of a poll with a deadline
        return int(text)

    def tab(self, url: str = "") -> FirefoxTab:
        """See Browser."""
        handle = self.driver.open(type="tab")["handle"] if self.tabs else self.driver.current_window_handle
        tab = FirefoxTab(self, handle)
        self.tabs.append(tab)
        if url:
            tab.goto(url)
        return tab

    def close(self) -> None:
        """See Browser."""
        if not self.alive:
            return
        self.alive = False
        with contextlib.suppress(OSError, errors.MarionetteException):
            self.driver._send_message("Marionette:Quit", {"flags": ["eForceQuit"]})
        self._let_go()
        try:
            self._program.wait(QUIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            processes.kill_family(self.process)
            self._program.wait()

    def kill(self) -> float:
        """See Browser."""
        self.alive = False
        at_s = processes.kill_family(self.process)
        self._program.wait()
        self._let_go()
        return at_s

    def discard(self) -> None:
        """See Browser. Firefox takes four seconds or so to leave by itself."""
        if self.alive:
            self.kill()

    def _let_go(self) -> None:
        """Marionette would speak to the browser once more when it is collected."""
        self.driver.session = None
        self.driver.cleanup_ran = True
        if self.driver.client is not None:
            self.driver.client.close()


class FirefoxTab(Tab):
    """One page of it."""

    def __init__(self, browser: Firefox, handle: str) -> None:
        super().__init__()
        self._browser = browser
        self._handle = handle
        self._origin = "http://127.0.0.1"

    def _driver(self) -> Marionette:
        driver = self._browser.driver
        if driver.current_window_handle != self._handle:
            driver.switch_to_window(self._handle, focus=True)
        return driver

    def _run(self, script: str, arguments: str, timeout_s: float) -> str:
        wrapped = f"return ({script})(arguments[0]);"
        try:
            answer = self._driver().execute_script(
                wrapped, script_args=[arguments], sandbox=None, script_timeout=int(timeout_s * 1000)
            )
        except errors.JavascriptException as error:
            if "Document was unloaded" in str(error):
                raise PageMoved(str(error)) from error
            raise
        if answer is None:  # a script whose page is unloaded before its promise settles answers nothing at all
            raise PageMoved(script)
        return str(answer)

    def goto(self, url: str) -> None:
        """See Tab."""
        self._driver().navigate(url)

    def click(self, selector: str) -> None:
        """See Tab."""
        self._driver().find_element("css selector", selector).click()

    def press(self, *keys: str) -> None:
        """See Tab."""
        for key in keys:
            self._driver().actions.sequence("key", "keyboard").send_keys(KEYS.get(key, key)).perform()

    def screenshot(self, path: Path) -> None:
        """See Tab."""
        path.write_bytes(self._driver().screenshot(format="binary", full=False))

    def close(self) -> None:
        """See Tab."""
        for handle in self._driver().close()[:1]:  # the driver knows no window until it is told of another
            self._browser.driver.switch_to_window(handle)

    def _raw_problems(self) -> list[str]:
        if not self._browser.alive or self is not self._browser.tabs[0]:
            return []  # the console is the browser's, so its first tab answers for all
        with self._browser.driver.using_context("chrome"):
            found: Any = self._browser.driver.execute_script(READ_CONSOLE, script_args=[self._origin], sandbox="system")
        return [str(line) for line in found]
