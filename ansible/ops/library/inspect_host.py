#!/usr/bin/python
"""Looks a host of the lab over, changes nothing, and says what to do about what is wrong."""

from __future__ import annotations

import csv
import ctypes
import json
import re
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: inspect_host
short_description: Look a host of the lab over
description:
  - Reports units, clock, disks, certificates, backlog, tasks, backups and data. Changes nothing.
options:
  units:
    description: Units that must be active, beside every enabled one that belongs to the lab.
    type: list
    elements: str
    default: []
  uploader:
    description: Whether readings wait here to be uploaded.
    type: bool
    default: false
  server:
    description: Whether InfluxDB with its tasks, backups and data is here.
    type: bool
    default: false
  url:
    description: Address of InfluxDB.
    type: str
    default: https://localhost:8086
  org:
    description: Organisation in InfluxDB.
    type: str
    default: soclab
  instruments:
    description: Instruments whose readings must arrive.
    type: list
    elements: str
    default: []
  backlog_s:
    description: Readings may wait so long.
    type: int
    default: 300
  silence_s:
    description: An instrument may be silent so long.
    type: int
    default: 300
  disk_pct:
    description: A disk may be so full.
    type: int
    default: 85
  certificate_days:
    description: A certificate must be valid so long.
    type: int
    default: 21
  backup_hours:
    description: The newest backup may be so old.
    type: int
    default: 36
author: soclab
"""

EXAMPLES = """
- name: Look at a Raspberry Pi
  inspect_host:
    uploader: true
"""

RETURN = """
checks:
  description: What was looked at, each with check, ok, found and remedy.
  type: list
  elements: dict
  returned: always
"""

OURS = re.compile(r"^(soclab-.+|influxdb|grafana-server|caddy|mosquitto)\.(service|timer|socket)$")
TLS = Path("/etc/soclab/tls")
TOKEN = Path("/etc/soclab/credentials/services_influxdb_token")
BACKUPS = Path("/var/lib/soclab/backups")
UPLOADER = "/opt/soclab/collectors/bin/soclab-uploader"
STA_UNSYNC = 0x0040  # of adjtimex(2): what the collectors go by
SECONDS_A_DAY = 86400


class Report:
    """What was found so far."""

    def __init__(self) -> None:
        self.checks: list[dict[str, Any]] = []

    def add(self, check: str, ok: bool, found: str, remedy: str = "") -> None:
        """Note one thing; the remedy counts only if it is not as it should be."""
        self.checks.append(
            {"check": check, "ok": ok, "found": found, "remedy": "" if ok else remedy}
        )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "units": {"type": "list", "elements": "str", "default": []},
            "uploader": {"type": "bool", "default": False},
            "server": {"type": "bool", "default": False},
            "url": {"type": "str", "default": "https://localhost:8086"},
            "org": {"type": "str", "default": "soclab"},
            "instruments": {"type": "list", "elements": "str", "default": []},
            "backlog_s": {"type": "int", "default": 300},
            "silence_s": {"type": "int", "default": 300},
            "disk_pct": {"type": "int", "default": 85},
            "certificate_days": {"type": "int", "default": 21},
            "backup_hours": {"type": "int", "default": 36},
        },
        supports_check_mode=True,
    )
    asked = module.params
    report = Report()
    units(report, asked["units"])
    clock(report)
    disks(report, asked["disk_pct"])
    certificates(report, asked["certificate_days"])
    if asked["uploader"]:
        backlog(report, asked["backlog_s"])
    if asked["server"]:
        database(report, asked)
        backups(report, asked["backup_hours"])
    module.exit_json(changed=False, checks=report.checks)


def run(*command: str) -> str:
    """Return what a program prints; nothing if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def units(report: Report, expected: list[str]) -> None:
    """Check that units of ours are active, expected ones are there, and none has failed."""
    listed = run("systemctl", "list-unit-files", "--state=enabled", "--no-legend", "--plain")
    loaded = run("systemctl", "list-units", "--all", "--no-legend", "--plain")
    names = {line.split()[0] for line in (listed + loaded).splitlines() if line.strip()}
    ours = {name for name in names if OURS.match(name) and "@." not in name}
    for name in sorted(ours | set(expected)):
        show = run(
            "systemctl", "show", name,
            "--property=LoadState,ActiveState,SubState,Type,Result,NRestarts,TriggeredBy",
        )  # fmt: skip
        state = dict(line.split("=", 1) for line in show.splitlines() if "=" in line)
        log = f"journalctl --unit {name} --lines 50"
        if state.get("LoadState") != "loaded":
            report.add(f"unit {name}", False, "is not there", "Run ansible/site.yml.")
        elif state["ActiveState"] == "active":
            restarts = int(state.get("NRestarts") or 0)
            report.add(f"unit {name}", True, "active" + (f", {restarts} restarts" * bool(restarts)))
        elif state["ActiveState"] == "failed" or not state.get("TriggeredBy"):
            if state.get("Type") == "oneshot" and state.get("Result") == "success":
                continue  # done, not dead
            found = f"{state['ActiveState']} ({state.get('Result', 'unknown')})"
            report.add(f"unit {name}", False, found, f"Look why: {log}")
    failed = run("systemctl", "list-units", "--state=failed", "--no-legend", "--plain")
    for line in failed.splitlines():
        name = line.split()[0]
        if not OURS.match(name):
            report.add(f"unit {name}", False, "failed", f"journalctl --unit {name} --lines 50")


def clock(report: Report) -> None:
    """Check that the kernel trusts its clock: until then readings wait without a date."""
    if run("systemd-detect-virt", "--container").strip():
        report.add("clock", True, "that of the machine this container runs on")
        return
    # Room for any struct timex; mode 0 asks only. The status is an int behind four longs.
    room = ctypes.create_string_buffer(512)
    ctypes.CDLL(None).adjtimex(room)
    longs = ctypes.sizeof(ctypes.c_long)
    status = ctypes.c_int.from_buffer(room, 5 * longs).value
    synchronised = not status & STA_UNSYNC
    report.add(
        "clock",
        synchronised,
        "synchronised" if synchronised else "not synchronised",
        "Look at chronyc sources; name reachable servers in base_ntp_servers.",
    )


def disks(report: Report, limit_pct: int) -> None:
    """Check that no disk is nearly full."""
    seen = set()
    for folder in ("/", "/var", "/var/lib/soclab", "/var/lib/influxdb"):
        if not Path(folder).exists() or Path(folder).stat().st_dev in seen:
            continue
        seen.add(Path(folder).stat().st_dev)
        usage = shutil.disk_usage(folder)
        used_pct = 100 * (1 - usage.free / usage.total)
        report.add(
            f"disk {folder}",
            used_pct < limit_pct,
            f"{used_pct:.0f} % used, {usage.free / 1e9:.1f} GB free",
            f"Make room on {folder}: apt clean, journalctl --vacuum-size=100M, old backups.",
        )


def certificates(report: Report, days: int) -> None:
    """Check that no certificate is about to expire."""
    for file in sorted(TLS.glob("*.crt")):
        until = run("openssl", "x509", "-noout", "-enddate", "-in", str(file)).strip()
        if not until:
            report.add(f"certificate {file.name}", False, "cannot be read", "Run ansible/site.yml.")
            continue
        end = ssl.cert_time_to_seconds(until.removeprefix("notAfter="))
        left = int((end - time.time()) // SECONDS_A_DAY)
        report.add(
            f"certificate {file.name}",
            left >= days,
            f"{left} days left",
            "Run ansible/site.yml, which renews it (a given one: replace the files it came from).",
        )


def backlog(report: Report, limit_s: int) -> None:
    """Check that readings are on their way, and none is refused or lacks a date."""
    said = run(UPLOADER, "status", "--json")
    if not said:
        report.add(
            "backlog", False, "unknown", f"Run {UPLOADER} status there and see why it fails."
        )
        return
    status = json.loads(said)
    waiting = status["instruments"]
    oldest = max((one["age_s"] for one in waiting.values()), default=0)
    size = sum(one["bytes"] for one in waiting.values())
    report.add(
        "backlog",
        oldest <= limit_s,
        f"{size / 1000:.1f} kB, the oldest for {oldest:.0f} s",
        f"Run {UPLOADER} check there: it says what the server answers.",
    )
    refused = sum(status["quarantine"].values())
    report.add(
        "quarantine",
        not refused,
        f"{refused} lines refused",
        f"Look why: {UPLOADER} quarantine list; when mended: {UPLOADER} quarantine retry.",
    )
    undated = status["undated_boots"]
    report.add(
        "dates",
        not undated,
        f"{len(undated)} boots without a date",
        f"If you know when the Pi was switched on: {UPLOADER} date BOOT_ID --started TIME.",
    )


class Influxdb:
    """The database, asked with the token of the services."""

    def __init__(self, url: str, org: str) -> None:
        self.url, self.org = url, org
        self.token = TOKEN.read_text(encoding="ascii").strip()
        authority = TLS / "authority.crt"
        self.tls = ssl.create_default_context(cafile=str(authority) if authority.exists() else None)

    def get(self, path: str) -> Any:
        """Return what it answers."""
        return json.loads(self._ask(path, None))

    def query(self, flux: str) -> list[dict[str, str]]:
        """Return the rows of a query."""
        question = {"query": flux, "dialect": {"annotations": []}}
        answer = self._ask(f"/api/v2/query?org={self.org}", json.dumps(question).encode())
        return list(csv.DictReader(line for line in answer.decode().splitlines() if line))

    def _ask(self, path: str, body: bytes | None) -> bytes:
        request = urllib.request.Request(  # noqa: S310  the inventory's own server
            self.url + path,
            data=body,
            headers={"Authorization": f"Token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30, context=self.tls) as answer:  # noqa: S310
            return bytes(answer.read())


def database(report: Report, asked: dict[str, Any]) -> None:
    """Check that the tasks run and every instrument is heard."""
    try:
        influxdb = Influxdb(asked["url"], asked["org"])
        tasks(report, influxdb)
        data(report, influxdb, asked["instruments"], asked["silence_s"])
    except (OSError, ValueError, KeyError) as error:
        remedy = "Look at journalctl --unit influxdb, then run ansible/site.yml."
        report.add("InfluxDB", False, str(error), remedy)


def tasks(report: Report, influxdb: Influxdb) -> None:
    """Check that the newest run of each task succeeded, and is not long ago."""
    found = influxdb.get(f"/api/v2/tasks?org={influxdb.org}&limit=100")["tasks"]
    if not found:
        report.add("tasks", False, "there are none", "Run ansible/site.yml.")
    for task in found:
        every_s = seconds(task.get("every", "1h"))
        runs = influxdb.get(f"/api/v2/tasks/{task['id']}/runs?limit=5").get("runs", [])
        ended = [one for one in runs if one.get("finishedAt")]
        name = f"task {task['name']}"
        remedy = f"Its log: soclab flux check; influx task log list --task-id {task['id']}"
        if task["status"] != "active":
            report.add(name, False, task["status"], "Run ansible/site.yml, which activates it.")
        elif not ended:
            created = moment(task["createdAt"])
            fresh = time.time() - created < 3 * every_s
            report.add(name, fresh, "has not run yet", remedy)
        else:
            last = max(ended, key=lambda one: str(one["finishedAt"]))
            ago = time.time() - moment(last["finishedAt"])
            ok = last["status"] == "success" and ago < 3 * every_s + 60
            report.add(name, ok, f"{last['status']} {ago:.0f} s ago", remedy)


def data(report: Report, influxdb: Influxdb, instruments: list[str], limit_s: int) -> None:
    """Check how old each instrument's newest reading is."""
    rows = influxdb.query(
        'from(bucket: "raw") |> range(start: -7d)'
        ' |> filter(fn: (r) => r._measurement != "collector" and exists r.instrument)'
        ' |> keep(columns: ["_time", "instrument"]) |> group(columns: ["instrument"])'
        ' |> max(column: "_time")'
    )
    newest = {row["instrument"]: moment(row["_time"]) for row in rows}
    for name in sorted(set(instruments) | set(newest)):
        unit = f"soclab-collector@{name}"
        remedy = f"On its Pi: journalctl --unit {unit} --lines 50"
        if name not in newest:
            report.add(f"data of {name}", False, "none for a week", remedy)
            continue
        ago = time.time() - newest[name]
        # one that was removed from the inventory falls silent by design
        ok = ago <= limit_s or name not in instruments
        gone = "" if name in instruments else ", not in the inventory"
        report.add(f"data of {name}", ok, f"newest {ago:.0f} s ago{gone}", remedy)


def backups(report: Report, hours: int) -> None:
    """Check how old the newest backup is; a new server need not have one."""
    found = [one for one in BACKUPS.glob("*") if (one / "SHA256SUMS").exists()]
    if not found:
        age_h = (time.time() - TOKEN.stat().st_mtime) / 3600 if TOKEN.exists() else hours
        remedy = "Run ansible/ops/backup.yml."
        report.add("backup", age_h < hours, "none yet", remedy)
        return
    newest = max(one.stat().st_mtime for one in found)
    age_h = (time.time() - newest) / 3600
    remedy = "Look at journalctl --unit soclab-influxdb-backup; run ansible/ops/backup.yml."
    report.add("backup", age_h < hours, f"{len(found)}, the newest {age_h:.1f} h old", remedy)


def moment(text: str) -> float:
    """Return the time of an RFC 3339 text, whose nanoseconds Python does not read."""
    short = re.sub(r"(\.\d{6})\d+", r"\1", text).replace("Z", "+00:00")
    return datetime.fromisoformat(short).astimezone(timezone.utc).timestamp()  # noqa: UP017


def seconds(every: str) -> float:
    """Return a Flux duration in seconds."""
    units_s = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    return sum(int(n) * units_s[u] for n, u in re.findall(r"(\d+)(ms|[smhdw])", every))


if __name__ == "__main__":
    main()
