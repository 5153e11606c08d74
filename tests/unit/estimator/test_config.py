"""``estimator.toml``: what is refused names file, key and remedy; typical models are honest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from soclab_services.config import ConfigError
from soclab_services.estimator.characteristics import characteristics
from soclab_services.estimator.config import EstimatorConfig, load_estimator_config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BATTERY = """
[[batteries]]
name = "shed"
site = "lab"
instrument = "shunt"
capacity_ah = 200
chemistry = "la"
"""


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], EstimatorConfig]:
    def load(text: str) -> EstimatorConfig:
        (tmp_path / "estimator.toml").write_text(text)
        return load_estimator_config(tmp_path / "estimator.toml")

    return load


def test_a_battery_needs_little(load: Callable[[str], EstimatorConfig]) -> None:
    (battery,) = load(BATTERY).batteries
    assert battery.methods == ("ekf", "spkf", "coulomb_python")


REFUSED = {
    "unknown key": (BATTERY + "model = 3", "batteries.shed.model: unknown key"),
    "near miss": (BATTERY + "chemestry = 3", "Did you mean chemistry?"),
    "another's chemistry": (BATTERY.replace('"la"', '"nimh"'), "batteries.shed.chemistry"),
    "no method": (BATTERY + "methods = []", "batteries.shed.methods: empty"),
    "a method twice": (BATTERY + 'methods = ["ekf", "ekf"]', "batteries.shed.methods: empty"),
    "unknown method": (BATTERY + 'methods = ["guess"]', "batteries.shed.methods"),
    "no such model": (BATTERY + 'model_file = "/nowhere"', "/nowhere is no file"),
    "time without zone": (BATTERY + "since = 2026-01-01T00:00:00", "batteries.shed.since"),
    "two of a name": (BATTERY + BATTERY, "batteries.shed.name: this name is taken"),
    "cells that do not fit": ("[timing]\ncell_s = 7", "timing.cell_s: cells of 7 s do not fit"),
    "outlook between cells": (
        "[timing]\ncell_s = 60\noutlook_every_s = 90",
        "timing.outlook_every_s",
    ),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED)
def test_refused(load: Callable[[str], EstimatorConfig], text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(text)
    assert said in str(refused.value)


def test_a_typical_model_is_scaled_and_believed_little(
    load: Callable[[str], EstimatorConfig], tmp_path: Path
) -> None:
    from soclab_services.battery_model.model import save_model  # noqa: PLC0415
    from soclab_services.battery_model.typical import typical  # noqa: PLC0415

    unknown = characteristics(load(BATTERY).batteries[0])
    assert unknown.model.capacity_ah == 200.0
    save_model(typical("la").scaled_to(200.0), tmp_path / "shed.json")
    own = f'model_file = "{tmp_path}/shed.json"\n'
    known = characteristics(load(BATTERY + own).batteries[0])
    assert unknown.assumed.offset_v > 5.0 * known.assumed.offset_v
    assert unknown.assumed.systematic > known.assumed.systematic


def test_a_model_of_another_battery_is_refused(
    load: Callable[[str], EstimatorConfig], tmp_path: Path
) -> None:
    from soclab_services.battery_model.model import save_model  # noqa: PLC0415
    from soclab_services.battery_model.typical import typical  # noqa: PLC0415

    save_model(typical("lfp"), tmp_path / "shed.json")
    own = f'model_file = "{tmp_path}/shed.json"\n'
    with pytest.raises(ConfigError, match="a model of lfp, the battery is la"):
        characteristics(load(BATTERY + own).batteries[0])
    lfp = BATTERY.replace('"la"', '"lfp"')
    with pytest.raises(ConfigError, match="a model of 100 Ah, the battery has 200 Ah"):
        characteristics(load(lfp + own).batteries[0])


def test_packs_in_series_share_the_voltage(load: Callable[[str], EstimatorConfig]) -> None:
    full = "packs_in_series = 2\nfull = { voltage_v = 28.4, tail_current_a = 2 }\n"
    known = characteristics(load(BATTERY + full).batteries[0])
    assert known.meta.vabs == pytest.approx(14.3)  # 0.1 V a pack above
