"""Files in the boot partition, through mtools."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from . import ImageError

if TYPE_CHECKING:
    from pathlib import Path


class Fat:
    """A FAT file system that begins somewhere in an image."""

    def __init__(self, image: Path, offset: int) -> None:
        self.drive = f"{image}@@{offset}"

    def _run(self, *command: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        # A Pi's clock is unset at first boot; local time in FAT is as good as any.
        environment = os.environ | {"MTOOLSRC": "/dev/null", "LC_ALL": "C"}
        program, *arguments = command
        return subprocess.run(
            [program, "-i", self.drive, *arguments],
            input=data,
            capture_output=True,
            check=False,
            env=environment,
        )

    def exists(self, name: str) -> bool:
        """Whether the top folder has this file."""
        return self._run("mdir", "-b", f"::/{name}").returncode == 0

    def read(self, name: str) -> bytes:
        """Content of a file in the top folder."""
        result = self._run("mtype", f"::/{name}")
        if result.returncode:
            raise ImageError(f"boot partition: {name}: {result.stderr.decode().strip()}")
        return result.stdout

    def write(self, name: str, content: bytes) -> None:
        """Write a file into the top folder, over what has that name, and read it back."""
        result = self._run("mcopy", "-D", "o", "-", f"::/{name}", data=content)
        if result.returncode:
            raise ImageError(f"boot partition: {name}: {result.stderr.decode().strip()}")
        if self.read(name) != content:
            raise ImageError(f"boot partition: {name} does not read back as it was written")
