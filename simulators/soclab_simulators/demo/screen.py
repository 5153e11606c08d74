"""Where a demo shows itself: a live view in a terminal, lines of text elsewhere."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Final, Protocol, Self

from rich.console import Console
from rich.live import Live

from soclab_simulators.demo.view import clock, draw

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from soclab_simulators.demo.picture import Picture

_LINE_EVERY_S: Final = 10.0


class Screen(Protocol):
    """Shows progress at any time, and pictures while it is entered."""

    def say(self, message: str) -> None:
        """Show a step."""

    def show(self, picture: Picture) -> None:
        """Show the present picture."""

    def __enter__(self) -> Self:
        """Begin the live view."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the live view."""


class LiveScreen:
    """The alternate screen of a terminal, so that its own contents come back.

    Parameters
    ----------
    export
        A file for the last picture, as SVG.
    """

    def __init__(self, export: Path | None = None) -> None:
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, screen=True, auto_refresh=False)
        self._export = export
        self._last: Picture | None = None

    def say(self, message: str) -> None:
        """Print a step."""
        self._console.print(f"[bright_black]·[/] {message}", highlight=False)

    def show(self, picture: Picture) -> None:
        """Replace the picture."""
        self._last = picture
        width, height = self._console.size
        self._live.update(draw(picture, width, height), refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()
        if self._last is None:
            return
        self._console.print(draw(self._last, self._console.width, self._console.height))
        if self._export:
            export_picture(self._last, self._export)


class LineScreen:
    """Lines on standard error, for logs and programs."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._next_line = 0.0

    def say(self, message: str) -> None:
        """Print a step."""
        self._console.print(message, markup=False, soft_wrap=True)

    def show(self, picture: Picture) -> None:
        """Print the essence of it every now and then."""
        if time.monotonic() < self._next_line:
            return
        self._next_line = time.monotonic() + _LINE_EVERY_S
        parts = [clock(picture.elapsed_s), f"{picture.stored} readings stored"]
        if picture.true_pct is not None:
            parts.append(f"true state of charge {picture.true_pct:.1f} %")
        parts += [f"{s.method} {s.soc_pct:.1f} ± {s.sigma_pct:.1f} %" for s in picture.soc]
        parts += [f"{u.name}: {u.state}" for u in picture.units if not u.fine]
        self.say(" · ".join(parts))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass


def export_picture(picture: Picture, path: Path) -> None:
    """Write the view as it would look in a terminal of 110 by 36."""
    width, height = 110, 36
    console = Console(
        width=width, height=height, record=True, file=io.StringIO(), color_system="truecolor"
    )
    console.print(draw(picture, width, height))
    console.save_svg(str(path), title="make demo")
