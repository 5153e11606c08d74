"""InfluxDB from its vendor: one archive, trusted because of the vendor's pinned signing key.

The vendor signs every archive (``.asc``). The fingerprint below is the one that InfluxData's own
container recipe for this version checks, so neither the download server nor the key that it hands
out needs to be trusted.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soclab_services.influxdb import VERSION
from soclab_services.influxdb.errors import InfluxdbError

if TYPE_CHECKING:
    from collections.abc import Callable

RELEASES: Final = f"https://dl.influxdata.com/influxdb/releases/v{VERSION}"
SIGNING_KEY: Final = "https://repos.influxdata.com/influxdata-archive.key"
SIGNING_KEY_FINGERPRINT: Final = "24C975CBA61A024EE1B631787C3D57159FC2F927"
ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
_TIMEOUT_S: Final = 10.0  # of silence; a server that cannot be reached should not cost a minute


def install_from_archive(folder: Path, say: Callable[[str], None]) -> Path:
    """Download, verify and unpack; return influxd within ``folder``."""
    name = archive_name()
    if not shutil.which("gpg"):
        raise InfluxdbError(
            "gpg is not installed, so the archive's signature could not be checked",
            "Install it (Debian: apt-get install gnupg).",
        )
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        archive, signature, key = (Path(scratch) / file for file in ("tar.gz", "asc", "key"))
        say(f"downloading {RELEASES}/{name} (about 50 MB)")
        download(f"{RELEASES}/{name}.asc", signature)
        download(SIGNING_KEY, key)
        download(f"{RELEASES}/{name}", archive)
        say(f"checking that key {SIGNING_KEY_FINGERPRINT} signed it")
        verify(archive, signature, key, Path(scratch) / "gnupg")
        return _unpack(archive, folder)


def archive_name() -> str:
    """Return the file name of the archive for this machine."""
    architecture = ARCHITECTURES.get(platform.machine())
    if platform.system() != "Linux" or architecture is None:
        raise InfluxdbError(
            f"the vendor has no archive for {platform.system()} on {platform.machine()}",
            "Build it from source, or put influxd on PATH.",
        )
    return f"influxdb2-{VERSION}_linux_{architecture}.tar.gz"


def download(url: str, target: Path) -> None:
    """Write what is at ``url`` into a file; proxies are taken from the environment."""
    try:
        with (
            urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response,  # noqa: S310  constants
            target.open("wb") as file,
        ):
            shutil.copyfileobj(response, file)
    except OSError as error:  # URLError among them, whose own text is "<urlopen error …>"
        status = isinstance(error, urllib.error.HTTPError)
        reason = error if status else getattr(error, "reason", error)
        raise InfluxdbError(
            f"{url} cannot be downloaded: {reason}", "Check the connection and any proxy."
        ) from error


def verify(archive: Path, signature: Path, key: Path, gnupg_home: Path) -> None:
    """Refuse an archive that the pinned key has not signed."""
    gnupg_home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(gnupg_home), "--batch", "--no-autostart", "--status-fd", "1"]
    subprocess.run([*gpg, "--import", str(key)], capture_output=True, check=False)
    check = subprocess.run(
        [*gpg, "--verify", str(signature), str(archive)],
        capture_output=True,
        text=True,
        check=False,
    )
    # "VALIDSIG <signing key> … <primary key>": https://github.com/gpg/gnupg/blob/master/doc/DETAILS
    signers = [
        line.split()[-1]
        for line in check.stdout.splitlines()
        if line.startswith("[GNUPG:] VALIDSIG ")
    ]
    if check.returncode or signers != [SIGNING_KEY_FINGERPRINT]:
        said = " / ".join(check.stderr.strip().splitlines()[-2:])
        raise InfluxdbError(
            f"the archive is not signed by {SIGNING_KEY_FINGERPRINT} ({said})",
            "Do not use this file; build from source.",
        )


def _unpack(archive: Path, folder: Path) -> Path:
    """Take the one file that is wanted, wherever the archive has it."""
    target = folder / "influxd.unpacked"
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and Path(member.name).name == "influxd":
                source = tar.extractfile(member)
                if source is not None:
                    with target.open("wb") as file:
                        shutil.copyfileobj(source, file)
                    return target
    raise InfluxdbError("there is no influxd in the archive", "Report this: its layout changed.")
