"""What a Pi is after its first boot from the card."""

import os
import re
import subprocess

import pytest

CARDS = f"{os.environ['MOLECULE_EPHEMERAL_DIRECTORY']}/cards"


@pytest.fixture
def cloud_init(host):
    if host.system_info.codename == "bookworm":
        pytest.skip("bookworm's images have custom.toml, which only Raspberry Pi OS can apply")


def name(host):
    return f"pi-{host.system_info.codename}"


def test_it_ran_the_playbook_of_its_repository_with_its_vault(host):
    said = host.file("/etc/provisioned").content_string
    # By the system's Python: no other could install Debian packages.
    assert re.fullmatch(rf"{name(host)} by /usr/bin/python3[.\d]*: found in the vault\n", said), (
        said
    )


def test_it_tried_again_until_the_repository_was_there(host):
    journal = host.check_output("journalctl --unit soclab-first-boot --output cat")
    assert "first boot: failed to fetch file:///srv/lab.git; next attempt in 2 s" in journal
    assert journal.rstrip().count("first boot: done") == 1
    # Ansible is installed once, whatever fails afterwards.
    assert journal.count("Collecting") == 0


def test_the_vault_password_is_gone_and_was_never_said(host):
    assert not host.file("/etc/soclab/first-boot/secret").exists
    assert host.run("grep -rlF 'a password of the vault' /etc /opt/soclab /var /root").stdout == ""
    assert "a password of the vault" not in host.check_output("journalctl --output cat")


def test_it_does_not_run_again(host):
    host.run_test("systemctl start soclab-first-boot")
    assert host.run("systemctl is-active soclab-first-boot").stdout.strip() == "inactive"
    show = host.check_output("systemctl show soclab-first-boot --property ConditionResult,Result")
    assert "ConditionResult=no" in show
    assert "Result=success" in show


def test_the_rest_of_the_boot_did_not_wait_for_it(host):
    said = host.check_output("systemctl list-jobs --no-legend")
    assert said in {"", "No jobs running."}
    ask = "systemctl show --timestamp=unix --property ActiveEnterTimestamp --value "
    ready = int(host.check_output(ask + "multi-user.target").removeprefix("@"))
    done = int(host.check_output("stat --format %Y /var/lib/soclab/first-boot/done"))
    assert ready < done


@pytest.mark.usefixtures("cloud_init")
def test_cloud_init_understands_and_applied_everything(host):
    status = host.run("cloud-init status --long")
    assert "status: done" in status.stdout, status.stdout
    seed = "/var/lib/cloud/seed/nocloud"
    for kind, file in (("cloud-config", "user-data"), ("network-config", "network-config")):
        result = host.run(f"cloud-init schema --schema-type {kind} --config-file {seed}/{file}")
        assert result.rc == 0, result.stdout + result.stderr
    assert host.check_output("hostname") == name(host)
    assert host.check_output("readlink -f /etc/localtime").endswith("/Europe/Berlin")
    assert "LANG=de_DE.UTF-8" in host.check_output("cat /etc/default/locale /etc/locale.conf")
    assert "de_DE.utf8" in host.check_output("locale -a")


@pytest.mark.usefixtures("cloud_init")
def test_the_user_gets_in_by_key_and_only_so(host):
    address = host.check_output("hostname -I").split()[0]
    ssh = ["ssh", "-n", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    key = ["-o", "IdentitiesOnly=yes", "-i", f"{CARDS}/official/id_ed25519"]
    got = subprocess.run(
        [*ssh, *key, f"lab@{address}", "sudo -n id -u"], capture_output=True, text=True, check=False
    )
    assert got.stdout == "0\n", got.stderr
    offered = subprocess.run(
        [*ssh, "-o", "PubkeyAuthentication=no", f"lab@{address}", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert offered.returncode == 255
    assert "Permission denied (publickey)" in offered.stderr
    assert host.check_output("passwd --status lab").split()[1] == "L"


def test_bookworm_asks_raspi_config_for_its_language_once(host):
    if host.system_info.codename != "bookworm":
        pytest.skip("trixie's language is set by cloud-init")
    host.run_test("systemctl start soclab-locale")
    said = host.file("/var/log/raspi-config").content_string
    assert said == "nonint do_change_locale de_DE.UTF-8\n"
