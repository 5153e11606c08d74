"""Serial devices are addressed by names that survive a replug."""

import pytest
from soclab_collectors.instruments.serial_port import check_serial_port


def test_names_by_id_are_accepted():
    check_serial_port("/dev/serial/by-id/usb-FTDI_FT232R_A1-if00-port0", allow_unstable=False)


def test_an_unstable_name_needs_permission():
    with pytest.raises(ValueError, match=r"^port: /dev/ttyUSB0 may be another.*by-id"):
        check_serial_port("/dev/ttyUSB0", allow_unstable=False)
    check_serial_port("/dev/ttyUSB0", allow_unstable=True)


@pytest.mark.parametrize("path", ["", "ttyUSB0", "socket://host:1"])
def test_what_is_no_path_is_refused_in_any_case(path):
    with pytest.raises(ValueError, match=r"^port: .* is no device path\. "):
        check_serial_port(path, allow_unstable=True)
