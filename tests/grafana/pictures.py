"""Pictures of every dashboard of a lab with three days of data, for docs/grafana.

Run: GRAFANA_HOME=… .venv/bin/python -m tests.grafana.pictures docs/grafana

Needs Grafana with its web files, and Chromium. Instruments go on while pictures are taken, a day of
the virtual plant in a day. A second battery is low, after a first picture of a lab that is well.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from influxdb_client import InfluxDBClient
from PIL import Image
from soclab_services.flux.install import install

from tests.grafana.browser import Browser, find_chromium
from tests.grafana.conftest import grafanas_token
from tests.grafana.dashboards import dashboards
from tests.grafana.lab import (
    BATTERY,
    METHODS,
    SITE,
    TASK_TIMEOUT_S,
    Pace,
    config,
    instruments,
    run_task,
)
from tests.grafana.real_grafana import RealGrafana, find_grafana
from tests.grafana.webhooks import Webhooks, wait_for
from tests.pipeline.influxd import Influxd, find_influxd

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY_S = 86_400
DAYS = 3
PACE = Pace(every_s=10, stretch=144)  # the plant's day is ten minutes
WIDTH_PX, WALL_PX = 1600, 1000
COLOURS = 128  # of a picture: lines and words need no more, and files stay small
RANGES = {"overview": "now-24h", "battery": "now-3d", "instruments": "now-3d", "solar": "now-3d"}
FIRES_S = 300


def main() -> None:
    """Fill a server, start Grafana, take pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("to", type=Path)
    to = parser.parse_args().to
    to.mkdir(parents=True, exist_ok=True)
    grafana, influxd, chromium = find_grafana(), find_influxd(), find_chromium()
    if not (grafana and influxd and chromium):
        raise SystemExit("reason: Grafana, influxd or Chromium is missing, remedy: install it")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server, webhooks = Influxd(influxd, folder / "influxd"), Webhooks()
        feed = Feed(server)
        command, home = grafana
        running = RealGrafana(
            command,
            home,
            folder / "grafana",
            server,
            grafanas_token(server),
            webhooks.url,
            without_login=True,
        )
        browser = Browser(chromium, folder / "chromium")
        try:
            take(running, browser, feed, to)
        finally:
            browser.stop()
            running.stop()
            feed.stop()
            server.stop()


def take(grafana: RealGrafana, browser: Browser, feed: Feed, to: Path) -> None:
    """Take a picture of a lab that is well, make a battery low, take all others."""
    shoot(
        grafana, browser, "/d/soclab-overview?kiosk&from=now-24h&to=now", to / "overview-fine.png"
    )
    feed.low = True
    wait_for("an alert that fires", lambda: firing(grafana), FIRES_S)
    for name, made in dashboards().items():
        since = RANGES.get(name, "now-6h")
        address = f"/d/{made['uid']}?kiosk&from={since}&to=now&var-battery={BATTERY}"
        if name == "overview":
            address = address.replace(f"&var-battery={BATTERY}", "")
        shoot(grafana, browser, address, to / f"{name}.png", whole=name != "overview")
    shoot(grafana, browser, "/alerting/list", to / "rules.png", whole=True)


def shoot(
    grafana: RealGrafana, browser: Browser, address: str, file: Path, *, whole: bool = False
) -> None:
    """Take one picture, of all that can be scrolled to if it is to be whole."""
    wrong = browser.open(grafana.url + address, width=WIDTH_PX, height=WALL_PX)
    if whole:
        browser.fit(WIDTH_PX)
    browser.picture(file)
    with Image.open(file) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    print(f"{file}: {file.stat().st_size / 1000:.0f} kB; panels with errors: {wrong or 'none'}")


def firing(grafana: RealGrafana) -> bool:
    """Return whether the low battery's alert fires."""
    alerts = grafana.get("/api/prometheus/grafana/api/v1/alerts")["data"]["alerts"]
    return any(
        one["labels"].get("battery") == "shed" and one["state"].startswith(("firing", "Alerting"))
        for one in alerts
    )


class Feed(threading.Thread):
    """Three days of a lab, and then its present, reading by reading."""

    def __init__(self, server: Influxd) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._ended = threading.Event()
        self.low = False
        """Whether there is a second battery, which is nearly empty."""
        now_s = int(time.time()) // PACE.every_s * PACE.every_s
        self._begin_s = now_s - DAYS * DAY_S
        self._steps = instruments(self._begin_s, PACE)
        self._step = 0
        self._catch_up()
        with InfluxDBClient(
            server.url, server.admin_token, org=server.org, timeout=TASK_TIMEOUT_S * 1000
        ) as client:
            install(client, config(PACE, every_s=PACE.every_s))
        for task in server.request("GET", "/api/v2/tasks")["tasks"]:
            for _ in range(DAYS + 1):  # each run catches up a day
                run_task(server, task["id"])
        self._others(self._begin_s)
        self.start()

    def run(self) -> None:
        """Go on with the time."""
        while not self._ended.wait(1.0):
            if self._catch_up():
                self._others(time.time() - 120)

    def stop(self) -> None:
        """End."""
        self._ended.set()
        self.join()

    def _catch_up(self) -> bool:
        due = int(time.time() - self._begin_s) // PACE.every_s
        new = due - self._step
        while self._step < due:
            some = min(due - self._step, 1000)
            lines = [line for step in islice(self._steps, some) for line in step]
            self._server.write("\n".join(lines))
            self._step += some
        return new > 0

    def _others(self, since_s: float) -> None:
        """Write what no unit computes here: other methods, a battery that is low."""
        rows = list(_methods(self._server, since_s))
        if self.low:
            now_s = int(time.time())
            rows += [
                f"soc,site={SITE},battery=shed,method=coulomb soc_pct={18 - n / 200:g},"
                f"charge_ah={12.6 - n / 300:g},sigma_pct=2.1,observed_s={200000 + n * 10},"
                f"unobserved_s=0 {now_s - 7200 + n * 10}000000000"
                for n in range(720)
            ]
        if rows:
            self._server.write("\n".join(rows), "derived")


def _methods(server: Influxd, since_s: float) -> Iterator[str]:
    """Yield rows of filters: near the counter's, as filters are, and surer of themselves."""
    counted = server.query(
        f'from(bucket: "derived") |> range(start: {int(since_s)})'
        ' |> filter(fn: (r) => r._measurement == "soc" and r._field == "soc_pct"'
        f' and r.method == "coulomb" and r.battery == "{BATTERY}")'
        " |> aggregateWindow(every: 1m, fn: last, createEmpty: false)"
    )
    for row in counted:
        at_s = int(row["_time"].timestamp())
        for place, method in enumerate(METHODS[:2]):
            off = (1.5 - place) * (0.5 + (at_s % DAY_S) / DAY_S)
            soc = min(max(row["_value"] + off, 0.0), 100.0)
            yield (
                f"soc,site={SITE},battery={BATTERY},method={method} soc_pct={soc:.3f},"
                f"charge_ah={soc * 0.72:.3f},sigma_pct={1.2 + place} {at_s}000000000"
            )


if __name__ == "__main__":
    main()
