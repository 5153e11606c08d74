"""What the uploader says of its host."""

from __future__ import annotations

import shutil

import pytest
from soclab_collectors.measurements import CONTRACT
from soclab_collectors.uploader.host import host_fields


def test_the_disk_is_as_the_system_has_it(tmp_path):
    fields = host_fields(tmp_path, tmp_path / "none")
    free = shutil.disk_usage(tmp_path).free
    assert fields["disk_free_bytes"] == pytest.approx(free, rel=0.01)
    assert 0 <= fields["disk_used_pct"] <= 100
    assert fields.keys() == {"disk_free_bytes", "disk_used_pct"}


def test_the_processor_s_heat_is_in_degrees(tmp_path):
    sensor = tmp_path / "temp"
    sensor.write_text("48312\n")
    fields = host_fields(tmp_path, sensor)
    assert fields["cpu_temperature_c"] == 48.312
    assert fields.keys() <= CONTRACT["collector"].fields.keys()


def test_a_sensor_without_a_value_is_left_out(tmp_path):
    sensor = tmp_path / "temp"
    sensor.write_text("")
    assert "cpu_temperature_c" not in host_fields(tmp_path, sensor)
