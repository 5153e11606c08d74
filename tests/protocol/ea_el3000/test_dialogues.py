"""Whole dialogues with a load: what is sent, what comes, and what the instrument makes of it."""

import copy
import tomllib
from pathlib import Path

import pytest
from soclab_collectors.errors import BadReplyError, UnavailableError
from soclab_collectors.instruments.ea_el3000.config import EaEl3000Config
from soclab_collectors.instruments.ea_el3000.control import LoadControl
from soclab_collectors.instruments.ea_el3000.instrument import EaEl3000
from soclab_collectors.instruments.ea_el3000.objects import Object

from tests.protocol.ea_el3000.scripted_line import PatientClock, ScriptedLine

DIALOGUES = sorted((Path(__file__).parent / "cases" / "dialogues").glob("*.toml"))
ERRORS = {e.__name__: e for e in (BadReplyError, UnavailableError)}


def load(name):
    path = DIALOGUES[0].with_name(f"{name}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


class Player:
    """Does the steps of one dialogue."""

    def __init__(self, case):
        self.line = ScriptedLine()
        self.clock = PatientClock()
        config = EaEl3000Config(
            name="load",
            battery="b",
            path="/dev/serial/by-id/usb-load",
            device_node=case.get("node", 0),
            expected_serial=case.get("expected_serial", ""),
            control=True,
            max_current_a=20.0,
            max_power_w=case.get("max_power_w", 400.0),
        )
        self.instrument = EaEl3000(config, self.clock, self.line)
        self.control = LoadControl(self.instrument)

    def do(self, step):
        self.line.script = copy.deepcopy(step["exchange"])
        value = getattr(self, f"_{step['do']}")(step)
        assert not self.line.script, "expected to be sent, but was not"
        return value

    def _open(self, _step):
        self.instrument.open()

    def _read(self, _step):
        stamps = self.clock.stamps
        [reading] = self.instrument.read()
        assert reading.measurement == "load"
        assert self.clock.stamps == stamps + 1  # once: a replay counts rows by it
        return dict(reading.fields)

    def _probe(self, _step):
        return self.instrument.probe()

    def _ask(self, step):
        wanted = Object(step["number"], "object", step["length"], bytes)
        return self.instrument.session.ask(wanted)

    def _enter(self, _step):
        self.control.__enter__()

    def _exit(self, _step):
        self.control.__exit__(None, None, None)

    def _set_current(self, step):
        self.control.set_current(step["value"])

    def _set_power(self, step):
        self.control.set_power(step["value"])

    def _input_on(self, _step):
        self.control.switch_input(on=True)


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda p: p.stem)
def test_dialogue(path, caplog):
    caplog.set_level("INFO")
    case = load(path.stem)
    player = Player(case)
    steps = case.get("step", [])
    if case.get("identified"):  # as in the dialogues that show nothing else
        usual = load("single_cast" if case.get("node") else "whole_poll")["step"][0]
        steps.insert(0, usual | {k: case[k] for k in ("error",) if k in case})
    if case.get("entered"):
        steps.insert(1, load("control")["step"][0])
    for step in steps:
        if "error" in step:
            name, _, message = step["error"].partition(": ")
            with pytest.raises(ERRORS[name]) as error:
                player.do(step)
            assert message in str(error.value)
            assert not player.line.script, "expected to be sent, but was not"
        else:
            found = player.do(step)
            assert found == step.get("fields")
        assert step.get("log", "") in caplog.text
    assert player.clock.pauses  # every telegram follows a rest
    assert all(0 < pause <= 0.05 for pause in player.clock.pauses)
