"""``soclab.toml``: what is refused names file, key and remedy."""

import pytest
from soclab_services.config import ConfigError, load_config

BATTERY = """
[[batteries]]
name = "shed"
site = "lab"
instrument = "shunt"
capacity_ah = 100
"""


@pytest.fixture
def load(tmp_path):
    def load(text):
        (tmp_path / "soclab.toml").write_text(text)
        return load_config(tmp_path / "soclab.toml")

    return load


def test_defaults(load):
    config = load(BATTERY)
    assert config.batteries[0].capacity_ah == 100.0
    assert config.coulomb.cell_s == 10


def test_nothing_need_be_said(load):
    assert load("").batteries == ()


REFUSED = {
    "unknown key": (BATTERY + "capacity = 3", "batteries.shed.capacity: unknown key"),
    "near miss": (BATTERY + "max_gap = 3", "Did you mean max_gap_s?"),
    "missing": (BATTERY.replace("capacity_ah = 100", ""), "batteries.shed.capacity_ah: missing"),
    "wrong type": (BATTERY.replace("100", '"100"'), "batteries.shed.capacity_ah: Expected"),
    "out of range": (BATTERY + "initial_soc_pct = 101", "batteries.shed.initial_soc_pct"),
    "two of a name": (BATTERY + BATTERY, "batteries.shed.name: this name is taken"),
    "unfit name": (BATTERY.replace('"shed"', '"the shed"'), "name"),
    "gap within a cell": (BATTERY + "max_gap_s = 5", "max_gap_s: shorter than a cell (cell_s)"),
    "voltage alone": (BATTERY + "full = { voltage_v = 14 }", "belong together"),
    "empty anchor": (BATTERY + "full = { hold_s = 5 }", "says nothing to look for"),
    "floor above": (
        BATTERY + "empty = { voltage_v = 11, current_a = 1, disconnected_below_v = 12 }",
        "disconnected_below_v: not below voltage_v",
    ),
    "cells do not fit": ("[coulomb]\nsettle_s = 25", "coulomb.settle_s: no multiple of cell_s"),
    "short chunk": ("[coulomb]\nchunk_s = 600", "coulomb.chunk_s: shorter than late_window_s"),
    "odd interval": ("[coulomb]\nevery_s = 7", "coulomb.every_s: neither"),
    "seconds": ("[rollup]\nlate_window_s = 90", "rollup"),
    "no TOML": ("[", "no valid TOML"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(load, case):
    text, said = REFUSED[case]
    with pytest.raises(ConfigError, match=r"soclab\.toml") as refused:
        load(text)
    assert said in str(refused.value)
    assert refused.value.remedy


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        load_config(tmp_path / "absent.toml")
