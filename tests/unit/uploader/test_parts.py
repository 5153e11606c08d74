"""The parts of the uploader that need no server."""

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from soclab_collectors.config.model import UploaderConfig
from soclab_collectors.errors import ConfigError
from soclab_collectors.uploader.backoff import LONGEST_WAIT_S, Backoff
from soclab_collectors.uploader.client import WriteClient
from soclab_collectors.uploader.isolate import NotStoredError, isolate
from soclab_collectors.uploader.lines import dated, skip_lines, split_lines, without_broken
from soclab_collectors.uploader.token import read_token
from soclab_collectors.uploader.verdict import Answer, Verdict, retry_after_s

URL = "https://lab.example:8086"


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.touch(mode=0o600)
    path.write_text("the-token\n")
    return path


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (204, Verdict.STORED),
        *[(status, Verdict.BAD_LINES) for status in (400, 422)],
        (413, Verdict.TOO_LARGE),
        *[(status, Verdict.BUSY) for status in (429, 503)],
        *[(status, Verdict.FAILED) for status in (0, 500, 502, 504, 599)],
        *[(status, Verdict.REFUSED) for status in (200, 201, 301, 302, 401, 403, 404, 405, 451)],
    ],
)
def test_every_status_has_its_verdict(status, verdict):
    assert Answer(status, "").verdict is verdict


@pytest.mark.parametrize(
    ("headers", "expected_s"),
    [
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": " 12 "}, 12),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "1e3"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
def test_retry_after(headers, expected_s):
    assert retry_after_s(headers) == expected_s


def test_waits_grow_to_a_bound_and_are_spread_out():
    waits = []
    for seed in range(400):
        backoff = Backoff(random.Random(seed).uniform)
        waits.append([backoff.wait_s() for _ in range(12)])
    for attempt in range(12):
        bound_s = min(0.5 * 2**attempt, LONGEST_WAIT_S)
        of_all = [wait[attempt] for wait in waits]
        assert max(of_all) <= bound_s
        assert statistics.mean(of_all) == pytest.approx(bound_s / 2, rel=0.15)
        assert statistics.stdev(of_all) > bound_s / 5  # full jitter: nobody returns together


def test_the_backoff_begins_anew():
    backoff = Backoff(lambda _, bound_s: bound_s)
    assert [backoff.wait_s() for _ in range(3)] == [0.5, 1.0, 2.0]
    backoff.reset()
    assert backoff.wait_s() == 0.5


@given(st.lists(st.binary(min_size=1).filter(lambda b: b"\n" not in b)), st.integers(1, 7))
def test_lines_are_counted_and_split_without_loss(lines, at_once):
    data = b"".join(line + b"\n" for line in lines)
    assert split_lines(data) == lines
    position, parts = 0, []
    while position < len(data):
        end, found = skip_lines(data, position, at_once)
        assert 1 <= found <= at_once
        parts.append(data[position:end])
        position = end
    assert b"".join(parts) == data


@given(st.binary())
def test_of_garbage_only_whole_lines_of_text_are_left_and_all_the_rest_is_accounted_for(data):
    good, broken = without_broken(data)
    good.decode()
    assert b"\0" not in good
    assert not good or good.endswith(b"\n")
    assert len(good) + sum(len(r.line) for r in broken) <= len(data)
    kept = [line for line in split_lines(good) if line]
    assert sorted(kept + [r.line for r in broken]) == sorted(x for x in data.split(b"\n") if x)


@given(st.lists(st.tuples(st.sampled_from(["m v=1", 'm t="a b"', "m"]), st.integers(0, 2**60))))
def test_dating_adds_the_start_of_the_boot_and_nothing_else(rows):
    started_ns = 1_700_000_000_000_000_123
    data = "".join(f"{body} {at}\n" for body, at in rows).encode()
    expected = "".join(f"{body} {at + started_ns}\n" for body, at in rows).encode()
    assert dated(data, started_ns) == (expected, [])


@given(st.lists(st.sampled_from([b"good", b"bad"]), max_size=60), st.booleans())
def test_isolation_stores_the_good_and_names_the_bad_in_order(kinds, all_or_nothing):
    lines = [b"%b%d" % (kind, n) for n, kind in enumerate(kinds)]
    stored = set()

    def write(data):
        sent = split_lines(data)
        bad = [line for line in sent if line.startswith(b"bad")]
        if not (bad and all_or_nothing):
            stored.update(set(sent) - set(bad))
        status = 400 if all_or_nothing else 422
        return Answer(status, f"partial write dropped={len(bad)}") if bad else Answer(204, "")

    refused = isolate(lines, write)
    assert [r.line for r in refused] == [line for line in lines if line.startswith(b"bad")]
    assert stored == {line for line in lines if line.startswith(b"good")}


@pytest.mark.parametrize("status", [0, 401, 413, 503])
def test_isolation_blames_no_line_for_what_the_server_suffers(status):
    with pytest.raises(NotStoredError) as caught:
        isolate([b"a", b"b"], lambda _: Answer(status, ""))
    assert caught.value.answer.status == status


def test_the_token_comes_from_its_file(token_file):
    assert read_token(UploaderConfig(url=URL, token_file=str(token_file))) == "the-token"


def test_systemd_hands_a_token_over(token_file, tmp_path, monkeypatch):
    (tmp_path / "influxdb_token").write_text("from-systemd")
    (tmp_path / "influxdb_token").chmod(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_token(UploaderConfig(url=URL, token_file=str(token_file))) == "from-systemd"


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o601])
def test_a_token_that_everybody_may_use_is_refused(token_file, mode):
    token_file.chmod(mode)
    with pytest.raises(ConfigError, match=f"chmod 600 {token_file}"):
        read_token(UploaderConfig(url=URL, token_file=str(token_file)))


@pytest.mark.parametrize("content", [b"", b" \n", b"two words", b"two\nlines", b"\xff\xfe"])
def test_what_is_no_token_is_refused_without_being_shown(token_file, content):
    token_file.write_bytes(content)
    with pytest.raises(ConfigError, match="holds no token") as caught:
        read_token(UploaderConfig(url=URL, token_file=str(token_file)))
    assert "words" not in str(caught.value)


def test_no_token_at_all_says_where_to_put_one(tmp_path, monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(ConfigError, match="LoadCredential"):
        read_token(UploaderConfig(url=URL))
    with pytest.raises(ConfigError, match=r"none: No such file"):
        read_token(UploaderConfig(url=URL, token_file=str(tmp_path / "none")))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("lab.example:8086", "no URL"),
        ("ftp://lab.example", "no URL"),
        ("https://", "no URL"),
        ("https://lab.example?org=x", "no URL"),
        ("https://me:secret@lab.example", "holds a password"),
        ("http://lab.example:8086", "would send the token unencrypted"),
        ("http://192.168.1.5:8086", "would send the token unencrypted"),
        ("http://127.0.0.1.evil.example", "would send the token unencrypted"),
    ],
)
def test_urls_that_cannot_be_used_or_would_give_the_token_away(token_file, url, reason):
    with pytest.raises(ConfigError, match=f"uploader.url: .*{reason}") as caught:
        WriteClient(UploaderConfig(url=url, token_file=str(token_file)))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "config",
    [
        {"url": URL},
        {"url": "https://lab.example/influx/"},
        {"url": "http://127.0.0.1:8086"},
        {"url": "http://[::1]:8086"},
        {"url": "http://localhost:8086"},
        {"url": "http://192.168.1.5:8086", "allow_plain_http": True},
    ],
    ids=str,
)
def test_urls_that_are_good(token_file, config):
    WriteClient(UploaderConfig(token_file=str(token_file), **config))


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_authority_that_cannot_be_used_is_named(token_file, tmp_path, content):
    ca_file = tmp_path / "ca.pem"
    if content:
        ca_file.write_text(content)
    with pytest.raises(ConfigError, match=f"uploader.ca_file: {ca_file}"):
        WriteClient(UploaderConfig(url=URL, token_file=str(token_file), ca_file=str(ca_file)))
