"""What a configuration of an EL 3000 may say."""

import pytest
from soclab_collectors.config import load_config
from soclab_collectors.errors import ConfigError

HEAD = 'site = "lab"\n[uploader]\nurl = "http://127.0.0.1:8086"\n[[instruments]]\n'
GOOD = 'kind = "ea_el3000"\nname = "load"\nbattery = "b"\nport = "/dev/serial/by-id/usb-load"\n'


def load(tmp_path, text):
    path = tmp_path / "collectors.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return load_config(path).instruments[0]


def test_what_need_not_be_said(tmp_path):
    config = load(tmp_path, GOOD)
    assert config.port() == "/dev/serial/by-id/usb-load"
    assert (config.baud, config.device_node, config.interval_s) == (57600, 0, 1.0)
    assert not config.control


@pytest.mark.parametrize(
    ("text", "where", "remedy"),
    [
        (GOOD.replace("by-id", "by-path"), "instruments.load.port", "/dev/serial/by-id/"),
        (GOOD.replace("/dev/serial/by-id/usb-load", "COM3"), "instruments.load.port", "by-id"),
        (GOOD + "control = true\nmax_power_w = 100\n", "load.max_current_a", "wiring can stand"),
        (GOOD + "control = true\nmax_current_a = 5\n", "load.max_power_w", "wiring can stand"),
        (GOOD + "max_current_a = -5\n", "load.max_current_a", "docs/configuration.md"),
        (GOOD + "device_node = 31\n", "load.device_node", "docs/configuration.md"),
        (GOOD + 'baud = "57600"\n', "load.baud", "docs/configuration.md"),
        (GOOD + "intervall_s = 2\n", "load.intervall_s", "Did you mean interval_s?"),
    ],
)
def test_refused_with_key_and_remedy(tmp_path, text, where, remedy):
    with pytest.raises(ConfigError) as error:
        load(tmp_path, text)
    assert where in str(error.value)
    assert remedy in str(error.value)


def test_an_unstable_port_is_a_decision(tmp_path):
    text = GOOD.replace("/dev/serial/by-id/usb-load", "/dev/ttyUSB0")
    with pytest.raises(ConfigError, match="allow_unstable_port"):
        load(tmp_path, text)
    assert load(tmp_path, text + "allow_unstable_port = true\n").port() == "/dev/ttyUSB0"
