"""Draws the live view: one panel that fits 80 by 24 and uses more if there is more."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.box import ROUNDED
from rich.console import Group
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from soclab_simulators.demo.picture import InstrumentLine, Picture, SocLine

TRUE: Final = "green"
METHOD: Final = "bright_cyan"
QUIET: Final = "bright_black"
_STALE_S: Final = 5.0  # a reading this old is shown as such: instruments report every second
_BASE_ROWS: Final = 22  # what everything but the history takes
_TALLEST_HISTORY: Final = 14
_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"


def draw(picture: Picture, width: int, height: int) -> RenderableType:
    """Return the view for a terminal of this size."""
    inner = width - 4
    parts: list[RenderableType] = [_instruments(picture.instruments)]
    parts += [_rule("state of charge"), *_soc(picture, inner)]
    spare = height - _BASE_ROWS
    if spare >= 4 and picture.history:
        parts += [Text(), *_history(picture.history, inner, min(spare - 1, _TALLEST_HISTORY))]
    parts += [_rule("pipeline"), _pipeline(picture)]
    elapsed = clock(picture.elapsed_s)
    if picture.limit_s is not None:
        elapsed += f" of {clock(picture.limit_s)}"
    return Panel(
        Group(*parts),
        box=ROUNDED,
        border_style=QUIET,
        title=Text.assemble((" soclab demo ", "bold"), (f"· {picture.source} ", QUIET)),
        title_align="left",
        subtitle=Text(f" {elapsed} · Ctrl-C stops everything ", style=QUIET),
        subtitle_align="right",
        padding=(0, 1),
        width=width,
    )


def clock(seconds: float) -> str:
    """Return minutes and seconds, such as ``1:05``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def size(count: int) -> str:
    """Return a number of bytes in a unit that fits."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"


def _rule(title: str) -> RenderableType:
    return Rule(Text(title, style=QUIET), align="left", style=QUIET)


def _instruments(lines: Sequence[InstrumentLine]) -> RenderableType:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style=QUIET, pad_edge=False)
    table.add_column("", width=1)
    table.add_column("instrument", no_wrap=True)
    table.add_column("last reading", ratio=1)
    table.add_column("age", justify="right", no_wrap=True)
    table.add_column("waiting", justify="right", no_wrap=True)
    for line in lines:
        fresh = line.age_s is not None and line.age_s < _STALE_S
        age = "" if line.age_s is None else f"{max(line.age_s, 0.0):.1f} s"
        table.add_row(
            Text("●", style="green" if fresh else "yellow"),
            Text.assemble((line.name, "bold"), (f"\n{line.device}", QUIET)),
            line.reading or Text("nothing yet", style=QUIET),
            Text(age, style="" if fresh else "yellow"),
            Text(size(line.backlog_bytes), style=QUIET),
        )
    return table


def _soc(picture: Picture, width: int) -> list[RenderableType]:
    # Label, the bar, "100.0 %", "± 10.00", "error -10.00": what is left over is the bar's.
    bar = max(width - 9 - 8 - 9 - 15, 10)
    lines: list[RenderableType] = []
    if picture.true_pct is not None:
        lines.append(
            Text.assemble(
                (f"{'truth':<9}", TRUE),
                _bar(picture.true_pct, 0.0, bar, TRUE),
                (f"{picture.true_pct:6.1f} %", "bold"),
            )
        )
    lines += [_soc_line(line, bar) for line in picture.soc]
    if not picture.soc:
        lines.append(Text("no state of charge yet: the Flux task has to run first", style=QUIET))
    return lines


def _soc_line(line: SocLine, bar: int) -> RenderableType:
    error = "" if line.error_pct is None else f"   error {line.error_pct:+.2f}"
    return Text.assemble(
        (f"{line.method:<9}", METHOD),
        _bar(line.soc_pct, line.sigma_pct, bar, METHOD),
        (f"{line.soc_pct:6.1f} %", "bold"),
        f" ± {line.sigma_pct:.2f}".ljust(9),
        (error, QUIET),
        no_wrap=True,
    )


def _bar(value_pct: float, sigma_pct: float, width: int, style: str) -> Text:
    """Return a bar whose end is shaded as far as one standard uncertainty reaches."""
    solid = round(max(value_pct - sigma_pct, 0.0) / 100 * width)
    shaded = round(min(value_pct + sigma_pct, 100.0) / 100 * width) - solid
    return Text.assemble(
        ("█" * solid, style), ("▒" * shaded, style), ("░" * (width - solid - shaded), QUIET)
    )


def _history(
    history: Sequence[tuple[float | None, float | None]], width: int, rows: int
) -> list[RenderableType]:
    """Return columns for the truth with a dot on each for what was computed, 0 to 100 %.

    A history longer than the view is wide is thinned out; its newest value always shows.
    """
    axis = 9
    every = math.ceil(len(history) / (width - axis))
    shown = history[(len(history) - 1) % every :: every]
    lines: list[RenderableType] = []
    for row in range(rows - 1, -1, -1):
        label = {rows - 1: "100 %", 0: "  0 %"}.get(row, "")
        text = Text(f"{label:<{axis}}", style=QUIET, no_wrap=True)
        for true_pct, computed_pct in shown:
            if computed_pct is not None and min(int(computed_pct / 100 * rows), rows - 1) == row:
                text.append("•", style=f"bold {METHOD}")
            else:
                filled = 0.0 if true_pct is None else true_pct / 100 * rows - row
                text.append(_EIGHTHS[round(min(max(filled, 0.0), 1.0) * 8)], style=f"dim {TRUE}")
        lines.append(text)
    return lines


def _pipeline(picture: Picture) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(style=QUIET, no_wrap=True)
    grid.add_column(ratio=1)
    stored = Text.assemble((f"{picture.stored:,}", "bold"), " readings")
    if picture.first_reading_s is not None:
        stored.append(f", the first {picture.first_reading_s:.1f} s after the start", style=QUIET)
    grid.add_row("stored", stored)
    p50, p99 = picture.latency_s.get("p50"), picture.latency_s.get("p99")
    latency = (
        Text("", style=QUIET)
        if p50 is None or p99 is None
        else Text.assemble(
            (f"{p50:.2f} s", "bold"),
            (" median, ", QUIET),
            (f"{p99:.2f} s", "bold"),
            (" for 99 % of them, from reading to stored", QUIET),
        )
    )
    grid.add_row("latency", latency)
    units = Text()
    for unit in picture.units:
        units.append("●\N{NO-BREAK SPACE}", style="green" if unit.fine else "red")
        units.append(unit.name)
        if unit.state != "running":
            units.append(f" {unit.state}", style="yellow" if unit.fine else "red")
        units.append("  ")
    grid.add_row("programs", units)
    grid.add_row("InfluxDB", Text(picture.url, style="underline"))
    grid.add_row("state", Text(_short(picture.root), style=QUIET) if picture.root else "")
    return grid


def _short(path: Path) -> str:
    """Return a path with the home folder as ``~``."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
