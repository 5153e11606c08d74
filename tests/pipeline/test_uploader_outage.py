"""An hour without the server: everything waits, is tried with patience, and arrives once."""

import shutil
import ssl
import subprocess
import time
from pathlib import Path

import pytest
from soclab_collectors.spool.segment import closed_segments, spool_folders
from soclab_collectors.uploader.backoff import LONGEST_WAIT_S
from soclab_collectors.uploader.main import main

from tests.pipeline.faulty_proxy import Fault, FaultyProxy
from tests.pipeline.influxd import free_port
from tests.pipeline.uploading import Bench, Program, wait_until, write_config

INSTRUMENTS = 8
HOUR_S = 3600


def waiting(directory: Path) -> int:
    """Return how many closed segments wait, but for the uploader's own."""
    folders = [f for f in spool_folders(directory) if f.name != "uploader"]
    return sum(len(closed_segments(folder)) for folder in folders)


def test_an_hour_of_eight_instruments_arrives_once(influxdb_factory, tmp_path, figure):
    """The hour's readings are real in number, written as fast as they go."""
    influxdb = influxdb_factory()
    bench = Bench(write_config(tmp_path, influxdb.url, influxdb.write_token_file))
    influxdb.kill()
    uploader = Program(bench.config_path)  # finds nobody and waits longer and longer
    for number in range(INSTRUMENTS):
        bodies = [f"battery,instrument=i{number} v={12 + s / 1000}" for s in range(HOUR_S)]
        bench.fill(f"i{number}", bodies)
    time.sleep(2)
    backlog = sum(f.stat().st_size for f in bench.directory.glob("i*/*"))
    assert waiting(bench.directory) >= INSTRUMENTS
    influxdb.start()
    drained_s = wait_until(lambda: waiting(bench.directory) == 0, 60, "the backlog is uploaded")
    lines = INSTRUMENTS * HOUR_S
    assert influxdb.count("raw", "battery", "v") == lines
    assert uploader.stop() == 0
    log = uploader.log.read_text()
    assert log.count("everything waits in the spool") == 1
    assert log.count("the server takes data again") == 1
    rows = influxdb.query(
        'from(bucket: "raw") |> range(start: -1h) |> filter(fn: (r) => r._measurement =='
        ' "collector" and r.instrument =~ /^uploader-/ and r._field == "spool_bytes") |> max()'
    )
    assert rows[0]["_value"] >= backlog  # it was to be seen in the data
    assert rows[0]["site"] == "lab"
    figure(
        f"1 h outage: {lines} lines of {INSTRUMENTS} instruments, {backlog / 1e6:.1f} MB,"
        f" stored {drained_s:.1f} s after the server was back (wait for the next try included)"
    )


def test_an_hour_of_tries_with_the_clock_of_the_backoff_compressed(influxdb, tmp_path, figure):
    """No waiting: the waits are added up instead, against a server that answers 503 and 502."""
    proxy = FaultyProxy(influxdb.url)
    bench = Bench(write_config(tmp_path, proxy.url, influxdb.write_token_file))
    bench.fill("a", [f"outage v={s}" for s in range(HOUR_S)])
    proxy.fault = lambda _: Fault(502 if len(proxy.requests) % 2 else 503)
    waited_s = 0.0
    tries = 0
    while waited_s < HOUR_S:
        wait_s = bench.uploader.step()
        assert 0 < wait_s <= LONGEST_WAIT_S
        waited_s += wait_s
        tries += 1
    assert 120 <= tries <= 500  # on average every half of the longest wait
    proxy.fault = lambda _: None
    bench.drain()
    proxy.close()
    assert influxdb.count("raw", "outage", "v") == HOUR_S
    figure(f"1 h outage, backoff: {tries} tries, none more than {LONGEST_WAIT_S:.0f} s apart")


def test_the_server_may_be_absent_when_the_uploader_starts_and_check_says_so(tmp_path, capsys):
    token_file = tmp_path / "token"
    token_file.touch(mode=0o600)
    token_file.write_text("some-token")
    config = write_config(tmp_path, f"http://127.0.0.1:{free_port()}", token_file)
    assert main(["check", "--config", str(config)]) == 69
    assert "Connection refused" in capsys.readouterr().err
    uploader = Program(config)
    wait_until(lambda: "everything waits" in uploader.log.read_text(), 10, "it says so")
    assert uploader.stop() == 0
    assert "some-token" not in uploader.log.read_text()


@pytest.mark.parametrize(
    ("change", "code"), [({}, 0), ({"bucket": "missing"}, 78), ({"bucket": "derived"}, 78)], ids=str
)
def test_check_tells_a_good_set_up_from_one_to_be_mended(influxdb, tmp_path, change, code):
    config = write_config(tmp_path, influxdb.url, influxdb.write_token_file, uploader=change)
    assert main(["check", "--config", str(config)]) == code


def test_https_with_an_authority_of_ones_own(influxd_program, influxdb_factory, tmp_path, capsys):
    """The right certificate is taken; any other is refused, and nothing is sent."""
    if shutil.which("openssl") is None:
        pytest.skip("reason: no openssl to make a certificate, remedy: apt install openssl")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=lab", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", "key.pem", "-out", "ca.pem"),
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    influxdb = influxdb_factory()
    influxdb.stop()
    influxdb._command += [f"--tls-cert={tmp_path}/ca.pem", f"--tls-key={tmp_path}/key.pem"]
    influxdb.start(wait=False)
    url = f"https://127.0.0.1:{influxdb.port}"
    wait_until(lambda: answers_tls(influxdb.port), 30, "influxd listens with TLS")
    trusted = {"ca_file": str(tmp_path / "ca.pem")}
    good = write_config(tmp_path, url, influxdb.write_token_file, uploader=trusted)
    assert main(["check", "--config", str(good)]) == 0
    bench = Bench(good)
    bench.fill("a", ["tls v=1"])
    bench.drain()
    untrusted = write_config(tmp_path, url, influxdb.write_token_file)
    capsys.readouterr()
    assert main(["check", "--config", str(untrusted)]) == 69
    assert "CERTIFICATE_VERIFY_FAILED" in capsys.readouterr().err
    plain = write_config(tmp_path, url.replace("https", "http"), influxdb.write_token_file)
    bench = Bench(plain)  # a port that expects TLS answers 400 to whatever it is sent
    bench.fill("a", ["tls v=2"])
    bench.uploader.step()
    assert bench.quarantine.entries("a") == []
    assert len(bench.segments("a")) == 1


def answers_tls(port: int) -> bool:
    try:
        ssl.get_server_certificate(("127.0.0.1", port), timeout=2)
    except OSError:
        return False
    return True
