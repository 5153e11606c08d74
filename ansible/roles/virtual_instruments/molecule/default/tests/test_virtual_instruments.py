"""Simulated instruments, as another user of the same host finds them."""

UNIT = "soclab-simulators.service"
LOAD = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_EL3160-if00-port0"
MPPT = "/dev/serial/by-id/usb-STMicroelectronics_MPPT-1210-HUS-if00"
IN_GROUP = "setpriv --reuid=65534 --regid=soclab --clear-groups"
OUTSIDE = "setpriv --reuid=65534 --regid=65534 --clear-groups"
# Function 3, four registers from address 0 on: the voltages of AIN0 and AIN1.
MODBUS = "000100000006010300000004"


def test_t7_answers(host):
    code = (
        "import socket; s = socket.create_connection(('127.0.0.1', 1502), 5);"
        f"s.sendall(bytes.fromhex('{MODBUS}')); print(s.recv(99).hex())"
    )
    answer = host.check_output(f'python3 -c "{code}"')
    assert answer.startswith("00010000000b010308")


def test_charge_controller_publishes_to_the_group(host):
    published = host.check_output(f"{IN_GROUP} timeout 5 head -n 2 {MPPT}")
    assert "Bat_V" in published


def test_others_may_not_open_a_port(host):
    for port in (LOAD, MPPT):
        assert "Permission denied" in host.run(f"{OUTSIDE} head -c 1 {port}").stderr


def test_unplugged_with_the_unit_and_back_under_the_same_names(host):
    host.check_output(f"systemctl stop {UNIT}")
    assert host.run(f"ls {LOAD} {MPPT}").rc != 0
    host.check_output(f"systemctl start {UNIT}")  # which says that it is ready once they are there
    assert host.run(f"ls {LOAD} {MPPT}").rc == 0


def test_unit_is_hardened(host):
    judged = host.run(f"systemd-analyze security --no-pager {UNIT}").stdout
    exposure = float(judged.split("Overall exposure level for")[1].split(":")[1].split()[0])
    assert exposure <= 2.0, judged
