"""The demo's questions to InfluxDB while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

from influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from soclab_collectors.measurements import BUCKET_DERIVED, BUCKET_RAW
from soclab_services.influxdb.access import ORG
from urllib3.exceptions import HTTPError

from soclab_simulators.demo.soc_error import SocPoint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from types import TracebackType


class AwayError(Exception):
    """InfluxDB does not answer right now, or not with an answer."""


class LastReading(NamedTuple):
    """The last values of one measurement of one instrument."""

    time_s: float
    fields: Mapping[str, float]


class Influx:
    """Reads with the token that can do nothing else."""

    def __init__(self, url: str, token: str) -> None:
        self._client = InfluxDBClient(url, token=token, org=ORG, timeout=30_000)
        self._query = self._client.query_api()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    def last_readings(self, start: datetime, stop: datetime) -> dict[tuple[str, str], LastReading]:
        """Return the last reading by instrument and measurement, self-monitoring left out."""
        rows = self._rows(
            f"""from(bucket: "{BUCKET_RAW}")
            |> range(start: {start.isoformat()}, stop: {stop.isoformat()})
            |> filter(fn: (r) => r._measurement != "collector" and r._measurement != "event")
            |> last()
            |> keep(columns: ["_time", "_field", "_value", "instrument", "_measurement"])"""
        )
        found: dict[tuple[str, str], LastReading] = {}
        for row in rows:
            key = (row["instrument"], row["_measurement"])
            time_s = row["_time"].timestamp()
            known = found.get(key)
            if known is None or time_s > known.time_s:
                found[key] = LastReading(time_s, {row["_field"]: row["_value"]})
            elif time_s == known.time_s:
                found[key] = LastReading(time_s, {**known.fields, row["_field"]: row["_value"]})
        return found

    def soc(
        self, battery: str, start: datetime, stop: datetime, *, last: bool = False
    ) -> list[SocPoint]:
        """Return the state of charge by every method, all of it or each method's last."""
        rows = self._rows(
            f"""from(bucket: "{BUCKET_DERIVED}")
            |> range(start: {start.isoformat()}, stop: {stop.isoformat()})
            |> filter(fn: (r) => r._measurement == "soc" and r.battery == "{battery}")
            |> filter(fn: (r) => r._field == "soc_pct" or r._field == "sigma_pct")
            {"|> last()" if last else ""}
            |> keep(columns: ["_time", "_field", "_value", "method"])
            |> pivot(rowKey: ["_time", "method"], columnKey: ["_field"], valueColumn: "_value")"""
        )
        return [
            SocPoint(r["method"], r["_time"].timestamp(), r["soc_pct"], r["sigma_pct"])
            for r in rows
            if r.get("soc_pct") is not None and r.get("sigma_pct") is not None
        ]

    def _rows(self, flux: str) -> list[dict[str, Any]]:
        try:
            tables = self._query.query(flux)
        except (ApiException, HTTPError) as error:
            raise AwayError(str(error)) from error
        return [record.values for table in tables for record in table.records]
