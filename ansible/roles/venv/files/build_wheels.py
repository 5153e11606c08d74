"""Builds what a virtual environment of one workspace package is installed from.

Prints JSON: ``identity`` names the content, ``folder`` holds requirements.txt and ``files`` (our
wheels, and with ``--python`` and ``--architecture`` all others too), ``built`` tells whether
anything had to be made. The cache is keyed by content: asked again it answers in a moment.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packaging.requirements import Requirement  # comes with Ansible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "soclab"
REQUIREMENTS: Final = "requirements.txt"
UV_OLDEST: Final = (0, 9, 0)  # as in scripts/setup
PIP: Final = "pip==26.1"  # downloads for other machines, which uv cannot
OLDEST_GLIBC: Final = 17  # manylinux2014
NEWEST_GLIBC: Final = 36  # Debian 12
_IGNORED: Final = {"__pycache__", "dist", "build"}


def main() -> int:
    """Run the program and return its exit code."""
    options = _arguments()
    try:
        uv = find_uv()
        recipe = Recipe(uv, options)
        folder = CACHE / "wheels" / f"{options.package}-{recipe.key()}"
        with locked(CACHE / "wheels.lock"):  # hosts are served side by side
            built = not folder.exists()
            if built:
                make(folder, recipe.build)
    except (OSError, RuntimeError) as error:
        print(f"build_wheels: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(json.dumps(describe(folder, built=built)))  # noqa: T201
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", type=Path, required=True)
    parser.add_argument("--package", required=True)
    parser.add_argument("--extra", action="append", default=[])
    parser.add_argument("--no-hashes", action="store_true")
    parser.add_argument("--python", help="with --architecture: bring all wheels, for this Python")
    parser.add_argument("--architecture", help="such as aarch64")
    parser.add_argument("--extra-index-url", action="append", default=[])
    return parser.parse_args()


class Recipe:
    """How to make the folder for one package."""

    def __init__(self, uv: Path, options: argparse.Namespace) -> None:
        self._uv = uv
        self._options = options
        exported = run(
            [uv, "export", "--locked", "--no-dev", "--no-header", "--no-annotate"]
            + ["--package", options.package]
            + [f"--extra={extra}" for extra in options.extra]
            + (["--no-hashes"] if options.no_hashes else []),
            cwd=options.repository,
        )
        lines = exported.splitlines(keepends=True)
        self._third_party = "".join(line for line in lines if not line.startswith("-e "))
        self._members = [
            options.repository / line.removeprefix("-e ").strip()
            for line in lines
            if line.startswith("-e ")
        ]

    def key(self) -> str:
        """Return a hash of everything that the result depends on."""
        options = self._options
        parts = [Path(__file__).read_text(encoding="utf-8"), self._third_party]
        parts += [str(options.no_hashes), str(options.python), str(options.architecture)]
        parts += options.extra_index_url
        digest = hashlib.sha256("\0".join(parts).encode())
        for member in self._members:
            for path in sources(member):
                digest.update(f"\0{path.relative_to(member)}\0".encode())
                digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    def build(self, folder: Path) -> None:
        """Fill ``folder``."""
        for member in self._members:
            project = tomllib.loads((member / "pyproject.toml").read_text(encoding="utf-8"))
            command = [self._uv, "build", "--wheel", "--no-create-gitignore", "--out-dir", folder]
            run([*command, "--package", project["project"]["name"]], cwd=self._options.repository)
        requirements = self._third_party + "".join(
            f"./{wheel.name} {self._hash_of(wheel)}\n" for wheel in sorted(folder.glob("*.whl"))
        )
        (folder / REQUIREMENTS).write_text(requirements, encoding="utf-8")
        if self._options.architecture:
            self._download(folder)

    def _hash_of(self, wheel: Path) -> str:
        """Return the hash as pip wants it, or as a comment: it is part of the identity."""
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        return f"# sha256:{digest}" if self._options.no_hashes else f"--hash=sha256:{digest}"

    def _download(self, folder: Path) -> None:
        """Bring the wheels of everybody else, for a machine that is not this one."""
        options = self._options
        version = "".join(options.python.split(".")[:2])
        with tempfile.TemporaryDirectory() as scratch:
            wanted = Path(scratch) / REQUIREMENTS
            wanted.write_text(
                needed_there(self._third_party, options.python, options.architecture),
                encoding="utf-8",
            )
            run(
                [self._uv, "tool", "run", "--from", PIP, "pip", "download", "--quiet", "--no-deps"]
                + ["--only-binary=:all:", "--dest", str(folder), "--requirement", wanted]
                + ["--python-version", version, "--implementation", "cp"]
                + [f"--abi={abi}" for abi in (f"cp{version}", "abi3", "none")]
                + [f"--platform={tag}" for tag in platform_tags(options.architecture)]
                + [f"--extra-index-url={url}" for url in options.extra_index_url]
            )


def needed_there(requirements: str, python: str, architecture: str) -> str:
    """Return the requirements without those for other machines.

    pip would judge ``; python_version < …`` by the Python and the machine that it runs on itself.
    """
    environment = {
        "python_version": ".".join(python.split(".")[:2]),
        "python_full_version": python,
        "platform_machine": architecture,
    }
    needed = []
    for entry in requirements.replace("\\\n", "").splitlines():
        requirement, *hashes = entry.split(" --hash=")
        marker = Requirement(requirement).marker
        if marker is None or marker.evaluate(environment):
            pinned = requirement.partition(";")[0].strip()
            needed.append(" ".join([pinned, *(f"--hash={h.strip()}" for h in hashes)]))
    return "\n".join(needed) + "\n"


def platform_tags(architecture: str) -> list[str]:
    """Return the tags of wheels that run there: manylinux of every glibc that is old enough."""
    tags = [f"manylinux_2_{n}_{architecture}" for n in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)]
    # 32-bit ARM has hardly any manylinux wheels; piwheels names its own "linux".
    return [*tags, f"manylinux2014_{architecture}", f"linux_{architecture}"]


def sources(member: Path) -> list[Path]:
    """Return the files of a package, in order."""
    return sorted(
        path
        for path in member.rglob("*")
        if path.is_file()
        and not any(
            part in _IGNORED or part.startswith(".") or part.endswith(".egg-info")
            for part in path.relative_to(member).parts
        )
    )


def make(folder: Path, fill: Callable[[Path], None]) -> None:
    """Make a folder that is there as a whole or not at all."""
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    draft.mkdir(parents=True)
    try:
        fill(draft)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft)
        raise


def describe(folder: Path, *, built: bool) -> dict[str, object]:
    """Return what the role wants to know."""
    requirements = (folder / REQUIREMENTS).read_bytes()
    return {
        "built": built,
        "folder": str(folder),
        "identity": hashlib.sha256(requirements).hexdigest()[:12],
        "files": sorted(path.name for path in folder.glob("*.whl")),
    }


def find_uv() -> Path:
    """Return uv from the PATH if it is new enough, else the one that scripts/setup fetched."""
    candidates = sorted((CACHE / "uv").glob("*/uv"), reverse=True)
    if on_path := shutil.which("uv"):
        candidates.insert(0, Path(on_path))
    for candidate in candidates:
        version = run([candidate, "--version"]).split()[1]
        if tuple(int(part) for part in version.split(".")[:3] if part.isdigit()) >= UV_OLDEST:
            return candidate
    raise RuntimeError(
        "there is no uv on this machine, neither on the PATH nor where `make setup` puts it."
        " Run make setup in the repository, or install uv (https://docs.astral.sh/uv/)."
    )


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other runs of this program waiting."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(command: Sequence[object], cwd: Path | None = None) -> str:
    """Run a program and return what it printed.

    Raises
    ------
    RuntimeError
        If it fails, with what it said.
    """
    environment = {
        **os.environ,
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
    }
    environment.pop("VIRTUAL_ENV", None)  # uv would warn that it is not the repository's
    ended = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}:\n{ended.stderr.strip()}")
    return ended.stdout


if __name__ == "__main__":
    sys.exit(main())
