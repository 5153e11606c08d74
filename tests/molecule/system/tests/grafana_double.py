"""The stand-in for Grafana, which is in none of the registries that tests can use."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

DOUBLE: Final = Path(__file__).parents[4] / "ansible/roles/grafana/molecule/double"
_INSTALL: Final = """set -e
mkdir -p /srv/double /srv/packages
tar -x -C /srv/double
export DEBIAN_FRONTEND=noninteractive
apt-get install -qq -y python3-yaml >/dev/null
/srv/double/package 12.4.1 /srv/packages
apt-get install -qq -y /srv/packages/grafana_12.4.1_all.deb >/dev/null
"""


def install(login: Sequence[str]) -> None:
    """Install it on a host; ``login`` is the ssh command that ends with the host."""
    packed = subprocess.run(
        ["tar", "-c", "-C", str(DOUBLE), "."], check=True, capture_output=True
    ).stdout
    subprocess.run([*login, _INSTALL], input=packed, check=True, capture_output=True)
