"""Each answer of the server has its rule: held against the real one, and one that fails."""

import shutil
import time
from email.utils import formatdate

import pytest
from soclab_collectors.reading import Stamp
from soclab_collectors.uploader import loop
from soclab_collectors.uploader.backoff import FIRST_WAIT_S
from soclab_collectors.uploader.loop import REFUSED_WAIT_S
from soclab_collectors.uploader.verdict import LONGEST_RETRY_AFTER_S

from tests.pipeline.faulty_proxy import Fault, FaultyProxy
from tests.pipeline.uploading import START_NS, Bench, write_config


@pytest.fixture
def name(request):
    """Return a measurement of one's own in the shared server."""
    return "m" + "".join(c if c.isalnum() else "_" for c in request.node.name)


@pytest.fixture
def bench(influxdb, tmp_path):
    return Bench(write_config(tmp_path, influxdb.url, influxdb.write_token_file))


@pytest.fixture
def proxy(influxdb):
    proxy = FaultyProxy(influxdb.url)
    yield proxy
    proxy.close()


@pytest.fixture
def bench_behind_proxy(influxdb, proxy, tmp_path):
    return Bench(write_config(tmp_path, proxy.url, influxdb.write_token_file))


def values(influxdb, measurement, field="v"):
    rows = influxdb.query(
        f'from(bucket: "raw") |> range(start: 2000-01-01T00:00:00Z)'
        f' |> filter(fn: (r) => r._measurement == "{measurement}" and r._field == "{field}")'
        ' |> group() |> sort(columns: ["_time"])'
    )
    return [row["_value"] for row in rows]


def test_204_stores_and_deletes(bench, influxdb, name):
    bench.fill("a", [f"{name} v={i}" for i in range(12_000)])
    bench.fill("b", [f"{name}_b v={i}" for i in range(10)])
    bench.drain()
    assert values(influxdb, name) == list(range(12_000))
    assert values(influxdb, f"{name}_b") == list(range(10))
    assert bench.segments("a") == bench.segments("b") == []
    assert bench.uploader.uploaded_total == 12_010


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{name}", "400: unable to parse '{name}"),  # no fields
        ('{name} v="x', "400: unable to parse '{name} v=\"x 17"),  # swallows the line behind it
        ('{name} v="text"', "422: failure writing points to database: partial write: field type"),
        ("{name},t= v=1", "400: unable to parse"),
    ],
    ids=["syntax", "unbalanced quote", "type conflict", "empty tag"],
)
@pytest.mark.parametrize("where", [{0}, {17}, {99}, {3, 4, 50}], ids=str)
def test_400_and_422_quarantine_the_bad_lines_alone(bench, influxdb, name, bad, reason, where):
    influxdb.write(f"{name} v=-1 {START_NS - 1}")  # v is a float from now on, in this shard
    bodies = [bad.format(name=name) if i in where else f"{name} v={i}" for i in range(100)]
    bench.fill("a", bodies)
    bench.drain()
    assert values(influxdb, name) == [-1] + [i for i in range(100) if i not in where]
    kept = bench.quarantine.entries("a")
    assert [e.line.decode() for e in kept] == [
        f"{bodies[i]} {START_NS + i * 10**9}" for i in sorted(where)
    ]
    assert all(reason.format(name=name) in e.reason for e in kept)
    assert bench.segments("a") == []
    assert bench.uploader.uploaded_total == 100 - len(where)
    assert bench.quarantine.lines_total == len(where)


@pytest.mark.parametrize("bad", ["garbage", '{name} v="text"'], ids=["400", "422"])
def test_an_instrument_that_sends_nothing_but_bad_lines_costs_few_requests(
    bench_behind_proxy, proxy, influxdb, name, bad
):
    influxdb.write(f"{name} v=-1 {START_NS - 1}")
    bench_behind_proxy.fill("bad", [bad.format(name=name)] * 2_000)
    bench_behind_proxy.fill("good", [f"{name} v={i}" for i in range(2_000)])
    bench_behind_proxy.drain()
    assert len(values(influxdb, name)) == 2_001
    assert len(bench_behind_proxy.quarantine.entries("bad")) == 2_000
    assert bench_behind_proxy.quarantine.entries("good") == []
    assert len(proxy.requests) < 10


def test_a_field_of_the_wrong_type_among_good_ones_costs_few_requests(
    bench_behind_proxy, proxy, influxdb, name
):
    """As a device might after an update of its firmware: one of its values is a text now."""
    influxdb.write(f"{name} mode=1,v=-1 {START_NS - 1}")
    bodies = [body for i in range(1_000) for body in (f"{name} v={i}", f'{name} mode="on"')]
    bench_behind_proxy.fill("a", bodies)
    bench_behind_proxy.drain()
    assert values(influxdb, name) == [-1, *range(1_000)]
    assert len(bench_behind_proxy.quarantine.entries("a")) == 1_000
    assert len(proxy.requests) < 40


def test_a_new_segment_of_an_old_name_is_sent_from_its_start(bench, influxdb, name):
    """Numbers begin anew in an empty folder; what was sent of the old file says nothing of it."""
    segment = bench.directory / "a/000000000001.lp"
    segment.parent.mkdir()
    segment.write_text("".join(f"{name} v={i} {START_NS + i}\n" for i in range(6_000)))
    bench.uploader.step()  # 5000 of them
    segment.unlink()
    segment.write_text("".join(f"{name}_new v={i} {START_NS + i}\n" for i in range(6_000)))
    bench.drain()
    assert len(values(influxdb, f"{name}_new")) == 6_000


def test_lines_older_than_the_retention_are_quarantined_with_that_reason(influxdb, tmp_path, name):
    org_id = influxdb.request("GET", "/api/v2/orgs?org=soclab")["orgs"][0]["id"]
    rule = {"type": "expire", "everySeconds": 3600}
    influxdb.request("POST", "/api/v2/buckets", orgID=org_id, name="hour", retentionRules=[rule])
    token_file = tmp_path / "token"
    token_file.touch(mode=0o600)
    token_file.write_text(influxdb.write_token("hour"))
    bench = Bench(write_config(tmp_path, influxdb.url, token_file, uploader={"bucket": "hour"}))
    bench.fill("a", [f"{name} v={i}" for i in range(100)])
    bench.drain()
    assert len(bench.quarantine.entries("a")) == 100
    assert "outside retention policy" in bench.quarantine.entries("a")[0].reason


@pytest.mark.parametrize(
    ("wrong", "status", "remedy"),
    [
        ({"token": "wrong"}, 401, "check the token file"),
        ({"bucket": "derived"}, 403, "may not write to this bucket"),
        ({"bucket": "missing"}, 404, "check uploader.bucket"),
        ({"org": "missing"}, 404, "uploader.org"),
    ],
    ids=["401", "403", "404 bucket", "404 org"],
)
def test_refusals_keep_everything_say_what_to_fix_once_and_retry_slowly(
    influxdb, tmp_path, name, caplog, wrong, status, remedy
):
    token_file = tmp_path / "token"
    token_file.touch(mode=0o600)
    good = influxdb.write_token_file.read_text()
    token_file.write_text(wrong.get("token", good))
    changes = {k: v for k, v in wrong.items() if k != "token"}
    bench = Bench(write_config(tmp_path, influxdb.url, token_file, uploader=changes))
    bench.fill("a", [f"{name} v=1"])
    for _ in range(3):
        assert bench.uploader.step() == REFUSED_WAIT_S
    errors = [r.message for r in caplog.records if r.levelname == "ERROR"]
    assert len(errors) == 1
    assert str(status) in errors[0]
    assert remedy in errors[0]
    assert good not in caplog.text
    assert len(bench.segments("a")) == 1
    assert bench.uploader.failed_total == 3
    token_file.write_text(good)  # and the bucket exists and may be written to
    bench.config_path.write_text(write_config(tmp_path, influxdb.url, token_file).read_text())
    if "token" not in wrong:  # a token is read again by itself, a configuration is not
        bench = Bench(bench.config_path)
    bench.drain()
    assert values(influxdb, name) == [1]


def test_413_splits_and_a_line_that_is_too_large_alone_is_quarantined(
    bench_behind_proxy, proxy, influxdb, name
):
    proxy.fault = lambda lines: (
        Fault(413) if len(lines) > 70 or any(len(line) > 5_000 for line in lines) else None
    )
    large = f'{name} text="{"x" * 6_000}"'
    bench_behind_proxy.fill("a", [large if i == 500 else f"{name} v={i}" for i in range(1_000)])
    bench_behind_proxy.drain()
    assert values(influxdb, name) == [i for i in range(1_000) if i != 500]
    assert [e.line.decode() for e in bench_behind_proxy.quarantine.entries("a")] == [
        f"{large} {START_NS + 500 * 10**9}"
    ]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("headers", "expected_s"),
    [
        ({"Retry-After": "7"}, (7, 7)),
        (
            {"Retry-After": formatdate(1_000_020, usegmt=True), "Date": formatdate(1_000_000)},
            (20, 20),
        ),
        ({"Retry-After": "999999"}, (LONGEST_RETRY_AFTER_S, LONGEST_RETRY_AFTER_S)),
        ({"Retry-After": formatdate(0, usegmt=True)}, (0.1, FIRST_WAIT_S)),
        ({"Retry-After": "soon"}, (0.1, FIRST_WAIT_S)),
        ({}, (0.1, FIRST_WAIT_S)),
    ],
    ids=["seconds", "date", "too long", "past", "nonsense", "none"],
)
def test_429_and_503_wait_as_long_as_the_server_says(
    bench_behind_proxy, proxy, influxdb, name, status, headers, expected_s
):
    bench_behind_proxy.fill("a", [f"{name} v=1"])
    proxy.fault = lambda _: Fault(status, headers)
    wait_s = bench_behind_proxy.uploader.step()
    assert expected_s[0] <= wait_s <= expected_s[1]
    assert len(bench_behind_proxy.segments("a")) == 1
    proxy.fault = lambda _: None
    bench_behind_proxy.drain()
    assert values(influxdb, name) == [1]


@pytest.mark.parametrize("status", [500, 502, 504, 0])
@pytest.mark.parametrize("stored", [False, True], ids=["not stored", "stored all the same"])
def test_failures_back_off_and_lose_and_duplicate_nothing(
    bench_behind_proxy, proxy, influxdb, name, caplog, status, stored
):
    caplog.set_level("INFO")
    bench_behind_proxy.fill("a", [f"{name} v={i}" for i in range(10)])
    proxy.fault = lambda _: Fault(status, after_forwarding=stored)
    waits = [bench_behind_proxy.uploader.step() for _ in range(5)]
    assert all(0.1 <= wait_s <= FIRST_WAIT_S * 2**n for n, wait_s in enumerate(waits))
    assert len(bench_behind_proxy.segments("a")) == 1
    assert not bench_behind_proxy.uploader.up
    proxy.fault = lambda _: None
    bench_behind_proxy.drain()
    assert bench_behind_proxy.uploader.up
    assert values(influxdb, name) == list(range(10))
    assert sum("everything waits in the spool" in r.message for r in caplog.records) == 1
    assert sum("takes data again" in r.message for r in caplog.records) == 1


@pytest.mark.parametrize("status", [200, 302, 400, 405])
def test_an_answer_that_is_not_influxdbs_deletes_and_quarantines_nothing(
    bench_behind_proxy, proxy, name, caplog, status
):
    bench_behind_proxy.fill("a", [f"{name} v=1", f"{name} v=2"])
    proxy.fault = lambda _: Fault(status, {}, b"Client sent an HTTP request to an HTTPS server.")
    assert bench_behind_proxy.uploader.step() == REFUSED_WAIT_S
    assert len(bench_behind_proxy.segments("a")) == 1
    assert bench_behind_proxy.quarantine.entries("a") == []
    assert "check uploader.url" in caplog.text


def test_a_server_that_fails_while_bad_lines_are_sought_changes_nothing(
    bench_behind_proxy, proxy, influxdb, name
):
    bench_behind_proxy.fill("a", ["garbage" if i == 30 else f"{name} v={i}" for i in range(100)])
    proxy.fault = lambda _: Fault(503) if len(proxy.requests) == 6 else None
    bench_behind_proxy.drain()
    assert values(influxdb, name) == [i for i in range(100) if i != 30]
    assert len(bench_behind_proxy.quarantine.entries("a")) == 1


def test_what_is_sent_again_after_a_crash_is_stored_and_quarantined_once(
    bench, influxdb, name, monkeypatch
):
    """The process dies after the server's 204 and after the quarantine, before it deletes."""
    bench.fill("a", ["garbage" if i == 30 else f"{name} v={i}" for i in range(100)])
    with monkeypatch.context() as patch:
        patch.setattr("soclab_collectors.uploader.source.Source.confirm", _die)
        with pytest.raises(KeyboardInterrupt):
            bench.drain()
    assert len(bench.segments("a")) == 1
    bench.restart()
    bench.drain()
    assert values(influxdb, name) == [i for i in range(100) if i != 30]
    assert len(bench.quarantine.entries("a")) == 1
    assert bench.segments("a") == []


def _die(_source):
    raise KeyboardInterrupt


def test_garbage_of_a_power_cut_does_not_block_what_is_behind_it(bench, influxdb, name):
    bench.fill("a", [f"{name} v=1"])
    folder = bench.directory / "a"
    broken = (
        b"\0" * 50
        + f"{name} v=7 5\n{name}\xff v=8 6\n{name} v=2 {START_NS + 5}\n{name} v=3 1".encode(
            "latin-1"
        )
    )
    (folder / "000000000002.lp").write_bytes(broken)
    (folder / "000000000003.lp").write_bytes(b"")
    (folder / "000000000004.lp").write_bytes(b"\0" * 4096)
    (folder / "000000000005.lp").write_bytes(f"{name} v=4 {START_NS + 9}\n".encode())
    bench.drain()
    assert values(influxdb, name) == [1, 2, 4]
    assert len(bench.quarantine.entries("a")) == 4
    assert bench.segments("a") == []
    assert b"\0" not in (bench.directory / "_quarantine/a/refused.lp").read_bytes()
    bench.restart()  # the readable form is recognised as the same line
    (folder / "000000000004.lp").write_bytes(b"\0" * 4096)
    bench.drain()
    assert len(bench.quarantine.entries("a")) == 4


def test_a_segment_that_cannot_be_read_is_set_aside(bench, influxdb, name):
    (bench.directory / "a" / "000000000001.lp").mkdir(parents=True)  # reading it fails even as root
    (bench.directory / "a" / "000000000002.lp").write_bytes(f"{name} v=2 {START_NS}\n".encode())
    bench.drain()
    assert values(influxdb, name) == [2]
    assert (bench.directory / "_quarantine/a/000000000001.lp.unreadable").exists()


def test_quarantined_lines_are_sent_again_when_asked(bench, influxdb, name):
    influxdb.write(f'{name} v="text" {START_NS - 1}')
    bench.fill("a", [f"{name} v=1.0"])
    bench.drain()
    assert len(bench.quarantine.entries("a")) == 1
    influxdb.request(
        "POST",
        "/api/v2/delete?org=soclab&bucket=raw",
        start="2000-01-01T00:00:00Z",
        stop="2100-01-01T00:00:00Z",
        predicate=f'_measurement="{name}"',
    )
    assert bench.quarantine.retry("a") == 1
    with pytest.raises(FileExistsError):
        bench.quarantine.retry("a")
    bench.drain()
    assert bench.quarantine.entries("a") + bench.segments("a") == []
    assert values(influxdb, name) == [1]


def test_uploaded_segments_are_archived_and_the_oldest_removed(influxdb, tmp_path, name):
    spool = {"archive_directory": str(tmp_path / "archive"), "archive_max_mb": 0.025}
    bench = Bench(write_config(tmp_path, influxdb.url, influxdb.write_token_file, spool=spool))
    for number in range(10):  # a file takes a block of 4096 bytes however short it is
        bench.fill("a", [f"{name} v={number}"])
        bench.drain()
        time.sleep(0.01)  # kept apart by their times: their numbers begin anew
    bench.restart()
    kept = sorted((tmp_path / "archive/a").iterdir(), key=lambda p: p.stat().st_mtime)
    assert [p.read_bytes().split()[1] for p in kept] == [b"v=%d" % i for i in range(4, 10)]


def test_no_instrument_waits_for_anothers_backlog(bench_behind_proxy, proxy, influxdb, name):
    bench_behind_proxy.fill("a", [f"{name} v={i}" for i in range(40_000)])
    bench_behind_proxy.fill("b", [f"{name}_b v=1"])
    bench_behind_proxy.uploader.step()
    assert values(influxdb, f"{name}_b") == [1]
    assert sum(lines for _, lines in proxy.requests) == 5_001  # what it leaves is for the other


def test_two_requests_at_once_are_judged_each_and_lose_and_duplicate_nothing(
    bench_behind_proxy, proxy, influxdb, name
):
    """One of the two fails in turn, in every way; the other is stored."""
    for folder in ("a", "b", "c"):
        bench_behind_proxy.fill(folder, [f"{name}_{folder} v={i}" for i in range(8_000)])
    bench_behind_proxy.fill("d", ["garbage" if i == 7 else f"{name}_d v={i}" for i in range(8_000)])
    faults = iter([503, None, None, 500, 413, None, 0, None, None, 502] + [None] * 100)

    def fault(_lines):
        status = next(faults)
        return Fault(status) if status is not None else None

    proxy.fault = fault
    bench_behind_proxy.drain()
    for folder in ("a", "b", "c"):
        assert values(influxdb, f"{name}_{folder}") == list(range(8_000))
    assert values(influxdb, f"{name}_d") == [i for i in range(8_000) if i != 7]
    assert len(bench_behind_proxy.quarantine.entries("d")) == 1
    assert bench_behind_proxy.uploader.uploaded_total == 31_999


def test_a_folder_that_is_out_of_order_or_gone_does_not_hold_up_the_others(
    bench, influxdb, name, monkeypatch, caplog
):
    caplog.set_level("INFO")
    for folder in ("a", "b", "c"):
        bench.fill(folder, [f"{name}_{folder} v=1"])
    real = loop.adopt_orphans

    def adopt(folder):
        if folder.name == "b":
            raise PermissionError(13, "Permission denied", str(folder))
        return real(folder)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "adopt_orphans", adopt)
        bench.drain()
        shutil.rmtree(bench.directory / "a")  # an instrument that is no more
        bench.fill("c", [f"{name}_c v=2"], [Stamp(START_NS + 1)])
        bench.drain()
    assert values(influxdb, f"{name}_a") == [1]
    assert values(influxdb, f"{name}_b") == []
    assert values(influxdb, f"{name}_c") == [1, 2]
    bench.drain()
    assert values(influxdb, f"{name}_b") == [1]
    said = [r.message for r in caplog.records if r.message.startswith("b: ")]
    assert len(said) == 2
    assert "Permission denied" in said[0]
    assert said[1] == "b: uploads go on"


def test_while_the_quarantine_cannot_be_written_the_segment_stays(
    bench, influxdb, name, monkeypatch, caplog
):
    bench.fill("a", ["garbage", f"{name} v=1"])

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(bench.quarantine, "_append", full)
        assert [bench.uploader.step() for _ in range(3)] == [loop.LOCAL_WAIT_S] * 3
    assert len(bench.segments("a")) == 1
    bench.drain()
    assert bench.segments("a") == []
    assert len(bench.quarantine.entries("a")) == 1
    assert values(influxdb, name) == [1]
    assert caplog.text.count("No space left") == 1
