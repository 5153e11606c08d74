"""Stream mode: packets of raw counts, sent unasked to whoever is connected to the stream port."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Final

import numpy as np

from soclab_simulators.labjack_t7.analog import AnalogInputs, Calibration, difference
from soclab_simulators.labjack_t7.registers import (
    NEGATIVE,
    STREAM_RATE,
    STREAM_SAMPLES,
    Registers,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_RECOVERY_END: Final = 2941


class Stream:
    """Samples the inputs at the configured rate; a slow reader makes it skip, as the device does.

    The source is asked once per packet; in between, volts change linearly.
    """

    def __init__(
        self,
        registers: Registers,
        inputs: AnalogInputs,
        send: Callable[[bytes], None],
        waiting: Callable[[], int],
        buffer_bytes: int,
    ) -> None:
        self._registers = registers
        self._inputs = inputs
        self._send = send
        self._waiting = waiting
        self._buffer_bytes = buffer_bytes
        self._task: asyncio.Task[None] | None = None
        self._packet_id = 0
        self._skipped = 0
        self._held = 0
        self.end_with = 0
        """Status with which the stream ends at the next packet."""

    def start(self) -> None:
        """Begin to send."""
        self._packet_id = self._skipped = self._held = 0
        self._task = asyncio.get_running_loop().create_task(self._run())

    def hold(self, scans: int) -> None:
        """Skip at least as many scans, as if nobody had read for so long."""
        self._held = scans

    def stop(self) -> None:
        """End without a word."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        registers = self._registers
        ains = [address // 2 for address in registers.scan_list()]
        negatives = [int(registers.number(NEGATIVE + ain, "H")) for ain in ains]
        constants = [Calibration.of_range(registers.range_v(ain)) for ain in ains]
        scans = int(registers.number(STREAM_SAMPLES, "I")) // len(ains)
        packet_s = scans / registers.number(STREAM_RATE, "f")
        loop = asyncio.get_running_loop()
        due = loop.time()
        before = self._inputs.volts()
        while True:
            due += packet_s
            await asyncio.sleep(max(0.0, due - loop.time()))
            now = self._inputs.volts()
            if self._held > 0 or self._waiting() > self._buffer_bytes:
                self._skipped += scans
                self._held -= scans
            else:
                counts = [
                    constant.counts(
                        np.linspace(
                            difference(before, ain, negative),
                            difference(now, ain, negative),
                            scans,
                            endpoint=False,
                        )
                        + self._inputs.noise(scans)
                    )
                    for ain, negative, constant in zip(ains, negatives, constants, strict=True)
                ]
                self._packet(np.column_stack(counts))
                if self.end_with:
                    self._registers.streaming = False
                    self.end_with = 0
                    return
            before = now

    def _packet(self, counts: np.ndarray) -> None:
        status, info = self.end_with, 0
        if self._skipped:
            status, info, self._skipped = _RECOVERY_END, self._skipped, 0
            marker = np.full((1, counts.shape[1]), 0xFFFF, dtype=np.uint16)
            counts = np.vstack([marker, counts[1:]])
            info = min(info + 1, 0xFFFF)  # the first scan made room for the marker
        data = counts.astype(">u2").tobytes()
        header = struct.pack(
            ">HHHBBBBHHH",
            self._packet_id,
            0,
            10 + len(data),
            1,
            76,
            16,
            0,
            min(self._waiting(), 0xFFFF),
            status,
            info,
        )
        self._packet_id = (self._packet_id + 1) & 0xFFFF
        self._send(header + data)
