"""Programs that every Raspberry Pi runs have a series of their own on each."""

import re

import pytest
from soclab_collectors import unit_name
from soclab_collectors.measurements import NAME_PATTERN


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("pi1", "uploader-pi1"),
        ("pi.example.org", "uploader-pi"),
        ("p" * 63, "uploader-" + "p" * 55),
    ],
)
def test_the_host_is_in_the_name(monkeypatch, host, name):
    monkeypatch.setattr(unit_name.platform, "node", lambda: host)
    assert unit_name.of_this_host("uploader") == name
    assert re.match(NAME_PATTERN, name)
