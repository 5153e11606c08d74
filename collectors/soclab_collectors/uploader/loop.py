"""The upload loop: fill a batch, send it, do what the answer says."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from soclab_collectors import systemd
from soclab_collectors.errors import ConfigError
from soclab_collectors.logs import Outage
from soclab_collectors.spool.folder import adopt_orphans
from soclab_collectors.spool.segment import spool_folders
from soclab_collectors.uploader.backoff import Backoff
from soclab_collectors.uploader.isolate import NotStoredError, isolate
from soclab_collectors.uploader.lines import Refused, by_kind, split_lines
from soclab_collectors.uploader.source import Piece, Source
from soclab_collectors.uploader.verdict import Answer, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from soclab_collectors.clock import Clock
    from soclab_collectors.spool.boots import BootDates
    from soclab_collectors.uploader.archive import Archive
    from soclab_collectors.uploader.client import WriteClient
    from soclab_collectors.uploader.quarantine import Quarantine

_LOG = logging.getLogger(__name__)

POLL_S: Final = 0.5  # half of what a reading waits for its fsync by default
REFUSED_WAIT_S: Final = 60.0  # a person has to act: nothing is gained by asking more often
LOCAL_WAIT_S: Final = 5.0  # a full disk, a folder without permission
_LANES: Final = 2  # requests at once
_MESSAGE_CHARACTERS: Final = 300
# After a 413 batches grow again by this factor with each success: a proxy's limit is in bytes.
_REGROWTH: Final = 1.1


class Uploader:
    """Uploads what is in the spool, batch by batch.

    Parameters
    ----------
    directory
        The spool directory.
    batch_lines
        Most lines of one request.
    client, clock, boots, quarantine, archive
        What it works with.
    """

    def __init__(
        self,
        directory: Path,
        batch_lines: int,
        client: WriteClient,
        clock: Clock,
        boots: BootDates,
        quarantine: Quarantine,
        archive: Archive,
    ) -> None:
        self.uploaded_total = 0
        self.failed_total = 0
        self._directory = directory
        self._batch_lines = batch_lines
        self._room = float(batch_lines)
        self._client = client
        self._clock = clock
        self._boots = boots
        self._quarantine = quarantine
        self._archive = archive
        self._sources: dict[str, Source] = {}
        self._turn = 0
        self._lanes = ThreadPoolExecutor(_LANES, thread_name_prefix="upload")
        self._backoff = Backoff()
        self._server = Outage(_LOG)
        self._local = Outage(_LOG)
        self._folders: dict[str, Outage] = {}

    @property
    def up(self) -> bool:
        """Tell whether the server took what it was sent last."""
        return not self._server.lasts

    def greet(self) -> float:
        """Ask the server whether this token may write; return how long to wait before uploading."""
        answer = self._write(b"")
        if answer.verdict is Verdict.STORED:
            _LOG.info("the server takes data")
            return 0.0
        return self._failed(answer)

    def step(self) -> float:
        """Upload one batch; return how long to wait before the next."""
        try:
            requests = self._fill()
            if requests:
                self._send(requests)
        except NotStoredError as error:
            self._rewind()
            return self._failed(error.answer)
        except OSError as error:
            self._rewind()
            self._local.begin(f"the spool in {self._directory} is out of order: {error}")
            return LOCAL_WAIT_S
        self._local.end(f"the spool in {self._directory} is in order again")
        return 0.0 if requests else POLL_S

    def _fill(self) -> list[list[Piece]]:
        """Take lines for the next request, or for two at once if that many wait.

        No instrument is in both, so its lines stay in order; two, because one request keeps one
        core of the server busy. After a 413 there is one at a time, until it has its full size.
        """
        sources = self._look()
        room = int(self._room)
        lanes = _LANES if room == self._batch_lines else 1
        requests = [_take(sources[lane::lanes], room) for lane in range(lanes)]
        pieces = [piece for request in requests for piece in request]
        full = {piece.name for piece in pieces}
        for source in sources:
            if source.name not in full:
                source.confirm()  # segments without a line to send: dropped, or nothing but garbage
        if sum(piece.lines for piece in pieces) <= room:
            requests = [pieces]
        return [request for request in requests if request]

    def _look(self) -> list[Source]:
        """Return the sources that have something to send, starting with another one each time."""
        if self._clock.synced():
            self._boots.fix_present_boot()
        ready = []
        for folder in spool_folders(self._directory):
            outage = self._folders.setdefault(folder.name, Outage(_LOG))
            try:
                adopt_orphans(folder)
                source = self._source(folder)
                if source.refresh():
                    ready.append(source)
            except OSError as error:  # one folder must not hold up the others
                outage.begin(f"{folder.name}: nothing is uploaded of it: {error}")
            else:
                outage.end(f"{folder.name}: uploads go on")
        self._turn += 1
        first = self._turn % max(1, len(ready))
        return ready[first:] + ready[:first]

    def _source(self, folder: Path) -> Source:
        if folder.name not in self._sources:
            self._sources[folder.name] = Source(
                folder, self._boots, self._quarantine, self._archive
            )
        return self._sources[folder.name]

    def _send(self, requests: list[list[Piece]]) -> None:
        """Store a batch, except for lines that the server will never take.

        Raises
        ------
        NotStoredError
            If it must be sent again.
        """
        batch = [piece for request in requests for piece in request]
        lines = sum(piece.lines for piece in batch)
        payloads = [b"".join(piece.data for piece in request) for request in requests]
        answers = list(self._lanes.map(self._write, payloads))
        answer = next((a for a in answers if a.verdict is not Verdict.STORED), answers[0])
        if answer.verdict is Verdict.BAD_LINES:
            lines -= self._sort_out(batch)
        elif answer.verdict is Verdict.TOO_LARGE and lines == 1:
            reason = "413: this line alone is too large for the server"
            self._quarantine.add(batch[0].name, [Refused(batch[0].data.rstrip(b"\n"), reason)])
            lines = 0
        elif answer.verdict is not Verdict.STORED:
            if answer.verdict is Verdict.TOO_LARGE:
                self._room = max(1.0, lines / len(requests) / 2)
            raise NotStoredError(answer)
        for name in {piece.name for piece in batch}:
            self._sources[name].confirm()
        self.uploaded_total += lines
        self._room = min(float(self._batch_lines), self._room * _REGROWTH + 1)
        self._backoff.reset()
        self._server.end("the server takes data again")

    def _sort_out(self, batch: list[Piece]) -> int:
        """Store the good lines of a refused batch, quarantine the bad ones, return their number.

        Before any line is blamed the server must take an empty request: a proxy, or a port that
        expects TLS, answers 400 to everything.
        """
        healthy = self._write(b"")
        if healthy.verdict is not Verdict.STORED:
            raise NotStoredError(healthy)
        bad = 0
        for piece in batch:
            refused = isolate(by_kind(split_lines(piece.data)), self._write)
            self._quarantine.add(piece.name, refused)
            bad += len(refused)
        return bad

    def _write(self, lines: bytes) -> Answer:
        """Send one request; that it came to an end shows the service manager that we live."""
        answer = self._client.write(lines)
        systemd.notify("WATCHDOG=1")
        return answer

    def _rewind(self) -> None:
        for source in self._sources.values():
            source.rewind()

    def _failed(self, answer: Answer) -> float:
        """Log a failure once and return how long to wait."""
        if answer.verdict is Verdict.TOO_LARGE:
            _LOG.info("too much at once for the server: %d lines next", max(1, int(self._room)))
            return 0.0
        self.failed_total += 1
        what = f"{answer.status or ''} {answer.message[:_MESSAGE_CHARACTERS]}".strip()
        if answer.verdict in {Verdict.BUSY, Verdict.FAILED}:
            self._server.begin(f"no upload: {what}; everything waits in the spool")
            backoff_s = self._backoff.wait_s()
            return max(answer.retry_after_s or 0.0, backoff_s)
        try:
            self._client.reload_token()
        except ConfigError as error:
            what += f" ({error})"
        self._server.begin(
            f"the server refuses: {what}. {answer.remedy} Everything waits in the spool",
            kind=str(answer.status),
        )
        return REFUSED_WAIT_S


def _take(sources: list[Source], room: int) -> list[Piece]:
    """Take lines from all sources in turn, so that none waits for another's backlog."""
    share = max(1, room // max(1, len(sources)))
    pieces = []
    for quota in (share, room):  # what some leave of their share is for the others
        for source in sources:
            piece = source.take(min(quota, room))
            if piece.lines:
                pieces.append(piece)
                room -= piece.lines
    return pieces
