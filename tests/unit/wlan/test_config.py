"""Mistakes in ``wlan.toml`` are refused with file, key and remedy."""

import pytest
from soclab_collectors.errors import ConfigError
from soclab_collectors.wlan.config import load_wlan_config
from soclab_collectors.wlan.main import main

GOOD = 'site = "lab"\nserver_url = "https://server.lab:8086"\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('site = "lab"\n', "server_url: missing"),
        ('site = "lab"\nserver_url = "server.lab"\n', "server_url: no http:// or https:// address"),
        ('site = "lab"\nserver_url = "https://s:99999"\n', "server_url: Port out of range"),
        (GOOD + "reboot_interval_s = 60\n", "reboot_interval_s: Expected `float` >= 3600"),
        (GOOD + "check = 3\n", "check: unknown key. Did you mean check_s?"),
        (GOOD + 'interface = "wlan 0"\n', "interface: Expected `str` matching regex"),
        (GOOD + "reboot_after_s = 100\n", "reboot_after_s: not later than restart_service_after_s"),
        (GOOD + 'backend = "connman"\n', "backend: Invalid enum value 'connman'"),
        (GOOD + "[spool]\nfsync = 1\n", "spool.fsync: unknown key. Did you mean fsync_s?"),
    ],
)
def test_refused(tmp_path, capsys, text, expected):
    path = tmp_path / "wlan.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_wlan_config(path)
    assert str(caught.value).startswith(f"{path}: {expected}")
    assert caught.value.remedy
    assert main(["check", "--config", str(path)]) == 78
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://server.lab:8086", ("server.lab", 8086)),
        ("http://10.0.0.1/influx", ("10.0.0.1", 80)),
        ("https://[fd00::1]", ("fd00::1", 443)),
    ],
)
def test_the_server_of_an_address(tmp_path, url, server, capsys):
    path = tmp_path / "wlan.toml"
    path.write_text(f'site = "lab"\nserver_url = "{url}"\n')
    assert load_wlan_config(path).server() == server
    assert main(["check", "--config", str(path)]) == 0
    assert f"wlan0 to {load_wlan_config(path).server()}" in capsys.readouterr().out
