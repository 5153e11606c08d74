"""The vendor's archive counts only if the pinned key has signed it."""

import functools
import http.server
import io
import shutil
import subprocess
import tarfile
import threading

import pytest
from soclab_services.influxdb import VERSION, archive
from soclab_services.influxdb.errors import InfluxdbError
from soclab_services.influxdb.install import install

pytestmark = pytest.mark.skipif(
    not shutil.which("gpg"), reason="reason: gpg is missing, remedy: apt-get install gnupg"
)


def gpg(home, *arguments):
    done = subprocess.run(
        ["/usr/bin/gpg", "--homedir", home, "--batch", "--passphrase", "", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    home = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    gpg(home, "--quick-gen-key", "vendor@example.org", "ed25519", "sign", "never")
    listed = gpg(home, "--list-keys", "--with-colons").splitlines()
    fingerprint = next(line for line in listed if line.startswith("fpr")).split(":")[9]
    yield home, fingerprint
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)


@pytest.fixture
def vendor(signer, machine, tmp_path, monkeypatch):
    """Serve a signed archive on loopback, as the vendor does."""
    machine.real("gpg")
    home, fingerprint = signer
    site = tmp_path / "site"
    site.mkdir()
    name = archive.archive_name()
    program = f'#!/bin/sh\necho "InfluxDB v{VERSION} (git: abc)"\n'.encode()
    with tarfile.open(site / name, "w:gz") as tar:
        for path, data in (("README.md", b"read me"), ("usr/bin/influxd", program)):
            member = tarfile.TarInfo(f"influxdb2-{VERSION}/{path}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    gpg(home, "--armor", "--detach-sign", str(site / name))
    (site / "key").write_text(gpg(home, "--armor", "--export"))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=site)
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(archive, "RELEASES", url)
    monkeypatch.setattr(archive, "SIGNING_KEY", f"{url}/key")
    monkeypatch.setattr(archive, "SIGNING_KEY_FINGERPRINT", fingerprint)
    yield site / name
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_signed_archive_is_unpacked_into_the_cache(vendor, machine):
    installed = install("archive", machine.said.append)
    assert installed.method == "archive"
    assert installed.path == machine.cache / VERSION / "influxd"
    assert {p.name for p in installed.path.parent.iterdir()} == {"influxd", ".lock"}
    assert "checking that key" in machine.said[1]


def test_a_changed_archive_is_refused(vendor, machine):
    vendor.write_bytes(vendor.read_bytes() + b"\0")
    with pytest.raises(InfluxdbError, match="is not signed by"):
        install("archive", machine.said.append)
    assert not (machine.cache / VERSION / "influxd").exists()


def test_a_good_signature_by_another_key_is_refused(vendor, machine, monkeypatch):
    monkeypatch.setattr(
        archive, "SIGNING_KEY_FINGERPRINT", "24C975CBA61A024EE1B631787C3D57159FC2F927"
    )
    with pytest.raises(InfluxdbError, match="is not signed by 24C975CB"):
        install("archive", machine.said.append)


def test_a_missing_file_names_its_address(vendor, machine):
    vendor.unlink()
    with pytest.raises(InfluxdbError, match="cannot be downloaded: HTTP Error 404"):
        install("archive", machine.said.append)


@pytest.mark.parametrize("machine_name", ["armv7l", "riscv64"])
def test_other_processors_have_no_archive(monkeypatch, machine_name):
    monkeypatch.setattr(archive.platform, "machine", lambda: machine_name)
    with pytest.raises(InfluxdbError, match=f"no archive for Linux on {machine_name}"):
        archive.archive_name()
