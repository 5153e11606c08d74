#!/usr/bin/python
"""Looks at a host without changing it."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.module_utils.basic import AnsibleModule

if TYPE_CHECKING:
    from collections.abc import Iterable

DOCUMENTATION = """
module: check_host
short_description: Look at clock, disks, package system and connections of a host
description: Changes nothing.
options:
  directories:
    description: Where to look for free space; one that does not exist yet counts as its parent.
    type: list
    elements: str
    default: []
  connect:
    description: HOST:PORT pairs that the host must be able to reach.
    type: list
    elements: str
    default: []
  timeout_s:
    description: How long a connection may take.
    type: float
    default: 5
author: soclab
"""

EXAMPLES = """
- name: Look at the host
  check_host:
    directories: [/var/lib/soclab]
    connect: ["server.lab:8086"]
"""

RETURN = """
epoch_s: {description: The host's time., type: float, returned: always}
free_mb: {description: Free space by directory., type: dict, returned: always}
not_reached: {description: Reason by HOST:PORT that was not reached., type: dict, returned: always}
dpkg_interrupted: {description: Whether a package was left half installed., type: bool,
  returned: always}
"""


def free_mb(directory: str) -> int:
    """Return the space that an ordinary user has in a directory or its nearest parent."""
    path = Path(directory)
    while not path.exists():
        path = path.parent
    state = os.statvfs(path)
    return state.f_bavail * state.f_frsize // 1_000_000


def connection_problem(address: str, timeout_s: float) -> str | None:
    """Return why nothing answers there; that nothing listens yet is an answer, too."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout_s).close()
    except ConnectionRefusedError:
        return None
    except socket.gaierror as error:
        return f"its name is unknown there: {error.strerror}"
    except socket.timeout:  # noqa: UP041  not TimeoutError before Python 3.10
        return f"no answer within {timeout_s:g} s"
    except OSError as error:
        return error.strerror or str(error)
    return None


def dpkg_interrupted(updates: Path = Path("/var/lib/dpkg/updates")) -> bool:
    """Tell what apt calls interrupted: a numbered file in dpkg's journal."""
    return any(file.name.isdigit() for file in _files(updates))


def _files(directory: Path) -> Iterable[Path]:
    return directory.iterdir() if directory.is_dir() else ()


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "directories": {"type": "list", "elements": "str", "default": []},
            "connect": {"type": "list", "elements": "str", "default": []},
            "timeout_s": {"type": "float", "default": 5},
        },
        supports_check_mode=True,
    )
    given = module.params
    problems = {a: connection_problem(a, given["timeout_s"]) for a in given["connect"]}
    module.exit_json(
        changed=False,
        epoch_s=time.time(),
        free_mb={directory: free_mb(directory) for directory in given["directories"]},
        not_reached={address: why for address, why in problems.items() if why},
        dpkg_interrupted=dpkg_interrupted(),
    )


if __name__ == "__main__":
    main()
