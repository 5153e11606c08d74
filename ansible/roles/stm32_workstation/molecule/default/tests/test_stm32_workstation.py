"""What a developer can do on the laptop: reach a probe, compile, start the build tool."""

import os
import re
import shlex

import pytest

RULES = "/etc/udev/rules.d/48-soclab-stm32.rules"
PRODUCTS = ["3748", "374a", "374b", "3752"]  # ST-Link/V2 and V2-1
PRODUCTS += ["374d", "374e", "374f", "3753", "3754", "3755", "3757", "df11"]  # V3, DFU
# A device as the kernel shows it, for umockdev: P path, N node, E property, A attribute.
DEVICE = """\
P: /devices/pci0000:00/0000:00:14.0/usb1/1-2
N: bus/usb/001/005
E: DEVTYPE=usb_device
E: SUBSYSTEM=usb
E: BUSNUM=001
E: DEVNUM=005
E: MAJOR=189
E: MINOR=4
E: DEVNAME=/dev/bus/usb/001/005
A: idVendor={vendor}\\n
A: idProduct={product}\\n

"""


@pytest.fixture
def host_has(host):
    """Tell what the scenario's inventory gives this host, by its name."""
    bookworm = host.system_info.codename == "bookworm"
    return {
        "tool": "platformio" if bookworm else "west",
        "toolchain": not bookworm and os.environ.get("SOCLAB_TEST_COMPILER") == "1",
        "udevadm_verify": not bookworm,
    }


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("openocd --version", "Open On-Chip Debugger"),
        ("st-info --version", "v1."),
        ("dfu-util --version", "dfu-util"),
    ],
)
def test_programs_that_speak_to_the_chip_start(host, command, answer):
    result = host.run(f"runuser -u developer -- {command}")
    assert result.rc == 0, result.stderr
    assert answer in result.stdout + result.stderr


def test_openocd_knows_the_probe_and_the_chips_of_libre_solar(host):
    # Without a probe it must fail at opening one, not at reading its scripts.
    for target in ("stm32l0", "stm32f0x", "stm32g4x"):
        result = host.run(
            "openocd -f interface/stlink.cfg -c 'transport select hla_swd' "
            f"-f target/{target}.cfg -c init -c shutdown"
        )
        assert result.rc == 1
        assert "open failed" in result.stderr, result.stderr


def test_developer_keeps_old_groups_and_joins_those_of_the_devices(host):
    assert {"audio", "dialout", "plugdev"} <= set(host.user("developer").groups)


def udev_about(host, vendor, product):
    """Ask what udev would do about a device with these ids, on a mocked /sys."""
    device = DEVICE.format(vendor=vendor, product=product)
    host.run_test(f"printf '%s' {shlex.quote(device)} > /tmp/probe.umockdev")
    result = host.run(
        "umockdev-run --device /tmp/probe.umockdev -- "
        "udevadm test /sys/devices/pci0000:00/0000:00:14.0/usb1/1-2 2>&1"
    )
    assert result.rc == 0, result.stdout
    return result.stdout


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_probe_belongs_to_plugdev_and_to_who_sits_there(host, product):
    said = udev_about(host, "0483", product)
    plugdev = host.group("plugdev").gid
    assert re.findall(r" MODE (\d+)", said)[-1:] == ["0660"], said
    assert re.findall(r" GROUP (\d+)", said)[-1:] == [str(plugdev)], said
    assert "uaccess" in said.split("CURRENT_TAGS=")[1].splitlines()[0], said
    assert "ID_MM_DEVICE_IGNORE=1" in said


@pytest.mark.parametrize(("vendor", "product"), [("0483", "5740"), ("1d6b", "3748")])
def test_other_devices_are_left_alone(host, vendor, product):
    assert "48-soclab-stm32.rules:" not in udev_about(host, vendor, product)


def test_rules_are_sound(host, host_has):
    if host_has["udevadm_verify"]:
        result = host.run(f"udevadm verify {RULES}")
        assert result.rc == 0, result.stdout + result.stderr
    else:  # systemd 252 says what it does not understand while it reads
        assert f"{RULES}:" not in host.run("udevadm test /sys/class/net/lo 2>&1").stdout


def test_build_tool_starts_for_everybody(host, host_has):
    tool = host_has["tool"]
    result = host.run(f"cd /tmp && runuser -u developer -- {tool} --version")
    assert result.rc == 0, result.stderr
    assert {"platformio": "6.2.0", "west": "v1.5.0"}[tool] in result.stdout


def test_only_the_chosen_tool_is_there(host, host_has):
    other = {"platformio": "west", "west": "platformio"}[host_has["tool"]]
    assert not host.exists(other)


def test_zephyrs_scripts_find_what_they_import(host, host_has):
    if host_has["tool"] != "west":
        pytest.skip("this host has PlatformIO")
    result = host.run(
        "/opt/soclab/west/bin/python -c 'import anytree, canopen, elftools, intelhex, jsonschema,"
        " packaging, pkg_resources, psutil, pykwalify, pylink, serial, tqdm, yaml'"
    )
    assert result.rc == 0, result.stderr
    assert host.run("/opt/soclab/west/bin/pip check").rc == 0


def test_the_compiler_links_a_program_for_the_charge_controller(host, host_has):
    if not host_has["toolchain"]:
        assert not host.exists("arm-none-eabi-gcc")
        return
    source = '#include <stdio.h>\nint main(void) { printf("%d", 42); return 0; }\n'
    result = host.run(
        f"cd /tmp && printf '%s' {shlex.quote(source)} | arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb"
        " --specs=nosys.specs -x c - -o firmware.elf && readelf -h firmware.elf"
    )
    assert result.rc == 0, result.stderr
    assert "ARM" in result.stdout
