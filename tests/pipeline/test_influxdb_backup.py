"""Backups of a real server: made, verified, damaged, restored, rehearsed."""

import gzip
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import urllib3
from soclab_services.influxdb.backup.files import SUMS

from tests.pipeline.influxd import EVER, Influxd

SOCLAB = Path(sys.executable).with_name("soclab")
TASK = 'option task = {name: "t", every: 1h}\nfrom(bucket: "raw") |> range(start: -1m)'
WEEK_S = 604_800


@pytest.fixture(scope="module")
def server(influxd_program, tmp_path_factory):
    """One server with a few shards, a text field, retention and a task."""
    server = Influxd(influxd_program, tmp_path_factory.mktemp("influxdb"))
    server.write(
        "\n".join(f"battery,site=a voltage_v={n} {n * WEEK_S * 10**9}" for n in range(1, 6))
    )
    server.write('event text="hello" 5000000000')
    server.write("soc soc_pct=50,charge_ah=5 7000000000", bucket="derived")
    org_id = server.request("GET", "/api/v2/orgs")["orgs"][0]["id"]
    server.request("POST", "/api/v2/tasks", orgID=org_id, flux=TASK)
    server.request(
        "POST",
        "/api/v2/buckets",
        orgID=org_id,
        name="kept_a_day",
        retentionRules=[{"type": "expire", "everySeconds": 86_400}],
    )
    server.write("m f=1", bucket="kept_a_day")
    yield server
    server.stop()


@pytest.fixture
def soclab(server, tmp_path):
    """Return a function that runs ``soclab influxdb`` with one folder for backups."""
    token_file = tmp_path / "token"
    token_file.write_text(server.admin_token + "\n")

    def run(command, *arguments, url=server.url, check=True):
        options = [f"--directory={tmp_path / 'backups'}"] if command != "restore" else []
        if command == "backup":
            options.append(f"--token-file={token_file}")
        if command in {"backup", "restore"}:
            options.append(f"--url={url}")
        done = subprocess.run(
            [SOCLAB, "influxdb", command, *options, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


def make(soclab, *arguments):
    return json.loads(soclab("backup", "--json", *arguments).stdout)


def test_a_backup_is_verified_private_and_restored_whole(server, soclab, influxd_program, tmp_path):
    made = make(soclab)
    folder = Path(made["path"])
    assert folder.stat().st_mode & 0o77 == 0
    assert made["points"] >= 9  # raw 6, derived 2, kept_a_day 1, and InfluxDB's own
    assert made["shards"] >= 7
    sums = subprocess.run(["sha256sum", "--check", "--quiet", SUMS], cwd=folder, check=False)
    assert sums.returncode == 0
    assert "whole" in soclab("verify").stdout

    fresh = Influxd.__new__(Influxd)  # a server that nobody has set up
    fresh._set_up = lambda: None
    Influxd.__init__(fresh, influxd_program, tmp_path / "fresh")
    try:
        done = json.loads(soclab("restore", folder, "--json", url=fresh.url).stdout)
        restored = {one["bucket"]: one["restored"] for one in done["buckets"]}
        assert (restored["raw"], restored["derived"], restored["kept_a_day"]) == (6, 2, 1)
        # the tokens are those of the backup
        flux = f'from(bucket: "raw") |> {EVER} |> filter(fn: (r) => r._field == "voltage_v")'
        assert sorted(row["_value"] for row in fresh.query(flux)) == [1, 2, 3, 4, 5]
        assert [task["name"] for task in fresh.request("GET", "/api/v2/tasks")["tasks"]] == ["t"]
        old = server.write_token_file.read_text()
        answer = urllib3.request(
            "POST",
            f"{fresh.url}/api/v2/write?org={fresh.org}&bucket=raw",
            headers={"Authorization": f"Token {old}"},
            body=b"battery,site=a voltage_v=6",
        )
        assert answer.status == 204
        again = soclab("restore", folder, url=fresh.url, check=False)
        assert again.returncode != 0
        assert "has been set up already" in again.stderr
        assert fresh.count("raw", "battery") == 6  # and has lost nothing
    finally:
        fresh.stop()


def test_a_rehearsal_counts_in_a_server_of_its_own(soclab, tmp_path):
    make(soclab)
    done = json.loads(soclab("rehearse", "--json").stdout)
    counts = {one["bucket"]: (one["recorded"], one["restored"]) for one in done["buckets"]}
    assert counts["raw"] == (6, 6)
    assert done["tasks"] == 1
    assert done["tokens"] >= 2
    assert [path.name for path in (tmp_path / "backups").glob(".rehearsal*")] == []


def test_a_rehearsal_fails_if_points_are_missing(soclab):
    folder = Path(make(soclab)["path"])
    counts = folder / "counts.json"
    recorded = json.loads(counts.read_text())
    next(one for one in recorded if one["bucket"] == "raw")["points"] += 1
    counts.write_text(json.dumps(recorded))
    _sign(folder)
    done = soclab("rehearse", check=False)
    assert done.returncode != 0
    assert "raw has 6 of 7 points" in done.stderr


def _sign(folder):
    """Give damaged files good checksums, as if they had come so from the server."""
    files = [path.name for path in folder.iterdir() if path.name != SUMS]
    sums = subprocess.run(
        ["sha256sum", *files], cwd=folder, capture_output=True, text=True, check=True
    )
    (folder / SUMS).write_text(sums.stdout)


def _resize(folder, path):
    manifest = folder / f"{folder.name}.manifest"
    content = json.loads(manifest.read_text())
    for key in ("kv", "sql"):
        if content[key]["fileName"] == path.name:
            content[key]["size"] = path.stat().st_size
    manifest.write_text(json.dumps(content))


def _flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _halve(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _came_halved(folder, pattern):
    path = next(folder.glob(pattern))
    _halve(path)
    _resize(folder, path)
    _sign(folder)


def _came_as_text(folder):
    path = next(folder.glob("*.bolt.gz"))
    path.write_bytes(gzip.compress(b"<html>the proxy's login page</html>"))
    _resize(folder, path)
    _sign(folder)


DAMAGE = {
    "one bit of a shard": (lambda d: _flip(next(d.glob("*.tar.gz"))), "checksum differs"),
    "half a shard": (lambda d: _halve(next(d.glob("*.tar.gz"))), "has not its"),
    "a file gone": (lambda d: next(d.glob("*.tar.gz")).unlink(), "is missing"),
    "a file more": (lambda d: (d / "x.tar.gz").write_bytes(b""), "does not belong there"),
    "no checksums": (lambda d: (d / SUMS).unlink(), "no finished backup"),
    "came as half a file": (lambda d: _came_halved(d, "*.bolt.gz"), "cannot be read"),
    "came as something else": (_came_as_text, "cannot be read: no bolt database"),
    "came with a broken database": (lambda d: _came_halved(d, "*.sqlite.gz"), "cannot be read"),
}


@pytest.fixture(scope="module")
def one_backup(server, tmp_path_factory):
    token_file = tmp_path_factory.mktemp("token") / "token"
    token_file.write_text(server.admin_token)
    directory = tmp_path_factory.mktemp("backups")
    subprocess.run(
        [
            *(SOCLAB, "influxdb", "backup", f"--directory={directory}"),
            *(f"--url={server.url}", f"--token-file={token_file}"),
        ],
        check=True,
        capture_output=True,
    )
    return next(directory.glob("2*"))


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_not_whole_is_found(soclab, one_backup, tmp_path, damage):
    folder = tmp_path / one_backup.name
    subprocess.run(["cp", "-r", one_backup, folder], check=True)
    spoil, message = DAMAGE[damage]
    spoil(folder)
    done = soclab("verify", folder, check=False)
    assert done.returncode == 69
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_oldest_go_and_only_after_a_new_one_is_whole(server, soclab, tmp_path):
    names = [Path(make(soclab, "--keep=2")["path"]).name for _ in range(3)]
    assert sorted(names) == names
    there = sorted(path.name for path in (tmp_path / "backups").iterdir() if path.is_dir())
    assert there == names[1:]
    (tmp_path / "token").write_text("wrong")
    refused = soclab("backup", "--keep=1", check=False)
    assert refused.returncode == 69
    assert "operator token" in refused.stderr
    (tmp_path / "token").write_text(server.write_token())
    assert "operator token" in soclab("backup", "--keep=1", check=False).stderr
    away = soclab("backup", "--keep=1", url="http://127.0.0.1:9", check=False)
    assert "does not answer" in away.stderr
    assert sorted(path.name for path in (tmp_path / "backups").glob("2*")) == names[1:]
    assert list((tmp_path / "backups").glob(".unfinished/*")) == []


def test_what_is_written_meanwhile_does_no_harm(server, soclab):
    stop = threading.Event()

    def write():
        n = 0
        while not stop.wait(0.01):
            n += 1
            server.write(f"busy f={n}", bucket="rollup_1m")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        make(soclab)
    finally:
        stop.set()
        writer.join()
    soclab("rehearse")


def test_no_backup_is_said(soclab):
    for command in ("verify", "rehearse"):
        done = soclab(command, check=False)
        assert done.returncode == 69
        assert "there is no backup in" in done.stderr
