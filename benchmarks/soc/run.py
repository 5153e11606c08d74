"""Measure every method on every recording: ``python -m benchmarks.soc.run``.

Tables in the terminal, as CSV and Markdown; one figure a recording; how fast it is, beside a peer.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from concurrent import futures
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from soclab_services.recordings.load import Recording

    from benchmarks.soc.cases import Task

# Beside the checkout: recordings are no part of it.
DATA = Path(__file__).parents[3] / "shared" / "data" / "soc"


WARM_SAMPLES = 1000


class Row(NamedTuple):
    """One method on one recording."""

    family: str
    recording: str
    method: str
    rmse_pct: float
    max_after_48h_pct: float
    hours_to_5_pct: float
    bias_error_a: float
    coverage_pct: float
    million_samples_per_s: float


def measure_task(task: Task, data: Path, out: Path, methods: Sequence[str]) -> list[Row]:
    """Run the methods on one recording and draw them."""
    from soclab_services.estimation.methods import METHODS  # noqa: PLC0415
    from soclab_services.estimation.metrics import measure  # noqa: PLC0415

    from benchmarks.soc.cases import prepare  # noqa: PLC0415  each process compiles for itself
    from benchmarks.soc.figure import draw  # noqa: PLC0415

    recording, model, meta, bias_a = prepare(task, data)
    name = "-".join(part for part in (task.name, str(task.seed or "")) if part)
    if task.family == "own battery":
        name = f"own-{meta.chem}-{name}"
    if task.family == "twin":
        name = f"twin-{name}-{task.step_s:g}s"
    rows, found = [], {}
    for method in methods:
        METHODS[method](_beginning(recording), model, meta)  # compiled now
        begun = time.thread_time()
        found[method] = METHODS[method](recording, model, meta)
        seconds = time.thread_time() - begun
        soc, sigma, bias, _ = found[method]
        metrics = measure(recording.time_s, 100.0 * soc, 100.0 * sigma, bias, 100.0 * recording.soc)
        rows.append(
            Row(
                f"{task.family} {meta.chem}",
                name,
                method,
                metrics.rmse_pct,
                metrics.max_after_48h_pct,
                metrics.hours_to_5_pct,
                metrics.final_bias_a - bias_a,
                100.0 * metrics.coverage_2_sigma,
                metrics.samples / seconds / 1e6,
            )
        )
    shown = {method: estimate for method, estimate in found.items() if method != "coulomb"}
    draw(recording, shown, name, out / f"{name}.png")
    return rows


def _beginning(recording: Recording) -> Recording:
    columns = (column[:WARM_SAMPLES] for column in recording[:6])
    return recording._replace(**dict(zip(recording._fields, columns, strict=False)))


def everywhere(
    work: partial[list[Row]], tasks: Sequence[Task], scheduler: str | None, jobs: int
) -> Iterator[list[Row]]:
    """Yield the rows of every task as they come, from this machine or a cluster."""
    if scheduler is not None:
        try:
            import distributed  # noqa: PLC0415  optional
        except ImportError as error:
            raise SystemExit(
                "--scheduler needs dask.distributed: pip install distributed"
            ) from error
        with distributed.Client(scheduler) as client:
            for future in distributed.as_completed(client.map(work, tasks)):
                yield future.result()
        return
    with futures.ProcessPoolExecutor(jobs) as pool:
        for future in futures.as_completed([pool.submit(work, task) for task in tasks]):
            yield future.result()


def as_markdown(rows: Iterable[Row]) -> str:
    """Return the table for the docs."""
    lines = [
        "| recording | method | RMSE / % | largest after 48 h / % | within 5 % after / h"
        " | bias error / A | within 2 sigma / % | million samples/s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.recording} | {row.method} | {row.rmse_pct:.2f} | {row.max_after_48h_pct:.2f}"
        f" | {row.hours_to_5_pct:.1f} | {row.bias_error_a:+.3f} | {row.coverage_pct:.1f}"
        f" | {row.million_samples_per_s:.1f} |"
        for row in rows
    ]
    return _dashes(lines)


def families(rows: Sequence[Row], method: str) -> str:
    """Return median and worst of one method in every family, as a table for the docs."""
    lines = [
        "| family | n | RMSE / % | largest after 48 h / % | within 5 % after / h | bias error / A"
        " | within 2 sigma / %, mean and least |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        _family_line(family, [row for row in rows if (row.family, row.method) == (family, method)])
        for family in sorted({row.family for row in rows})
    ]
    return _dashes(lines)


def _family_line(family: str, rows: Sequence[Row]) -> str:
    def both(column: str, digits: int) -> str:
        values = np.abs(np.array([getattr(row, column) for row in rows], dtype=np.float64))
        if np.isnan(values).all():
            return "-"
        # A recording that never settles is worse than any that does.
        worst = values.max() if column == "hours_to_5_pct" else np.nanmax(values)
        return f"{np.nanmedian(values):.{digits}f}, {worst:.{digits}f}"

    within = np.array([row.coverage_pct for row in rows])
    return (
        f"| {family} | {len(rows)} | {both('rmse_pct', 2)} | {both('max_after_48h_pct', 1)}"
        f" | {both('hours_to_5_pct', 1)} | {both('bias_error_a', 3)}"
        f" | {within.mean():.0f}, {within.min():.0f} |"
    )


def _dashes(lines: Iterable[str]) -> str:
    """Return lines of a table, with dashes for what is not known."""
    return "\n".join(lines).replace("+nan", "-").replace("nan", "-") + "\n"


def show(rows: Iterable[Row]) -> None:
    """Print the table."""
    table = Table(*Row._fields)
    for row in rows:
        table.add_row(*(f"{value:.2f}" if isinstance(value, float) else value for value in row))
    Console(width=150).print(table)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("SOCLAB_RECORDINGS", DATA))
    parser.add_argument("--out", type=Path, default=Path("build/soc"))
    parser.add_argument("--held-back", action="store_true", help="recordings made here as well")
    parser.add_argument("--methods", default="coulomb,ekf,spkf,smoother")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--scheduler", help="address of a dask scheduler")
    parser.add_argument("--no-speed", action="store_true", help="leave out how fast it is")
    given = parser.parse_args()

    from benchmarks.soc.cases import tasks  # noqa: PLC0415  quick --help
    from benchmarks.soc.speed import measured  # noqa: PLC0415  quick --help

    given.out.mkdir(parents=True, exist_ok=True)
    work = partial(measure_task, data=given.data, out=given.out, methods=given.methods.split(","))
    todo = tasks(given.data, held_back_too=given.held_back)
    rows: list[Row] = []
    for some in track(
        everywhere(work, todo, given.scheduler, given.jobs),
        description="measuring",
        total=len(todo),
    ):
        rows += some
    rows.sort(key=lambda row: (row.family, row.recording))
    show(rows)
    (given.out / "table.md").write_text(as_markdown(rows))
    (given.out / "families.md").write_text(families(rows, "ekf"))
    if not given.no_speed:  # alone, when no other process takes a core
        for speed in measured():
            print(speed)
    with (given.out / "table.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Row._fields)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
