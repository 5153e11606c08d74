"""Flux tasks at moments of one's choice, and samples written for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import urllib3
from soclab_services.flux.render import render

if TYPE_CHECKING:
    from soclab_services.config.model import BatteryConfig, Config
    from soclab_services.estimation.coulomb import Samples

    from tests.pipeline.influxd import Influxd

NS_PER_S = 1_000_000_000
BATCH = 20_000


def iso(time_ns: int) -> str:
    """Return a time as Flux and people write it."""
    return datetime.fromtimestamp(time_ns / NS_PER_S, UTC).isoformat().replace("+00:00", "Z")


def run_at(server: Influxd, config: Config, name: str, now_ns: int) -> None:
    """Run a task as InfluxDB would do at that moment."""
    flux = next(task.flux for task in render(config) if task.name == name)
    pinned = flux.replace("option task", f"option now = () => {iso(now_ns)}\noption task", 1)
    answer = urllib3.request(
        "POST",
        f"{server.url}/api/v2/query?org={server.org}",
        json={"query": pinned, "type": "flux"},
        headers={"Authorization": f"Token {server.admin_token}"},
        timeout=300,
    )
    # An error after the first row comes as a row of its own, with status 200.
    if answer.status != 200 or b"#datatype,string,string\r\n" in answer.data:
        raise RuntimeError(f"{name} failed: {answer.status} {answer.data[-1000:]!r}")


def write_samples(server: Influxd, battery: BatteryConfig, samples: Samples) -> None:
    """Store samples as its instrument would."""
    tags = f"battery={battery.name},instrument={battery.instrument},site={battery.site}"
    columns = [samples.time_ns.tolist(), samples.current_a.tolist(), samples.voltage_v.tolist()]
    lines = [
        f"battery,{tags} current_a={current!r}"
        + (f",voltage_v={voltage!r}" if voltage == voltage else "")  # noqa: PLR0124  not NaN
        + f" {time_ns}"
        for time_ns, current, voltage in zip(*columns, strict=True)
    ]
    if samples.charger_state is not None:
        known = ~np.isnan(samples.charger_state)
        lines += [
            f"charger,{tags} state={state!r} {time_ns}"
            for time_ns, state in zip(
                samples.time_ns[known].tolist(), samples.charger_state[known].tolist(), strict=True
            )
        ]
    for start in range(0, len(lines), BATCH):
        server.write("\n".join(lines[start : start + BATCH]))


def stored_rows(server: Influxd, battery: str) -> dict[int, dict[str, Any]]:
    """Return every row of the Coulomb counter by its time in ns.

    By InfluxQL, which answers with a row per point where Flux has one per value.
    """
    answer = urllib3.request(
        "GET",
        f"{server.url}/query",
        fields={
            "db": "derived",
            "epoch": "ns",
            "q": f"SELECT * FROM soc WHERE battery = '{battery}' AND method = 'coulomb'",  # noqa: S608  a name of ours
        },
        headers={"Authorization": f"Token {server.admin_token}"},
    )
    found = answer.json()["results"][0].get("series", [])
    rows = [dict(zip(s["columns"], v, strict=True)) for s in found for v in s["values"]]
    return {row["time"]: row for row in rows}
