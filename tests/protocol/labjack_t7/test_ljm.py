"""The LJM transport through LabJack's real Python wrapper, down to a stand-in of its C library.

The library itself comes from their installer only and needs a device.
"""

from __future__ import annotations

import ctypes.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from soclab_collectors.clock.system import SystemClock
from soclab_collectors.errors import BadReplyError, ConfigError, UnavailableError
from soclab_collectors.instruments.labjack_t7.instrument import LabJackT7

from tests.protocol.labjack_t7.support import StepClock, t7_config

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = Path(__file__).parents[2] / "native" / "ljm_stub" / "LabJackM.c"
T7 = {60000: 7, 60004: 1.0331, 60010: 1, 60028: 470012345, 55100: 0x00112233, 4990: 0, 48005: 1}
LJM = {"kind": "ljm", "connection": "USB", "identifier": "470012345"}
SETTINGS = {40002: 10, 41001: 199, 41501: 0, 42002: 0, 40004: 10, 41002: 199, 41502: 0, 42004: 0}


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the compiled stand-in."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("reason: no C compiler, remedy: install gcc (Debian: apt-get install gcc)")
    folder = tmp_path_factory.mktemp("ljm")
    command = [compiler, "-std=c11", "-D_DEFAULT_SOURCE", "-Wall", "-Wextra", "-Werror", "-shared"]
    target = str(folder / "libLabJackM.so")
    subprocess.run([*command, "-fPIC", "-o", target, str(SOURCE)], check=True)
    return folder


@pytest.fixture
def say(library: Path, tmp_path: Path, monkeypatch) -> Callable[..., None]:
    """Return a function that tells the stand-in what to do from now on."""
    script = tmp_path / "ljm.txt"
    monkeypatch.setenv("LJM_STUB", str(script))
    # Another name for every test: dlopen returns the same library, state included, for one name.
    own = tmp_path / "libLabJackM.so"
    shutil.copy(library / "libLabJackM.so", own)
    wrapper = labjack_wrapper()
    monkeypatch.setattr(wrapper.ljm, "_staticLib", ctypes.CDLL(str(own)))

    def say(*lines: str, registers: dict[int, float] | None = None) -> None:
        known = T7 | {2: 1.25, 4: 6.4} | (registers or {})
        text = [f"reg {address} {value}" for address, value in known.items()]
        script.write_text("\n".join([*text, *lines, ""]), encoding="ascii")

    say()
    return say


def labjack_wrapper():
    """Return LabJack's wrapper, imported without its native library."""
    import labjack.ljm  # noqa: PLC0415  prints a complaint

    return labjack.ljm


def test_identify_configure_and_read(say):
    labjack = LabJackT7(t7_config(transport=LJM), StepClock())
    labjack.open()
    found = labjack.probe()
    assert found["device"] == "LabJack T7-Pro"
    assert found["serial_number"] == "470012345"
    _, reading = labjack.read()
    assert reading.fields == pytest.approx({"current_a": 12.5, "voltage_v": 12.8, "power_w": 160.0})
    labjack.close()


@pytest.mark.parametrize("volts", ["-9999", "nan", "inf", "10.2"])
def test_no_measurement_no_number(say, volts):
    labjack = LabJackT7(t7_config(transport=LJM), StepClock())
    labjack.open()
    say(registers={4: volts})
    (reading,) = [r for r in labjack.read() if r.measurement == "battery"]
    assert set(reading.fields) == {"current_a"}
    say(registers={2: volts, 4: volts})
    with pytest.raises(BadReplyError, match="no input can be measured"):
        labjack.read()
    labjack.close()


def test_power_cycle_behind_the_reconnecting_library(say):
    """LJM reconnects by itself: only the settings show that the T7 was away."""
    labjack = LabJackT7(t7_config(transport=LJM), StepClock())
    labjack.open()
    labjack.read()
    say("power 1", registers=SETTINGS | {40002: 1})
    with pytest.raises(UnavailableError, match="register 40002 holds 1 instead of 10"):
        labjack.read()
    labjack.close()
    labjack.open()
    assert labjack.read()
    labjack.close()


@pytest.mark.parametrize(
    ("function", "code", "kind", "says"),
    [
        ("OpenS", 1227, UnavailableError, "no such device was found"),
        ("OpenS", 1230, UnavailableError, "another program holds the device .is Kipling open"),
        ("OpenS", 1236, UnavailableError, "cannot be opened"),
        ("eReadAddresses", 1226, UnavailableError, "was disconnected"),
        ("eReadAddresses", 1239, UnavailableError, "could not reconnect"),
        ("eReadAddresses", 1241, UnavailableError, "USB failed"),
        ("eReadAddresses", 1250, ConfigError, "knows no such register"),
        ("eReadAddresses", 1263, UnavailableError, "did not answer"),
        ("eReadAddresses", 2460, UnavailableError, "powered off"),
        ("eReadAddresses", 201, BadReplyError, "warning code 201"),
        ("eReadAddresses", 1298, BadReplyError, "error 1298"),
        ("eWriteAddress", 2370, ConfigError, r"channels\.range_v: the T7 refuses this range"),
        ("eWriteAddress", 2371, ConfigError, r"channels\.settling_us"),
        ("eWriteAddress", 2373, ConfigError, r"channels\.differential"),
        ("eWriteAddress", 2375, ConfigError, r"channels\.resolution_index"),
        ("eStreamStart", 2606, ConfigError, "too high for a stream"),
        ("eStreamStart", 2608, ConfigError, r"stream\.scan_rate_hz: too fast"),
        ("eStreamStart", 1302, UnavailableError, "could not be started"),
        ("eStreamStart", 1307, UnavailableError, "firmware is too old"),
        ("eStreamRead", 1301, UnavailableError, "this machine was too slow"),
        ("eStreamRead", 1303, UnavailableError, "is not running"),
        ("eStreamRead", 1306, UnavailableError, "did not deliver in time"),
    ],
)
def test_error_codes(say, function, code, kind, says):
    say(f"fail {function} {code}")
    labjack = LabJackT7(t7_config(transport=LJM, mode="stream"), StepClock())

    def start() -> None:
        labjack.open()
        labjack.read()

    with pytest.raises(kind, match=says):
        start()
    labjack.close()
    say()
    labjack.open()
    labjack.close()


def test_a_stream_with_a_gap_and_a_burst(say):
    scans = [f"scan {0.1 * (n % 10):.1f} 6.0" for n in range(100)]
    scans[50:60] = ["scan -9999 -9999"] * 10
    say(*scans)
    stream = {
        "scan_rate_hz": 1000.0,
        "trigger": {"quantity": "current", "above": 8.5, "pre_s": 0.002, "post_s": 0.001},
    }
    config = t7_config(transport=LJM, mode="stream", interval_s=0.1, stream=stream)
    labjack = LabJackT7(config, SystemClock("trusted"))
    labjack.open()
    readings = [r for _ in range(5) for r in labjack.read()]
    skipped = labjack.counters()["stream_skipped_total"]
    labjack.close()
    battery = [r.fields for r in readings if r.measurement == "battery"]
    assert len(battery) >= 4
    for fields in battery:
        assert fields["current_a"] == pytest.approx(4.5)
        assert fields["current_max_a"] == pytest.approx(9.0)
        assert fields["voltage_v"] == pytest.approx(12.0)
        assert fields["power_w"] == pytest.approx(54.0)
    assert skipped == 10 * len(battery)
    burst = [r.fields["current_a"] for r in readings if r.measurement == "burst"]
    assert burst[:3] == pytest.approx([7.0, 8.0, 9.0])


def test_default_calibration_is_flagged(say):
    say("fail eStreamStart 203")
    labjack = LabJackT7(t7_config(transport=LJM, mode="stream", interval_s=0.1), StepClock())
    labjack.open()
    assert labjack.probe()["stream_calibration"] == "nominal"
    labjack.close()


PROBE = """
site = "lab"
[uploader]
url = "http://127.0.0.1:8086"
[[instruments]]
kind = "labjack_t7"
name = "labjack"
battery = "b1"
transport = { kind = "ljm" }
[[instruments.channels]]
ain = 2
quantity = "voltage"
transfer = { sensor = "linear", gain_per_v = 2, calibration_date = 2026-03-01 }
"""


def probe(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "collectors.toml"
    path.write_text(PROBE, encoding="utf-8")
    program = [sys.executable, "-m", "soclab_collectors.collector.main"]
    return subprocess.run(
        [*program, "probe", "--config", str(path), "--json", "labjack"],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )


def test_without_the_library_the_error_says_what_to_do(tmp_path):
    if ctypes.util.find_library("LabJackM"):
        pytest.skip("reason: LabJack's library is installed here, remedy: none needed")
    done = probe(tmp_path, LD_LIBRARY_PATH="")
    assert done.returncode == 78
    assert done.stdout == ""  # the wrapper's complaint does not get between data
    assert "native library (libLabJackM.so) is not installed" in done.stderr
    assert "https://support.labjack.com/" in done.stderr
    assert 'transport = {kind = "modbus", …}' in done.stderr


def test_without_the_wrapper_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "labjack.ljm", None)
    labjack = LabJackT7(t7_config(transport=LJM), StepClock())
    with pytest.raises(ConfigError, match=r"Install soclab-collectors\[ljm\] and LabJack's LJM"):
        labjack.open()


def test_the_program_finds_the_library_where_the_linker_does(tmp_path, library):
    script = tmp_path / "ljm.txt"
    script.write_text("\n".join(f"reg {a} {v}" for a, v in (T7 | {4: 6.4}).items()))
    done = probe(tmp_path, LD_LIBRARY_PATH=str(library), LJM_STUB=str(script))
    assert done.returncode == 0, done.stderr
    assert '"voltage_v": 12.8' in done.stdout
