"""The simulated adapter behaves as a real one: unplugged, closed, opened, never lying."""

import asyncio
import os
import time

import pytest
from soclab_collectors.errors import UnavailableError
from soclab_collectors.transports.serial_line import SerialLine
from soclab_simulators.wire.pty_port import PtyPort


@pytest.fixture
def port(tmp_path):
    port = PtyPort(tmp_path / "serial" / "by-id" / "usb-test")
    port.plug()
    yield port
    port.unplug()


def with_receiver(port, steps):
    """Run ``steps(line, received)`` beside a receiving device."""
    line, received = SerialLine(str(port.path), 115_200), []

    async def receive():
        while data := await port.receive():
            received.append(data)

    async def main():
        receiver = asyncio.create_task(receive())
        await steps(line, received)
        port.unplug()
        await asyncio.wait_for(receiver, 5)

    try:
        asyncio.run(main())
    finally:
        line.close()


async def until(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "nothing happened for 5 s"
        await asyncio.sleep(0.005)


def test_bytes_pass_both_ways(port):
    async def steps(line, received):
        line.open()
        await until(lambda: port.listening)
        await port.send(b"\x00\xff to the collector\n")
        assert line.read(100, 1.0) == b"\x00\xff to the collector\n"
        line.write(b"\x03\x13 to the device")
        await until(lambda: b"".join(received) == b"\x03\x13 to the device")

    with_receiver(port, steps)


def test_what_is_sent_to_a_closed_port_is_lost(port):
    async def steps(line, _received):
        await port.send(b"before anybody listened")
        line.open()
        await until(lambda: port.listening)
        assert line.read(100, 0.1) == b""
        await port.send(b"not read in time")
        line.close()
        await until(lambda: not port.connected)
        line.open()
        await until(lambda: port.openings == 2)
        assert line.read(100, 0.1) == b""

    with_receiver(port, steps)


def test_a_lossless_sender_waits_for_a_listener_and_for_room(port):
    data = os.urandom(300_000)

    async def steps(line, _received):
        sender = asyncio.create_task(port.send(data, lossless=True))
        await asyncio.sleep(0.05)
        line.open()
        got = b""
        while len(got) < len(data):
            got += await asyncio.to_thread(line.read, 4096, 1.0)
        await sender
        assert got == data

    with_receiver(port, steps)


def test_unplugging_fails_the_reader_and_replugging_mends_it(port):
    async def steps(line, _received):
        line.open()
        port.unplug()
        with pytest.raises(UnavailableError, match="is gone"):
            line.read(1, 1.0)
        with pytest.raises(UnavailableError, match="cannot open"):
            line.open()
        with pytest.raises(UnavailableError, match="is not open"):
            line.write(b"x")
        port.plug()
        line.open()
        await port.send(b"back")
        assert line.read(10, 1.0) == b"back"

    with_receiver(port, steps)


def test_a_port_has_one_reader(port):
    async def steps(line, _received):
        line.open()
        with pytest.raises(UnavailableError, match="exclusively lock"):
            SerialLine(str(port.path), 115_200).open()

    with_receiver(port, steps)
