"""Files in the root partition, through debugfs."""

from __future__ import annotations

import re
import stat
import subprocess
import tempfile
from pathlib import Path, PurePosixPath

from . import ImageError

# What every name that we write is made of; debugfs has no quoting to rely on.
SAFE = re.compile(r"^(/[A-Za-z0-9@._-]+)+$")


class Ext4:
    """An ext4 file system that begins somewhere in an image; what is written belongs to root."""

    def __init__(self, image: Path, offset: int) -> None:
        self.device = f"{image}?offset={offset}"

    def _debugfs(self, *requests: str, write: bool = False) -> str:
        result = subprocess.run(
            ["debugfs", *(["-w"] if write else []), "-f", "-", self.device],
            input="".join(f"{request}\n" for request in requests).encode(),
            capture_output=True,
            check=False,
        )
        # debugfs ends well even if a request failed: what matters is read back by the callers.
        errors = [line for line in result.stderr.decode().splitlines() if "debugfs 1." not in line]
        if result.returncode or any("opening filesystem" in line for line in errors):
            raise ImageError(f"root partition: {'; '.join(errors)}")
        return result.stdout.decode(errors="replace")

    def check(self) -> None:
        """Raise unless the file system is whole and has no journal left to replay."""
        result = subprocess.run(
            ["e2fsck", "-f", "-n", self.device], capture_output=True, check=False
        )
        if result.returncode:
            said = result.stdout.decode(errors="replace").strip().splitlines()
            raise ImageError(f"root partition: e2fsck: {'; '.join(said[-5:])}")

    def mode(self, path: str) -> int | None:
        """Type and permissions, None if there is no such file."""
        said = self._debugfs(f"stat {path}")
        found = re.search(r"Type: (\w+(?: \w+)?)\s+Mode:\s+(\d+)", said)
        if not found:
            return None
        kinds = {"regular": stat.S_IFREG, "directory": stat.S_IFDIR, "symlink": stat.S_IFLNK}
        return kinds.get(found[1], 0) | int(found[2], 8)

    def read(self, path: str) -> bytes | None:
        """Content of a regular file, None if there is none."""
        mode = self.mode(path)
        if mode is None or not stat.S_ISREG(mode):
            return None
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "file"
            self._debugfs(f"dump {path} {copy}")
            return copy.read_bytes()

    def make_folder(self, path: str, mode: int = 0o755) -> None:
        """Make a folder and what lies above it; one that is there keeps its permissions."""
        _check_name(path)
        if self.mode(path) is not None:
            return
        if (parent := PurePosixPath(path).parent) != PurePosixPath("/"):
            self.make_folder(str(parent))
        self._debugfs(f"mkdir {path}", *_owned(path, stat.S_IFDIR | mode), write=True)
        self._expect(path, stat.S_IFDIR | mode)

    def write(self, path: str, content: bytes, mode: int) -> None:
        """Write a file, over what has that name, and read it back."""
        _check_name(path)
        folder, name = str(PurePosixPath(path).parent), PurePosixPath(path).name
        self.make_folder(folder)
        replace = [f"rm {path}"] if self.mode(path) is not None else []
        with tempfile.NamedTemporaryFile() as source:  # mode 0600
            source.write(content)
            source.flush()
            self._debugfs(
                *replace,
                f"cd {folder}",
                f"write {source.name} {name}",
                *_owned(path, stat.S_IFREG | mode),
                write=True,
            )
        self._expect(path, stat.S_IFREG | mode)
        if self.read(path) != content:
            raise ImageError(f"root partition: {path} does not read back as it was written")

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link, over what has that name."""
        _check_name(path)
        folder, name = str(PurePosixPath(path).parent), PurePosixPath(path).name
        self.make_folder(folder)
        replace = [f"rm {path}"] if self.mode(path) is not None else []
        self._debugfs(*replace, f"cd {folder}", f"symlink {name} {target}", write=True)
        self._expect(path, stat.S_IFLNK | 0o777)

    def _expect(self, path: str, mode: int) -> None:
        found = self.mode(path)
        if found != mode:
            raise ImageError(
                f"root partition: {path} was not written (mode {found and oct(found)}): is it full?"
            )


def _check_name(path: str) -> None:
    if not SAFE.match(path):
        raise ImageError(f"root partition: {path!r} is no name that can be written")


def _owned(path: str, mode: int) -> list[str]:
    fields = {"mode": f"0{mode:o}", "uid": "0", "gid": "0"}
    return [f"set_inode_field {path} {field} {value}" for field, value in fields.items()]
