"""A test double: an HTTP proxy before the real influxd that answers what a test wants instead."""

from __future__ import annotations

import gzip
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import urllib3

if TYPE_CHECKING:
    from collections.abc import Mapping


class Fault(NamedTuple):
    """An answer in place of influxd's. Status 0 cuts the connection."""

    status: int
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""
    after_forwarding: bool = False


class FaultyProxy:
    """Forwards to ``target`` unless ``fault(lines)`` returns a Fault for the request's lines."""

    def __init__(self, target: str) -> None:
        self.fault = lambda _: None
        self.requests: list[tuple[float, int]] = []  # when, and with how many lines
        forward = urllib3.PoolManager(retries=False)
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                lines = gzip.decompress(body).splitlines()
                proxy.requests.append((time.monotonic(), len(lines)))
                fault = proxy.fault(lines)
                if fault is None or fault.after_forwarding:
                    answer = forward.request(
                        "POST", target + self.path, body=body, headers=dict(self.headers)
                    )
                    if fault is None:
                        fault = Fault(answer.status, {}, answer.data)
                if fault.status == 0:
                    self.close_connection = True
                    return
                self.send_response_only(fault.status)  # no second Date
                for name, value in fault.headers.items():
                    self.send_header(name, value)
                if fault.status != 204:
                    self.send_header("Content-Length", str(len(fault.body)))
                self.end_headers()
                self.wfile.write(fault.body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
