"""The inventory's variables for limits: described as the generator has them, made by the role."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.source import alerting, dashboards
from grafana.source.alerting.settings import LIMITS, QuietHours, read

ROOT = Path(__file__).parents[2]
ROLE = ROOT / "ansible" / "roles" / "grafana"
OPTIONS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))[
    "argument_specs"
]["main"]["options"]


def test_the_inventory_describes_every_limit_with_its_default() -> None:
    described = OPTIONS["grafana_limits"]["options"]
    assert list(described) == list(LIMITS)
    for name, limit in LIMITS.items():
        assert described[name]["default"] == list(limit.default), name
        text = described[name]["description"]
        assert text.startswith(limit.meaning[0].upper() + limit.meaning[1:]), name
        assert f"fires {'above' if limit.above else 'below'} the first" in text, name
        assert not limit.unit or f"({limit.unit})" in text, name


def test_the_inventory_describes_the_quiet_hours() -> None:
    described = OPTIONS["grafana_quiet_hours"]["options"]
    assert {name: one["default"] for name, one in described.items()} == QuietHours()._asdict()


def generate(settings: Any) -> subprocess.CompletedProcess[str]:
    """Run what the role runs on the controller."""
    return subprocess.run(
        [sys.executable, "-m", "grafana.source"],
        cwd=ROOT,
        input=json.dumps(settings),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("settings", [{}, {"battery_limits": {"b": {"soc_low_pct": [20, 25]}}}])
def test_the_role_gets_what_is_committed_but_for_the_limits(settings: dict[str, Any]) -> None:
    made = generate(settings)
    assert made.returncode == 0, made.stderr
    wanted = alerting.files(read(settings)) | dashboards.files(read(settings))
    assert json.loads(made.stdout) == wanted


def test_the_wall_has_the_limits_of_the_lab() -> None:
    own = {"limits": {"silent_s": [900, 60]}, "battery_limits": {"shed": {"soc_low_pct": [40, 45]}}}
    wall = dashboards.files(read(own))["dashboards/soclab/overview.json"]
    assert "silent = (name) => 900.0\\n" in wall
    assert 'low = (name) => if name == \\"shed\\" then 40.0 else 30.0\\n' in wall
    assert "below 30 % or unsure by more than 20 % (shed: 40 %)" in wall


@pytest.mark.parametrize(
    ("settings", "says"), [({"limits": {"x": 1}}, "limits.x: unknown"), ([], "settings: give")]
)
def test_the_role_gets_the_reason_of_a_refusal(settings: Any, says: str) -> None:
    refused = generate(settings)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(says)
    assert "Traceback" not in refused.stderr
