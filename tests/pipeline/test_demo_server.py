"""The private InfluxDB of a demo: set up once, kept, and with tokens that can do no more."""

import subprocess
import time

import pytest
import urllib3
from soclab_services.influxdb.access import BUCKETS, ORG, TOKENS
from soclab_services.influxdb.errors import InfluxdbError
from soclab_services.influxdb.onboarding import is_ready, set_up
from soclab_services.influxdb.server import Server


@pytest.fixture
def serve(influxd_program, tmp_path):
    """Start a server in a folder; gives the server and its process."""
    running = []

    def serve(folder):
        server = Server(folder)
        with (tmp_path / "log").open("ab") as log:
            process = subprocess.Popen(server.command(influxd_program), stdout=log, stderr=log)
        running.append(process)
        while not is_ready(server.url):
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.05)
        return server, process

    yield serve
    for process in running:
        process.terminate()
        process.wait()


def write(server, token, bucket, line=b""):
    return urllib3.request(
        "POST",
        f"{server.url}/api/v2/write?org={ORG}&bucket={bucket}",
        body=line,
        headers={"Authorization": f"Token {token}"},
    ).status


def read(server, token, bucket):
    return urllib3.request(
        "GET",
        f"{server.url}/query",
        fields={"db": bucket, "q": "SELECT * FROM m"},
        headers={"Authorization": f"Token {token}"},
    ).json()


def test_tokens_can_do_what_they_are_for_and_no_more(serve, tmp_path):
    server, process = serve(tmp_path / "influxdb")
    set_up(server.url, server.secrets)
    secrets = {file.name: file.read_text() for file in server.secrets.iterdir()}
    assert {f.stat().st_mode & 0o777 for f in server.secrets.iterdir()} == {0o600}
    assert server.secrets.stat().st_mode & 0o777 == 0o700
    assert len(set(secrets.values())) == len(secrets)
    for name, allowed in TOKENS.items():
        for bucket in BUCKETS:
            may_write = "write" in allowed.get(bucket, ())
            assert write(server, secrets[name], bucket) == (204 if may_write else 403)
    assert write(server, secrets["write_token"], "raw", b"m v=1 1") == 204
    assert "series" in read(server, secrets["read_token"], "raw")["results"][0]
    assert "series" not in read(server, secrets["write_token"], "raw").get("results", [{}])[0]

    set_up(server.url, server.secrets)  # nothing is made twice
    assert {file.name: file.read_text() for file in server.secrets.iterdir()} == secrets
    process.terminate()
    process.wait()

    again, _ = serve(tmp_path / "influxdb")
    assert (again.port, again.is_new) == (server.port, False)
    set_up(again.url, again.secrets)
    assert "series" in read(again, secrets["read_token"], "raw")["results"][0]
    for path in ("metrics", "debug/pprof/"):
        assert urllib3.request("GET", f"{again.url}/{path}").status != 200


def test_a_server_of_somebody_else_is_not_touched(serve, tmp_path):
    server, _ = serve(tmp_path / "influxdb")
    set_up(server.url, tmp_path / "theirs")
    with pytest.raises(InfluxdbError, match="fresh state folder"):
        set_up(server.url, tmp_path / "ours")


def test_a_taken_port_is_left_alone(serve, tmp_path):
    first, _ = serve(tmp_path / "one")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "port").write_text(str(first.port))
    second, _ = serve(tmp_path / "two")
    assert second.port != first.port
