"""Where alerts go in tests: a server on loopback in place of Discord and of a dead-man service."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


class Webhooks:
    """Takes every POST, answers as Discord does, and keeps what came by its path."""

    def __init__(self) -> None:
        self.posts: dict[str, list[Json]] = {"/discord": [], "/watchdog": []}
        posts = self.posts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posts[self.path].append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def about(self, name: str) -> list[Json]:
        """Return the messages to Discord that name a battery or an instrument."""
        return [post for post in self.posts["/discord"] if name in json.dumps(post)]

    def stop(self) -> None:
        """Hear nothing more."""
        self._server.shutdown()


def wait_for(what: str, condition: Callable[[], Any], timeout_s: float) -> Any:
    """Return what a condition gives as soon as it is true of something."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(1.0)
    raise AssertionError(f"{what}: not within {timeout_s:g} s")
