"""The preflight changes nothing, on any of its ways out."""


def test_nothing_was_written(host):
    # Ansible's own folder, and what a login leaves.
    written = host.check_output(
        "find /etc /opt /root /srv /usr /var/lib -xdev -newer /root/before -type f"
        " -not -path '/root/.ansible/*' -not -path '/var/lib/systemd/*'"
    )
    assert written == ""


def test_no_package_was_installed(host):
    assert host.check_output("find /var/lib/dpkg/info -newer /root/before") == ""
