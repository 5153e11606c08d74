"""The reading loop: open the device, read it on time, spool what it says, survive its absence."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from soclab_collectors import systemd
from soclab_collectors.collector.reconnect import Backoff
from soclab_collectors.errors import BadReplyError, UnavailableError
from soclab_collectors.line_protocol import field_set, series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soclab_collectors.clock import Clock, Ticker
    from soclab_collectors.collector.health import Health
    from soclab_collectors.collector.stop import Stopper
    from soclab_collectors.instruments.base import Instrument
    from soclab_collectors.reading import Reading
    from soclab_collectors.spool import SpoolWriter

_LOG = logging.getLogger(__name__)

# So many bad replies in a row mean that the line is out of step: opening it anew helps.
BAD_REPLIES_BEFORE_REOPEN: Final = 10
BAD_REPLY_LOG_INTERVAL_S: Final = 60.0


class Unit:
    """Runs one instrument until it is asked to stop (raises StopUnit then).

    Parameters
    ----------
    instrument, clock, spool
        What to read, when it is, and where readings go.
    tags
        Tags of every reading: site, battery, instrument.
    health
        Counters to keep.
    stopper
        Where waiting may be interrupted.
    """

    def __init__(
        self,
        instrument: Instrument,
        clock: Clock,
        spool: SpoolWriter,
        tags: Mapping[str, str],
        health: Health,
        stopper: Stopper,
    ) -> None:
        self._instrument = instrument
        self._clock = clock
        self._spool = spool
        self._tags = tags
        self._health = health
        self._stopper = stopper
        self._series: dict[tuple[str, tuple[tuple[str, str], ...]], str] = {}
        self._bad_replies = 0
        self._next_bad_reply_log = 0.0

    def run(self) -> None:
        """Read until stopped, across any number of disconnections."""
        backoff = Backoff()
        ticker: Ticker | None = None
        while True:
            try:
                self._instrument.open()
                if ticker is None and self._instrument.interval_s is not None:
                    ticker = self._clock.ticker(self._instrument.interval_s)
                systemd.notify("READY=1")
                while True:
                    self._read_once(ticker)
                    if self._health.up:
                        backoff.reset()
            except (UnavailableError, BadReplyError) as error:
                self._health.went_down(str(error))
            finally:
                self._instrument.close()
            systemd.notify("READY=1\nWATCHDOG=1")  # a missing device is no reason to kill the unit
            with self._stopper.waiting():
                time.sleep(backoff.wait_s())

    def _read_once(self, ticker: Ticker | None) -> None:
        """Wait for the next reading and spool it.

        Raises
        ------
        UnavailableError
            If the device is gone.
        BadReplyError
            If it has answered badly so often that the connection should be opened anew.
        """
        with self._stopper.waiting():
            if ticker is not None:
                self._health.missed_total += ticker.wait()
        systemd.notify("WATCHDOG=1")
        started = time.monotonic()
        try:
            readings = self._instrument.read()
        except BadReplyError as error:
            self._note_bad_reply(error)
            return
        self._health.duration_s = time.monotonic() - started
        if readings:
            self._bad_replies = 0
            self._health.readings_total += len(readings)
            self._health.went_up()
            self._accept(readings)

    def _note_bad_reply(self, error: BadReplyError) -> None:
        self._health.errors_total += 1
        self._bad_replies += 1
        if self._bad_replies >= BAD_REPLIES_BEFORE_REOPEN:
            self._bad_replies = 0
            raise error
        if time.monotonic() >= self._next_bad_reply_log:
            self._next_bad_reply_log = time.monotonic() + BAD_REPLY_LOG_INTERVAL_S
            _LOG.warning(
                "%s: bad reply, nothing recorded: %s (%d errors so far)",
                self._tags["instrument"],
                error,
                self._health.errors_total,
            )

    def _accept(self, readings: Sequence[Reading]) -> None:
        self._spool.extend(
            [
                (f"{self._series_of(reading)} {fields}", reading.stamp)
                for reading in readings
                if (fields := field_set(reading.fields))
            ]
        )

    def _series_of(self, reading: Reading) -> str:
        """Return measurement and tags; they are few and escaping them each time is not free."""
        key = (reading.measurement, tuple(reading.tags.items()))
        known = self._series.get(key)
        if known is None:
            known = series(reading.measurement, {**self._tags, **reading.tags})
            self._series[key] = known
        return known
