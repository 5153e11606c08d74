"""The program ``soclab-uploader`` as people, scripts and the service manager meet it."""

import json
import os
import socket
import time
from pathlib import Path

from soclab_collectors.reading import Stamp
from soclab_collectors.spool import SpoolWriter
from soclab_collectors.uploader.main import main

from tests.pipeline.uploading import Bench, Program, wait_until, write_config


def test_refused_lines_are_listed_with_reasons_and_sent_again(influxdb, tmp_path, capsys):
    bench = Bench(write_config(tmp_path, influxdb.url, influxdb.write_token_file))
    config = ["--config", str(bench.config_path)]
    assert main(["quarantine", "list", *config]) == 0
    assert capsys.readouterr().out == "nothing in quarantine\n"
    bench.fill("bms", ["program v=1", "garbage", "program v=x"])
    bench.drain()
    assert main(["quarantine", "list", *config]) == 0
    shown = capsys.readouterr().out
    assert "bms: 1 lines: 400: unable to parse 'garbage" in shown
    assert main(["quarantine", "list", "--json", *config]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["line"].split()[0] for row in rows] == ["garbage", "program"]
    assert {row["instrument"] for row in rows} == {"bms"}
    assert main(["status", *config]) == 0
    assert "quarantine: 2 lines of bms" in capsys.readouterr().out
    assert main(["quarantine", "retry", "--json", *config]) == 0
    assert json.loads(capsys.readouterr().out) == {"bms": 2}
    assert main(["status", "--json", *config]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["instruments"]["bms"]["segments"] == 1
    assert status["quarantine"] == {"bms": 0}


def test_a_second_uploader_on_the_same_spool_is_refused(influxdb, tmp_path):
    config = write_config(tmp_path, influxdb.url, influxdb.write_token_file)
    first = Program(config)
    wait_until(lambda: "takes data" in first.log.read_text(), 10, "the first runs")
    second = Program(config)
    assert second.process.wait(timeout=20) == 78
    assert first.stop() == 0


def test_a_token_that_others_may_read_ends_it_with_the_remedy(influxdb, tmp_path, capsys):
    token_file = tmp_path / "token"
    token_file.write_text(influxdb.write_token_file.read_text())
    token_file.chmod(0o644)
    config = write_config(tmp_path, influxdb.url, token_file)
    for command in ("check", "run"):
        assert main([command, "--config", str(config)]) == 78
        assert f"chmod 600 {token_file}" in capsys.readouterr().err


def test_what_a_dead_collector_left_open_is_uploaded_and_a_living_one_is_left_alone(
    influxdb, tmp_path
):
    bench = Bench(
        write_config(tmp_path, influxdb.url, influxdb.write_token_file, spool={"fsync_s": 60})
    )
    (bench.directory / "dead").mkdir()
    (bench.directory / "dead/000000000003.lp.open").write_bytes(b"orphan v=1 5\norphan v=2")
    living = SpoolWriter(bench.directory / "living", bench.config.spool)
    living.append("orphan v=3", Stamp(6))
    bench.drain()
    assert influxdb.count("raw", "orphan") == 1
    assert list((bench.directory / "dead").iterdir()) == []
    living.append("orphan v=4", Stamp(7))
    living.close()
    bench.drain()
    assert influxdb.count("raw", "orphan") == 3


def test_the_service_manager_hears_of_it_and_its_token_is_nowhere_to_be_seen(
    influxdb, tmp_path, monkeypatch
):
    config = write_config(tmp_path, influxdb.url, influxdb.write_token_file)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        uploader = Program(config, "--verbose")
        heard = {manager.recv(100) for _ in range(4)}
        assert heard == {b"READY=1", b"WATCHDOG=1"}
        process = Path("/proc") / str(uploader.process.pid)
        token = influxdb.write_token_file.read_text()
        time.sleep(1.0)  # a row of its own is uploaded meanwhile
        for file in ("cmdline", "environ"):
            assert token.encode() not in (process / file).read_bytes()
        os.kill(uploader.process.pid, 15)
        while manager.recv(100) != b"STOPPING=1":
            pass
        assert uploader.process.wait(timeout=20) == 0
    log = uploader.log.read_text()
    assert "POST" in log  # it was verbose indeed
    assert token not in log
