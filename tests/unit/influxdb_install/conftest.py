"""A machine with nothing on it: an empty cache, an empty PATH, and programs made of shell."""

import os

import pytest


class Machine:
    """Where the test puts programs, and what installation said."""

    def __init__(self, folder, monkeypatch):
        self.bin = folder / "bin"
        self.cache = folder / "cache" / "soclab" / "influxdb"
        self.said = []
        self.bin.mkdir()
        monkeypatch.setenv("PATH", str(self.bin))
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))

    def program(self, name, script, folder=None):
        path = (folder or self.bin) / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def influxd(self, version, folder=None):
        return self.program("influxd", f'echo "InfluxDB {version} (git: none)"', folder)

    def real(self, *names):
        """Let programs of the real machine be found."""
        for name in names:
            found = next(
                f"{folder}/{name}"
                for folder in ("/usr/bin", "/bin")
                if os.access(f"{folder}/{name}", os.X_OK)
            )
            (self.bin / name).symlink_to(found)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    return Machine(tmp_path, monkeypatch)
