"""A real influxd on a free loopback port, with data in a temporary folder; can be killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import urllib3
from influxdb_client import InfluxDBClient

VERSION = "2.7.12"
START_TIMEOUT_S = 60.0  # on a machine that runs other tests meanwhile
EVER = "range(start: 1970-01-01T00:00:00Z, stop: 2200-01-01T00:00:00Z)"


def find_influxd() -> Path | None:
    """Return the program: SOCLAB_INFLUXD, else PATH, else where `make setup` keeps it."""
    if named := os.environ.get("SOCLAB_INFLUXD"):
        return Path(named)
    if on_path := shutil.which("influxd"):
        return Path(on_path)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cached = cache / "soclab" / "influxdb" / VERSION / "influxd"
    return cached if cached.exists() else None


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Influxd:
    """One influxd with the buckets raw, rollup_1m and derived, set up over its API.

    Attributes
    ----------
    url, org, admin_token
        How to reach it with every permission.
    write_token_file
        A file (mode 0600) with a token that may only write to bucket raw.
    process
        The running server, or None after ``kill``.
    """

    org = "soclab"
    admin_token = "test-operator-token"
    buckets = ("raw", "rollup_1m", "derived")

    def __init__(self, program: Path, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "influxd.log"
        self.write_token_file = folder / "write_token"
        self.process: subprocess.Popen[bytes] | None = None
        self._command = [
            str(program),
            f"--http-bind-address=127.0.0.1:{self.port}",
            f"--bolt-path={folder}/influxd.bolt",
            f"--sqlite-path={folder}/influxd.sqlite",
            f"--engine-path={folder}/engine",
            "--reporting-disabled",
            *options,
        ]
        if setpriv := shutil.which("setpriv"):  # dies with the test run, however that ends
            self._command[:0] = [setpriv, "--pdeathsig", "KILL"]
        self._http = urllib3.PoolManager(retries=False, timeout=10)
        folder.mkdir(parents=True, exist_ok=True)
        self.start()
        self._set_up()

    def start(self, *, wait: bool = True) -> None:
        """Start it on the same data and the same port as before."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log)
        if wait:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until it answers; raises with the tail of its log if it does not."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                break
            try:
                if self._http.request("GET", f"{self.url}/health").status == 200:
                    return
            except urllib3.exceptions.HTTPError:
                pass  # not listening yet
            time.sleep(0.05)
        tail = self.log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"influxd did not start; the end of {self.log}:\n{tail}")

    def kill(self) -> None:
        """Kill it as kill -9 does and wait until it is gone."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """End it in good order."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None

    def request(self, method: str, path: str, **json: object) -> dict:
        """Call its API with every permission; raises unless it answers with success."""
        answer = self._http.request(
            method,
            f"{self.url}{path}",
            headers={"Authorization": f"Token {self.admin_token}"},
            json=json or None,
        )
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.data!r}")
        return answer.json() if answer.data else {}

    def write(self, lines: str, bucket: str = "raw") -> None:
        """Write line protocol with every permission."""
        answer = self._http.request(
            "POST",
            f"{self.url}/api/v2/write?org={self.org}&bucket={bucket}",
            headers={"Authorization": f"Token {self.admin_token}"},
            body=lines.encode(),
        )
        if answer.status != 204:
            raise RuntimeError(f"write: {answer.status} {answer.data!r}")

    def query(self, flux: str) -> list[dict]:
        """Return the rows of a Flux query as dictionaries."""
        with InfluxDBClient(self.url, self.admin_token, org=self.org, timeout=120_000) as client:
            return [row.values for table in client.query_api().query(flux) for row in table]

    def query_csv(self, flux: str) -> urllib3.BaseHTTPResponse:
        """Return the answer to a Flux query as plain CSV, to be read: for many rows."""
        return self._http.request(
            "POST",
            f"{self.url}/api/v2/query?org={self.org}",
            headers={"Authorization": f"Token {self.admin_token}", "Accept": "text/csv"},
            json={"query": flux, "dialect": {"annotations": [], "header": True}},
            timeout=120,
            preload_content=False,
        )

    def count(self, bucket: str, measurement: str, field: str = "") -> int:
        """Return how many values are stored, of one field or of all."""
        only = f' and r._field == "{field}"' if field else ""
        rows = self.query(
            f'from(bucket: "{bucket}") |> {EVER}'
            f' |> filter(fn: (r) => r._measurement == "{measurement}"{only})'
            # grouping mixes types unless only the count of each series is left
            " |> count() |> group() |> sum()"
        )
        return int(rows[0]["_value"]) if rows else 0

    def write_token(self, bucket: str = "raw", *, status: str = "active") -> str:
        """Make a token that may only write to one bucket."""
        org_id = self.request("GET", f"/api/v2/orgs?org={self.org}")["orgs"][0]["id"]
        bucket_id = self.request("GET", f"/api/v2/buckets?name={bucket}")["buckets"][0]["id"]
        resource = {"type": "buckets", "id": bucket_id, "orgID": org_id}
        made = self.request(
            "POST",
            "/api/v2/authorizations",
            orgID=org_id,
            description=f"write to {bucket}",
            status=status,
            permissions=[{"action": "write", "resource": resource}],
        )
        return str(made["token"])

    def _set_up(self) -> None:
        self.request(
            "POST",
            "/api/v2/setup",
            username="admin",
            password="a-password-for-tests",
            org=self.org,
            bucket="raw",
            token=self.admin_token,
        )
        org_id = self.request("GET", f"/api/v2/orgs?org={self.org}")["orgs"][0]["id"]
        for bucket in self.buckets[1:]:
            self.request("POST", "/api/v2/buckets", orgID=org_id, name=bucket)
        self.write_token_file.touch(mode=0o600)
        self.write_token_file.write_text(self.write_token())
