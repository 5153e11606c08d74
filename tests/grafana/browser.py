"""Headless Chromium, told what to do over a pipe; for pictures of what people see."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT_S = 120.0  # on a busy machine
# Grafana shows neither spinner nor loading bar, and has drawn at least one panel.
DONE = """
(() => {
  const found = what => document.querySelectorAll(what).length;
  return found('[class*="panel-container"], [data-testid^="data-testid Panel header"]') > 0
    && !found('[aria-label="Panel loading bar"], [data-testid*="loading" i], .panel-loading')
    && !found('.preloader, [data-testid="Spinner"]');
})()
"""
ERRORS = """
[...document.querySelectorAll(
  '[data-testid*="Panel status error"], [aria-label="Panel status"], .panel-info-corner--error'
)].map(one => (one.closest('section, .panel-container') || one).innerText.split('\\n')[0])
"""
HEIGHT = """
Math.max(...[...document.querySelectorAll('*')].map(one => one.scrollHeight))
"""


def find_chromium() -> str | None:
    """Return the program, if there is one."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next(filter(None, map(shutil.which, names)), None)


def _pipe() -> tuple[int, int]:
    """Return a pipe whose ends are none of the numbers that Chromium wants."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 100) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


class Browser:
    """One window."""

    def __init__(self, program: str, folder: Path) -> None:
        to_read, self._write = _pipe()
        self._read, to_write = _pipe()
        command = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += ["--remote-debugging-pipe", f"--user-data-dir={folder}", "about:blank"]
        # Chromium reads from 3 and writes to 4, whatever these numbers are here.
        moved = f'exec 3<&{to_read} 4>&{to_write}; exec "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", moved, "chromium", *command],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._rest, self._number, self._session = b"", 0, ""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._call("Page.enable")

    def open(self, url: str, *, width: int, height: int) -> list[str]:
        """Show a page, wait until Grafana has drawn it; return the panels with errors."""
        self._resize(width, height)
        self._call("Page.navigate", url=url)
        self.wait(DONE)
        return self.ask(ERRORS)

    def fit(self, width: int) -> None:
        """Make the window as high as what it shows, so that nothing is left out."""
        self._resize(width, int(self.ask(HEIGHT)))
        self.wait(DONE)

    def wait(self, condition: str, *, settled_s: float = 3.0) -> None:
        """Wait until a condition has been true for some seconds."""
        deadline, since = time.monotonic() + TIMEOUT_S, None
        while time.monotonic() < deadline:
            if not self.ask(condition):
                since = None
            elif since is None:
                since = time.monotonic()
            elif time.monotonic() - since >= settled_s:
                return
            time.sleep(0.3)
        raise RuntimeError(f"the page did not come to rest within {TIMEOUT_S:g} s")

    def ask(self, script: str) -> Any:
        """Return what JavaScript makes of the page."""
        return self._call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get(
            "value"
        )

    def picture(self, file: Path) -> None:
        """Save what the window shows."""
        shot = self._call("Page.captureScreenshot", format="png")
        file.write_bytes(base64.b64decode(shot["data"]))

    def stop(self) -> None:
        """Close it."""
        self._process.terminate()
        self._process.wait(timeout=20)
        os.close(self._read)
        os.close(self._write)

    def _resize(self, width: int, height: int) -> None:
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the answer to one message; events in between are nobody's business."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            read = os.read(self._read, 1 << 20)
            if not read:
                raise RuntimeError("Chromium ended")
            self._rest += read
        first, self._rest = self._rest.split(b"\0", 1)
        return json.loads(first)
