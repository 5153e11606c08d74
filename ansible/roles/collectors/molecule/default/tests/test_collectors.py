"""What the collectors role makes of a host: units that survive, and a token that nobody sees."""

import time

import pytest

SPOOL = "/var/lib/soclab/spool"
INSTRUMENTS = ["labjack", "load", "mppt"]
UNITS = [*(f"soclab-collector@{name}.service" for name in INSTRUMENTS), "soclab-uploader.service"]
TOKEN = "molecule-token-9f3b1c7e5a"
EXPOSURE_AT_MOST = 2.0
SINCE_THEN = "journalctl --no-pager --since=-60s --unit=soclab-uploader.service"


def show(host, unit, key):
    return host.check_output(f"systemctl show --value --property={key} {unit}")


def lines(host, name):
    """Return the whole lines in an instrument's spool; the open segment may end within one."""
    text = host.check_output(f"cat {SPOOL}/{name}/*")
    return text.split("\n")[:-1]


def readings(host, name):
    return sum(not line.startswith("collector,") for line in lines(host, name))


def up(host, name):
    """Return what the unit last said of its instrument: 1.0 or 0.0."""
    said = [line for line in lines(host, name) if line.startswith("collector,")]
    newest = max(said, key=lambda line: int(line.rpartition(" ")[2]))
    fields = dict(pair.split("=") for pair in newest.split(" ")[1].split(","))
    return float(fields["up"])


def until(condition, within_s):
    """Wait for a condition and return how long that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within_s, f"not within {within_s} s"
        time.sleep(0.5)
    return time.monotonic() - began


@pytest.fixture(autouse=True)
def journal_of_failures(request, host):
    """Show why a unit failed."""
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        print(host.run("journalctl --no-pager --lines=60 --unit='soclab-*'").stdout)


@pytest.mark.parametrize("unit", [*UNITS, "soclab-simulators.service"])
def test_unit_is_enabled_and_hardened(host, unit):
    assert host.service(unit).is_running
    assert host.service(unit).is_enabled
    judged = host.run(f"systemd-analyze security --no-pager {unit}").stdout
    exposure = float(judged.split("Overall exposure level for")[1].split(":")[1].split()[0])
    print(f"{unit}: {exposure}")
    assert exposure <= EXPOSURE_AT_MOST, judged
    doubts = host.run(f"systemd-analyze verify --man=no {unit}").stderr
    assert "soclab" not in doubts, doubts


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_readings_reach_the_spool(host, name):
    until(lambda: up(host, name) == 1.0, 20)
    before = readings(host, name)
    until(lambda: readings(host, name) >= before + 3, 15)


def test_first_reading_soon_after_a_bare_host(host):
    began = int(host.check_output("stat --format=%Y /root/began"))
    first = int(host.check_output(f"stat --format=%Y {SPOOL}/labjack/000000000001.*"))
    print(f"bare host to first reading in the spool: {first - began} s")
    assert 0 < first - began < 1800  # on a quiet machine: see benchmarks


def test_removed_instrument_is_gone_but_not_what_it_had_to_say(host):
    unit = "soclab-collector@spare.service"
    assert not host.service(unit).is_running
    assert unit not in host.check_output("systemctl list-units --all --plain --no-legend")
    assert host.run(f"ls -d /etc/systemd/system/{unit}.d").rc != 0
    assert host.run(f"ls /etc/systemd/system/*.wants/{unit}").rc != 0
    assert "up=0" in host.check_output(f"cat {SPOOL}/spare/*")


def test_a_change_restarts_only_whom_it_concerns(host):
    before = dict(map(str.split, host.file("/root/processes").content_string.splitlines()))
    same = {unit: show(host, unit, "MainPID") == before[unit] for unit in UNITS}
    assert same == {unit: unit != "soclab-collector@labjack.service" for unit in UNITS}
    settled = readings(host, "labjack")
    time.sleep(4)
    assert readings(host, "labjack") - settled >= 4 * 4 - 4  # now 4 Hz, 2 Hz before


def test_serial_device_is_shared_with_the_group_only(host):
    ports = host.check_output("realpath /dev/serial/by-id/*").split()
    assert len(ports) == 2
    for port in ports:
        assert (host.file(port).group, host.file(port).mode) == ("soclab", 0o660)


def test_udev_rules_are_understood(host):
    said = host.run("udevadm test --action=add /devices/virtual/mem/null")
    ours = [row for row in (said.stdout + said.stderr).splitlines() if "91-soclab.rules" in row]
    assert ours, "the rules were not read"
    assert all("Reading rules file" in row or "read rules file" in row.lower() for row in ours)


def test_frozen_collector_is_restarted_by_its_watchdog(host):
    unit = "soclab-collector@load.service"
    restarts = int(show(host, unit, "NRestarts"))
    host.check_output(f"kill -STOP {show(host, unit, 'MainPID')}")
    until(lambda: int(show(host, unit, "NRestarts")) > restarts, 60)
    before = readings(host, "load")
    until(lambda: readings(host, "load") > before, 20)


def test_killed_collector_comes_back_and_loses_nothing(host):
    unit = "soclab-collector@labjack.service"
    before = lines(host, "labjack")
    host.check_output(f"kill -KILL {show(host, unit, 'MainPID')}")
    until(lambda: len(lines(host, "labjack")) > len(before) + 5, 20)
    assert set(before) <= set(lines(host, "labjack"))


def test_uploader_adopts_what_a_dead_collector_left(host):
    unit = "soclab-collector@mppt.service"
    until(lambda: host.run(f"ls {SPOOL}/mppt/*.open").rc == 0, 10)
    host.check_output(f"systemctl kill --signal=KILL {unit}; systemctl stop {unit}")
    before = lines(host, "mppt")
    until(lambda: host.run(f"ls {SPOOL}/mppt/*.open").rc != 0, 45)
    assert lines(host, "mppt") == before
    host.check_output(f"systemctl start {unit}")
    until(lambda: len(lines(host, "mppt")) > len(before), 15)


def test_unplugged_and_plugged_in_again(host):
    processes = [show(host, unit, "MainPID") for unit in UNITS]
    host.check_output("systemctl stop soclab-simulators.service")
    for name in INSTRUMENTS:
        until(lambda name=name: up(host, name) == 0.0, 30)
    host.check_output("systemctl start soclab-simulators.service")
    for name in INSTRUMENTS:
        took_s = until(lambda name=name: up(host, name) == 1.0, 30)
        print(f"{name}: up again after {took_s:.1f} s")
    assert [show(host, unit, "MainPID") for unit in UNITS] == processes


def test_only_root_and_the_uploader_have_the_token(host):
    as_collector = "setpriv --reuid=soclab-collector --regid=soclab --clear-groups"
    for file in (
        "/etc/soclab/credentials/influxdb_token",
        "/run/credentials/soclab-uploader.service/influxdb_token",
    ):
        assert host.check_output(f"cat {file}") == TOKEN
        assert host.run(f"{as_collector} cat {file}").rc != 0


def test_nobody_else_sees_the_token(host):
    host.check_output("systemctl restart soclab-uploader.service")
    for command in (
        "journalctl --no-pager",
        "systemctl show --no-pager '*'",
        "systemctl cat --no-pager 'soclab-*'",
    ):
        assert (
            host.check_output(f"{command} | grep --count --fixed-strings '{TOKEN[:10]}' || :")
            == "0"
        )
    # pieces joined by the shell, or the search would find itself
    pattern = f"'{TOKEN[:10]}''{TOKEN[10:]}'"
    found = host.run(
        f"p={pattern}; for f in /proc/[0-9]*/cmdline /proc/[0-9]*/environ; do"
        ' case $f in /proc/$$/*) ;; *) grep -lzF -e "$p" "$f" 2>/dev/null ;; esac; done'
    ).stdout
    assert found == ""
    found = host.run(
        f"find / -xdev -type f -perm /o+r -size -4M -exec grep -lF -e {pattern} {{}} +"
    ).stdout
    assert found == ""


# The last one: it empties the spool.
def test_readings_with_a_date_arrive_when_the_server_is_back(host):
    waiting = set()
    for name in INSTRUMENTS:
        host.check_output(f"systemctl stop soclab-collector@{name}.service")
    for name in [*INSTRUMENTS, "spare"]:
        waiting.update(lines(host, name))
    host.check_output(f"echo {TOKEN} > /root/token; rm -f /root/lines")
    host.check_output("systemd-run --unit=molecule-server python3 /root/server.py")
    until(lambda: host.run("ss -Hltn 'sport = :8086' | grep -q .").rc == 0, 30)
    dated = host.check_output(f"ls {SPOOL}/_boots 2>/dev/null || :")
    if not dated:  # with nothing that it may send it asks for the server only when it starts
        host.check_output("systemctl restart soclab-uploader.service")
    try:
        until(lambda: "takes data" in host.check_output(SINCE_THEN), 60)
        if dated:
            folders = " ".join(f"{SPOOL}/{name}" for name in [*INSTRUMENTS, "spare"])
            until(lambda: host.check_output(f"find {folders} -type f") == "", 30)
            arrived = set(host.check_output("cat /root/lines").splitlines())
            assert waiting <= arrived
            assert waiting <= set(host.check_output(f"cat {SPOOL}/_archive/*/*").splitlines())
        else:  # the kernel of this machine does not know that its clock is right
            time.sleep(5)
            assert host.run("test -s /root/lines").rc != 0
            assert waiting <= {line for n in [*INSTRUMENTS, "spare"] for line in lines(host, n)}
    finally:
        host.check_output("systemctl stop molecule-server.service")
        for name in INSTRUMENTS:
            host.check_output(f"systemctl start soclab-collector@{name}.service")
