"""InfluxDB comes by the first method that works, and every fallback says why."""

import threading
import time

import pytest
from soclab_services.influxdb import VERSION, archive, install, source
from soclab_services.influxdb.binary import cached_binary, store
from soclab_services.influxdb.errors import InfluxdbError


@pytest.fixture
def unreachable(monkeypatch):
    monkeypatch.setattr(archive, "RELEASES", "http://127.0.0.1:9")  # nobody listens on discard
    monkeypatch.setattr(archive, "SIGNING_KEY", "http://127.0.0.1:9/key")


def test_what_is_on_path_is_taken(machine):
    influxd = machine.influxd("v2.7.6")
    installed = install.install("auto", machine.said.append)
    assert installed == (influxd, "path", "2.7.6")
    assert install.find() == installed
    assert not machine.said


@pytest.mark.parametrize("version", ["v2.9.1", "v3.0.0", "dev"])
def test_another_series_on_path_is_passed_over(machine, version, unreachable):
    machine.influxd(version)
    with pytest.raises(InfluxdbError, match=f"is InfluxDB {version.removeprefix('v')}, not 2.7"):
        install.install("path", machine.said.append)
    with pytest.raises(InfluxdbError, match="no method"):
        install.install("auto", machine.said.append)
    assert "not 2.7" in machine.said[0]


@pytest.mark.parametrize(
    "script", ["echo something else", "exit 3", "echo InfluxDB v2.7.1; exit 1"]
)
def test_what_only_bears_the_name_is_passed_over(machine, script):
    machine.program("influxd", script)
    with pytest.raises(InfluxdbError, match="is no influxd"):
        install.install("path", machine.said.append)
    assert install.find() is None


def test_the_cache_is_used_before_anything_is_fetched(machine):
    cached_binary().parent.mkdir(parents=True)
    influxd = machine.influxd(f"v{VERSION}", cached_binary().parent)
    for method in ("auto", "archive", "source"):
        assert install.install(method, machine.said.append) == (influxd, "cache", VERSION)
    assert not machine.said


def test_every_reason_and_the_next_step_are_told(machine, unreachable):
    machine.real("gpg")
    with pytest.raises(InfluxdbError) as raised:
        install.install("auto", machine.said.append)
    for part in (
        "influxd is not on PATH",
        "http://127.0.0.1:9",
        "needs go, cargo, cc",
        "https://go.dev/doc/install",
        "https://rustup.rs",
        "apt-get install gcc",
        "put an influxd 2.7 on PATH",
    ):
        assert part in str(raised.value)
    assert [m.split(":")[0] for m in machine.said] == [
        "path",
        "downloading http",
        "archive",
    ]


def test_without_gpg_no_archive_is_trusted(machine):
    with pytest.raises(InfluxdbError, match="apt-get install gnupg"):
        install.install("archive", machine.said.append)


def test_the_cache_never_holds_another_version(machine, tmp_path):
    cached_binary().parent.mkdir(parents=True)
    with pytest.raises(InfluxdbError, match=r"this is InfluxDB 2\.7\.11"):
        store(machine.influxd("v2.7.11", tmp_path))
    assert not cached_binary().exists()


def test_two_installations_at_once_make_one(machine, monkeypatch, tmp_path):
    builds = []

    def slow_build(folder, _say):
        builds.append(folder)
        time.sleep(0.3)
        return machine.influxd(f"v{VERSION}", folder).rename(folder / "influxd.built")

    monkeypatch.setattr(install, "install_from_source", slow_build)
    results = []
    threads = [
        threading.Thread(
            target=lambda: results.append(install.install("source", machine.said.append))
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 1
    assert sorted(r.method for r in results) == ["cache", "cache", "source"]
    assert machine.said.count("another installation is under way: waiting for it") == 2


def test_the_pinned_module_is_this_version():
    text = (source.resources.files("soclab_services.influxdb") / "source_build/go.mod").read_text()
    assert f"github.com/influxdata/influxdb/v2 v{VERSION}\n" in text
    sums = (source.resources.files("soclab_services.influxdb") / "source_build/go.sum").read_text()
    assert f"github.com/influxdata/influxdb/v2 v{VERSION} h1:" in sums
    assert "github.com/influxdata/pkg-config v0.2.14 h1:" in sums
