"""The Flux files: formatted, and rendered with every parameter that they use."""

import hashlib
import re
from importlib import resources
from pathlib import Path

import pytest
from soclab_services.config.model import BatteryConfig, Config, FullAnchor
from soclab_services.flux.render import render

FLUX = Path(__file__).parents[3] / "flux"
PARAMETERS = re.compile(r"// soclab:parameters begin\n(.*)// soclab:parameters end\n", re.DOTALL)
NAME = re.compile(r"^(?:option )?(\w+) =", re.MULTILINE)


@pytest.mark.parametrize("path", sorted(FLUX.glob("*.flux")), ids=lambda path: path.stem)
def test_formatted_as_flux_does(path):
    noted = dict(reversed(s.split()) for s in (FLUX / "formatted.sha256").read_text().splitlines())
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    assert found == noted[path.name], "changed since: run .venv/bin/python scripts/format_flux.py"


def test_every_file_is_packaged():
    packaged = resources.files("soclab_services.flux") / "tasks"
    assert {f.name: f.read_text() for f in packaged.iterdir()} == {
        path.name: path.read_text() for path in FLUX.glob("*.flux")
    }


def battery(**changes):
    return BatteryConfig(
        **{"name": "shed", "site": "lab", "instrument": "shunt", "capacity_ah": 100.0, **changes}
    )


@pytest.mark.parametrize("task", render(Config(batteries=(battery(),))), ids=lambda task: task.name)
def test_rendering_replaces_every_parameter_and_nothing_else(task):
    source = (FLUX / f"{task.name}.flux").read_text()
    was, rendered = PARAMETERS.search(source), PARAMETERS.search(task.flux)
    assert was is not None
    assert rendered is not None
    assert NAME.findall(rendered[1]) == NAME.findall(was[1])
    assert PARAMETERS.sub("", task.flux) == PARAMETERS.sub("", source)


def test_fields_of_a_battery_are_those_of_the_example():
    example, rendered = (
        re.findall(r"(\w+): ", text[text.index("batteries = [") : text.index("\n]")])
        for text in (
            (FLUX / "soc_coulomb.flux").read_text(),
            render(Config(batteries=(battery(),)))[0].flux,
        )
    )
    assert rendered == example


def test_numbers_are_floats_without_exponents():
    flux = render(Config(batteries=(battery(current_gain_sigma=1e-7, capacity_ah=1e9),)))[0].flux
    assert "gain_sigma: 0.0000001," in flux
    assert "capacity_ah: 1000000000.0," in flux


def test_anchors_that_are_not_configured_cannot_be_reached():
    flux = render(Config(batteries=(battery(full=FullAnchor(charger_state=3)),)))[0].flux
    assert "full_voltage_v: -1.0, full_current_a: -1.0, full_charger_state: 3.0" in flux
    assert "empty_voltage_v: -1.0" in flux


def test_without_batteries_there_is_nothing_to_count():
    assert [(task.name, task.active) for task in render(Config())] == [
        ("soc_coulomb", False),
        ("rollup_1m", True),
    ]
