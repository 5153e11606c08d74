"""Exchanges from the files in cases/: a new case is a new file.

A file holds ``[[exchange]]`` tables: what is called, the bytes that must be sent, the bytes that
come back, and what must be made of them (``expect``, ``fields`` or ``error`` with ``says``).
Transaction numbers of a file are relative: the answer's is as far off the request's as written.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest
from soclab_collectors import errors
from soclab_collectors.instruments.labjack_t7.command import CommandReader
from soclab_collectors.instruments.labjack_t7.device import identify
from soclab_collectors.instruments.labjack_t7.invalid import InvalidValues
from soclab_collectors.transports.t7_link import Register
from soclab_collectors.transports.t7_modbus import T7Modbus

from tests.protocol.labjack_t7.support import StepClock, t7_config

CASES = sorted((Path(__file__).parent / "cases").glob("*.toml"))
TIMEOUT_S = 0.3


class ScriptedDevice(threading.Thread):
    """Expects the requests of a case in order and answers as the case says."""

    def __init__(self, exchanges: list[dict[str, Any]]) -> None:
        super().__init__(daemon=True)
        self.steps = [step for exchange in exchanges for step in exchange["frames"]]
        self.wrong: list[str] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]

    def run(self) -> None:
        steps = iter(self.steps)
        step = next(steps, None)
        while step is not None:
            connection, _ = self._server.accept()
            with connection, contextlib.suppress(ConnectionError):
                while step is not None and (request := connection.recv(1024)):
                    go_on = self._answer(connection, request, step)
                    step = next(steps, None)
                    if not go_on:
                        break
                else:
                    continue

    def _answer(self, connection: socket.socket, request: bytes, step: dict[str, Any]) -> bool:
        expected = bytes.fromhex(step["request"])
        if request[2:] != expected[2:]:
            self.wrong.append(f"sent {request.hex(' ')} instead of {expected.hex(' ')}")
        response = bytes.fromhex(step.get("response", ""))
        if response:
            offset = int.from_bytes(response[:2], "big") - int.from_bytes(expected[:2], "big")
            number = (int.from_bytes(request[:2], "big") + offset) & 0xFFFF
            response = number.to_bytes(2, "big") + response[2:]
            connection.sendall(response)
        return not step.get("then_close", False)

    def close(self) -> None:
        self._server.close()


def perform(exchange: dict[str, Any], link: T7Modbus) -> dict[str, Any] | list[float]:
    call = exchange["call"]
    if call == "read":
        return list(link.read([Register(*register) for register in exchange["registers"]]))
    if call == "write":
        link.write(Register(*exchange["register"]), exchange["value"])
        return []
    if call == "identify":
        return identify(link)._asdict()
    reader = CommandReader(link, t7_config().channels, StepClock(), InvalidValues())
    (reading,) = reader.read()
    return dict(reading.fields)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_exchange(path: Path) -> None:
    exchanges = tomllib.loads(path.read_text(encoding="utf-8"))["exchange"]
    device = ScriptedDevice(exchanges)
    device.start()
    link = T7Modbus("127.0.0.1", device.port, 1, TIMEOUT_S)
    try:
        for exchange in exchanges:
            if "error" in exchange:
                kind = getattr(errors, exchange["error"])
                with pytest.raises(kind, match=exchange["says"]):
                    perform(exchange, link)
            else:
                expected = exchange["expect"]
                if exchange["call"] != "identify":  # there are words in it
                    expected = pytest.approx(expected, rel=1e-6)
                assert perform(exchange, link) == expected
        device.join(5)
        assert not device.is_alive(), "not every request of the case was sent"
        assert not device.wrong
    finally:
        link.close()
        device.close()
