"""A load under control of software: within limits, read back, and off in the end."""

import pytest
from soclab_collectors.errors import BadReplyError, ConfigError, UnavailableError
from soclab_collectors.instruments.ea_el3000.config import EaEl3000Config
from soclab_collectors.instruments.ea_el3000.control import LoadControl
from soclab_collectors.instruments.ea_el3000.instrument import EaEl3000
from soclab_simulators.ea_el3000.load import Mode

from tests.protocol.ea_el3000.noisy_line import NoisyLine, Terminals, simulator_on
from tests.protocol.ea_el3000.scripted_line import PatientClock

LIMITS = {"control": True, "max_current_a": 20.0, "max_power_w": 200.0}


def intact(_sent, reply):
    return [reply]


class Lab:
    """A load at 12.8 V that draws what it is told, and what controls it."""

    def __init__(self, **settings):
        self.simulator = simulator_on(Terminals(12.8), follow_source=False)
        self.load = self.simulator.load
        self.line = NoisyLine(self.simulator, intact)
        config = EaEl3000Config(
            **{"name": "load", "battery": "b", "path": "/dev/serial/by-id/x"} | LIMITS | settings
        )
        self.instrument = EaEl3000(config, PatientClock(), self.line)

    def control(self):
        return LoadControl(self.instrument)


def test_draws_the_current_that_it_is_told():
    lab = Lab()
    with lab.control() as load:
        assert (lab.load.remote, lab.load.switched_on) == (True, False)
        assert lab.load.set_power_w == 200.0
        load.set_current(5.0)
        load.switch_input(on=True)
        [reading] = load.read()
        assert reading.fields["current_a"] == pytest.approx(5.0, abs=60 / 25600)
        assert (reading.fields["enabled"], reading.fields["remote"]) == (1.0, 1.0)
        load.set_power(32.0)  # 2.5 A at 12.8 V
        assert load.read()[0].fields["current_a"] == pytest.approx(2.5, abs=60 / 25600)
    assert (lab.load.remote, lab.load.switched_on) == (False, False)


def test_resistance_mode_of_the_panel():
    lab = Lab(nominal_resistance_ohm=10.0)
    lab.load.mode = Mode.CR
    with lab.control() as load:
        load.set_current(20.0)
        load.set_resistance(4.0)
        load.switch_input(on=True)
        assert load.read()[0].fields["current_a"] == pytest.approx(3.2, abs=60 / 25600)
        with pytest.raises(ValueError, match=r"resistance 0.5 Ω is outside 0\.819\d* to 10 Ω"):
            load.set_resistance(0.5)  # 25.6 A, 328 W
    assert not lab.load.switched_on


def test_a_resistance_needs_its_scale():
    with Lab().control() as load, pytest.raises(ConfigError, match="nominal_resistance_ohm"):
        load.set_resistance(4.0)


@pytest.mark.parametrize("current_a", [20.01, -0.1, float("nan"), float("inf")])
def test_beyond_the_configured_current(current_a):
    lab = Lab()
    with lab.control() as load, pytest.raises(ValueError, match="outside 0 to 20 A"):
        load.set_current(current_a)
    assert lab.load.set_current_a == 0.0


def test_beyond_what_the_load_can():
    lab = Lab(max_current_a=1000.0, max_power_w=1000.0)
    with lab.control() as load:
        with pytest.raises(ValueError, match="outside 0 to 60 A"):
            load.set_current(61.0)
        with pytest.raises(ValueError, match="outside 0 to 400 W"):
            load.set_power(401.0)
        load.set_current(60.0)
        assert lab.load.set_current_a == 60.0
        assert lab.load.set_power_w == 400.0


def test_needs_permission_before_anything_is_sent():
    lab = Lab(control=False)
    with pytest.raises(ConfigError, match="control = true"):
        lab.control()
    assert lab.line.delivered_bytes == 0


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_whatever_goes_wrong_the_load_is_off(error):
    lab = Lab()

    def experiment():
        with lab.control() as load:
            load.set_current(5.0)
            load.switch_input(on=True)
            raise error

    with pytest.raises(error):
        experiment()
    assert (lab.load.remote, lab.load.switched_on) == (False, False)


def test_what_a_dead_program_left_on_is_switched_off():
    lab = Lab()
    lab.load.remote = lab.load.switched_on = True
    lab.load.set_current_a = 15.0
    with lab.control():
        assert (lab.load.switched_on, lab.load.set_current_a) == (False, 0.0)


def test_a_locked_panel_refuses():
    lab = Lab()
    lab.load.locked = True
    with pytest.raises(BadReplyError, match="local or lock state"):
        lab.control().__enter__()
    assert not lab.load.remote


def test_failing_to_enter_leaves_the_load_off():
    """The power cannot be set: remote control was taken already and is given back."""
    lab = Lab()
    lab.simulator.objects.remove(52)
    with pytest.raises(BadReplyError, match="object not defined"):
        lab.control().__enter__()
    assert (lab.load.remote, lab.load.switched_on) == (False, False)
    with pytest.raises(UnavailableError, match="is not open"):
        _ = lab.instrument.session


def test_a_load_that_does_not_confirm_is_reported(caplog):
    lab = Lab()
    with pytest.raises(UnavailableError), lab.control():
        lab.line.spoil = lambda *_: []
    assert "Switch it off at its panel" in caplog.text


def test_the_first_problem_is_the_one_reported(caplog):
    lab = Lab()

    def experiment():
        with lab.control():
            lab.line.spoil = lambda *_: []
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        experiment()
    assert "cannot confirm that the load is off" in caplog.text


def test_an_instrument_that_is_open_stays_open():
    lab = Lab()
    lab.instrument.open()
    with lab.control():
        pass
    assert lab.instrument.read()[0].fields["remote"] == 0.0


def test_every_step_can_be_set_exactly():
    """Neither way through binary fractions costs a step."""
    lab = Lab()
    with lab.control() as load:
        for raw in range(0, 8534, 97):
            load.set_current(raw * 60.0 / 25600)
            assert lab.simulator.objects.read(51, 2) == raw.to_bytes(2, "big")
