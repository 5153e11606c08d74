"""Measures provisioning: bare systemd hosts into a lab, again, and four Raspberry Pis beside one.

    sudo .venv/bin/python -m benchmarks.deploy

Needs root and Linux for its virtual hosts (scripts/nspawn-hosts); elsewhere it measures nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from benchmarks.figure import figure
from tests.molecule.system.tests import grafana_double

ROOT: Final = Path(__file__).parents[1]
DEMO: Final = ROOT / "inventories/demo"
NET: Final = "10.203.79"
PIS: Final = {f"pi{number}": f"{NET}.{20 + number}" for number in range(1, 6)}
ONE, FOUR = ["pi1"], ["pi2", "pi3", "pi4", "pi5"]
# What this machine can reach, rather than the vendors' repositories.
ENV: Final = os.environ | {
    "NSPAWN_HOSTS_DIR": "/var/tmp/soclab-bench",  # noqa: S108  root's own; overlays need a real disk
    "NSPAWN_PREFIX": "bench",
    "NSPAWN_NET": NET,
    "LAB_INFLUXDB": "source",
    "LAB_GRAFANA": "preinstalled",
}


def main() -> int:
    """Measure, and leave nothing behind."""
    check = _hosts("check")
    if check.returncode:
        print(f"nothing is measured here: {check.stderr.strip()}")
        return 0
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _inventory(folder)
            _measure(folder)
    finally:
        _hosts("clean")
    return 0


def _measure(folder: Path) -> None:
    for host, address in {"server": f"{NET}.10", **PIS}.items():
        _must(_hosts("up", host, address))
    known = f"-oUserKnownHostsFile={ENV['NSPAWN_HOSTS_DIR']}/known_hosts"
    key = f"{ENV['NSPAWN_HOSTS_DIR']}/id_ed25519"
    grafana_double.install(["ssh", "-q", "-i", key, known, f"root@{NET}.10"])
    lab = ["--limit", ",".join(["localhost", "server", *ONE])]
    figure("server and one Pi, from bare hosts", _play(folder, "site.yml", *lab), "s", at_most=360)
    figure("the same again, nothing to change", _play(folder, "site.yml", *lab), "s", at_most=60)
    figure("one Pi again, nothing to change", _play(folder, "site.yml", "--limit", ONE[0]), "s")
    # The first Pi of a run is the one that builds the wheel; here it is built for both.
    _must(_hosts("down", ONE[0]))
    _must(_hosts("up", ONE[0], PIS[ONE[0]]))
    one_s = _play(folder, "site.yml", "--limit", ONE[0])
    four_s = _play(folder, "site.yml", "--limit", ",".join(FOUR))
    figure("one bare Pi beside a server that is there", one_s, "s")
    figure("four bare Pis in one run", four_s, "s")
    figure("four Pis beside one", four_s / one_s, "times", at_most=4)


def _play(folder: Path, playbook: str, *arguments: str) -> float:
    began = time.monotonic()
    _must(
        subprocess.run(
            [
                str(ROOT / ".venv/bin/ansible-playbook"), "-i", str(folder),
                "-e", f"@{folder / 'vault.yml'}", f"ansible/{playbook}", *arguments,
            ],
            cwd=ROOT, env=ENV, capture_output=True, text=True, check=False,
        )
    )  # fmt: skip
    return time.monotonic() - began


def _hosts(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "scripts/nspawn-hosts"), *arguments]
    return subprocess.run(command, env=ENV, capture_output=True, text=True, check=False)


def _must(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        sys.exit(f"{' '.join(done.args)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def _inventory(folder: Path) -> None:
    """Write the demo inventory with five Pis in it."""
    import yaml  # noqa: PLC0415  it comes with Ansible
    from soclab_services.inventory.vault import plain_vault  # noqa: PLC0415

    hosts = yaml.safe_load((DEMO / "hosts.yml").read_text(encoding="utf-8"))
    groups = hosts["all"]["children"]
    groups["servers"]["hosts"] = {"server": {"ansible_host": f"{NET}.10"}}
    groups["pis"]["hosts"] = {
        name: {"ansible_host": address, "lab_site": name}  # all have the same instruments
        for name, address in PIS.items()
    }
    groups["simulated"]["hosts"] = dict.fromkeys(PIS)
    (folder / "hosts.yml").write_text(yaml.safe_dump(hosts), encoding="utf-8")
    (folder / "group_vars").symlink_to(DEMO / "group_vars")
    (folder / "host_vars").mkdir()
    for name in PIS:
        (folder / "host_vars" / name).symlink_to(DEMO / "host_vars/pi")
    (folder / "vault.yml").touch(mode=0o600)
    (folder / "vault.yml").write_text(plain_vault("demo", webhook=""), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
