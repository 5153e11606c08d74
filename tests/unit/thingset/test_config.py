"""What cannot work is refused with its key and a remedy."""

import pytest
from soclab_collectors.instruments.thingset.config import ThingSetConfig

STABLE = "/dev/serial/by-id/usb-FTDI_1"


def config(**settings):
    return ThingSetConfig(**({"name": "mppt", "battery": "b1", "path": STABLE} | settings))


def test_defaults_are_valid():
    config().validate()
    assert config().port() == STABLE


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"path": "/dev/ttyUSB0"}, r"^port: .*by-id"),
        ({"request": ("Bat_V\n=conf {}",)}, r"^request: .*Write Bat_degC"),
        ({"request": ("a/b/c",)}, r"^request: "),
        ({"publication_period_s": 5.0}, r"^silence_s: .*Make it longer"),
    ],
)
def test_what_cannot_work_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        config(**settings).validate()


def test_unstable_ports_with_permission():
    config(path="/dev/ttyUSB0", allow_unstable_port=True).validate()
