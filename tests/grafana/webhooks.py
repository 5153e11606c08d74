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
    """Takes every POST, answers as Discord does, and keeps what came by its path.

    A message that names something in ``too_many`` is refused once, as one of too many.
    """

    def __init__(self) -> None:
        self.posts: dict[str, list[Json]] = {"/discord": [], "/watchdog": []}
        self.too_many: set[str] = set()
        hooks = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if refused := {name for name in hooks.too_many if name in body}:
                    hooks.too_many -= refused
                    self._answer(
                        429,
                        b'{"message": "You are being rate limited.",'
                        b' "retry_after": 0.5, "global": false}',
                    )
                    return
                hooks.posts[self.path].append(json.loads(body))
                self._answer(204)

            def _answer(self, status: int, content: bytes = b"") -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

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
