"""``soclab forecast`` on what the lab's InfluxDB stored."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

SOCLAB = Path(sys.executable).with_name("soclab")
HOUR_S = 3600
CONFIG = """
[influxdb]
url = "{url}"
token_file = "{token_file}"
"""


@pytest.fixture
def soclab(influxdb, tmp_path):
    """Return a function that runs ``soclab forecast`` with a configuration for this server."""
    token_file, config = tmp_path / "token", tmp_path / "soclab.toml"
    token_file.write_text(influxdb.admin_token)
    config.write_text(CONFIG.format(url=influxdb.url, token_file=token_file))

    def run(*arguments):
        command = [SOCLAB, "forecast", *arguments, "--config", config, "--json"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def test_a_battery_of_the_lab(influxdb, soclab, tmp_path):
    now_s = int(time.time()) // 600 * 600
    stamps = np.arange(now_s - 20 * 24 * HOUR_S, now_s + 1, 300)
    soc = 50.0 + 30.0 * np.sin(2.0 * np.pi * stamps / (24 * HOUR_S))
    rows = [
        f"soc,battery={name},method=coulomb,site=lab soc_pct={value!r} {stamp}000000000"
        for stamp, value in zip(stamps.tolist(), soc.tolist(), strict=True)
        for name, value in (("forecast", value), ("forecast2", 100.0 - value))
    ]
    influxdb.write("\n".join(rows), "derived")
    out = tmp_path / "f.json"
    trained = soclab("train", "--battery", "forecast", "-o", out)
    assert trained.returncode == 0, trained.stderr
    assert json.loads(trained.stdout)["known_days"] == pytest.approx(20.0, abs=0.1)
    ran = soclab("run", "--battery", "forecast", "--model", out)
    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout)
    newest = time.strftime("%Y-%m-%dT%H:00Z", time.gmtime(now_s))
    assert answer["from"]["time"] == newest
    hours_s = now_s // HOUR_S * HOUR_S + HOUR_S * np.arange(1, 25)
    expected = 50.0 + 30.0 * np.sin(2.0 * np.pi * hours_s / (24 * HOUR_S))
    # A value is at most ten minutes old at its hour: 1.3 % at the steepest.
    np.testing.assert_allclose([one["soc_pct"] for one in answer["hours"]], expected, atol=1.4)
    other = soclab("run", "--battery", "forecast2", "--model", out)
    assert (other.returncode, "is of battery forecast" in other.stderr) == (65, True)
    none = soclab("run", "--battery", "nobody", "--model", out)
    assert (none.returncode, "nothing stored" in none.stderr) == (65, True)
