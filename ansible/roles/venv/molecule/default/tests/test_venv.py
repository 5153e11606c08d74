"""What the venv role leaves on a host, after an aborted run and two upgrades."""

LINK = "/opt/soclab/collectors"
VERSIONS = "ls -d /opt/soclab/collectors-*"
PINNED = {"msgspec", "pymodbus", "pyserial", "urllib3"}


def _upgrade(host, folder):
    code = "import soclab_collectors as s; print(s.UPGRADE)"
    return host.check_output(f"{folder}/bin/python -I -c '{code}'")


def test_programs_run_for_any_user(host):
    program = f"{LINK}/bin/soclab-collector"
    assert "validate" in host.check_output(f"setpriv --reuid=65534 --clear-groups {program} --help")


def test_only_what_is_pinned_is_installed(host):
    code = "import importlib.metadata as m; print(*[d.name for d in m.distributions()])"
    names = set(host.check_output(f"{LINK}/bin/python -c '{code}'").split())
    extra = {"labjack-ljm"} if host.backend.host == "deb13" else set()
    assert names == PINNED | extra | {"soclab-collectors"}


def test_the_newest_version_is_in_use_and_the_one_before_is_kept(host):
    versions = host.check_output(VERSIONS).split()
    assert len(versions) == 2
    used = host.check_output(f"realpath {LINK}")
    (before,) = set(versions) - {used}
    assert _upgrade(host, used) == "second"
    assert _upgrade(host, before) == "first"


def test_nothing_can_be_written_by_others(host):
    assert host.check_output("find /opt/soclab/ -not -type l -perm /022 -o -not -user root") == ""
