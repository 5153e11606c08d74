"""The pi_image role: what its images hold for each release, and what it refuses before writing.

Images are read back with mtools and debugfs, so neither root nor a loop device is needed.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy import sd_card

REPOSITORY = Path(__file__).parents[2]
ROLE = REPOSITORY / "ansible/roles/pi_image"
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")

MISSING = [
    tool
    for tool in ("mcopy", "debugfs", "mkfs.fat", "mkfs.ext4", "zstd", "xz", PLAYBOOK)
    if not shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
]
pytestmark = [
    pytest.mark.skipif(
        bool(MISSING),
        reason=f"reason: {MISSING} missing, remedy: apt install mtools e2fsprogs dosfstools zstd "
        "xz-utils; scripts/setup --deploy for Ansible",
    ),
    pytest.mark.slow,
    pytest.mark.timeout(900),  # a fixture plays the playbook three times
]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43 + " me@laptop"
PASSPHRASE = "correct horse battery"
VAULT_PASSWORD = "a vault's password"
SSID = "Lab net"
WLAN_KEY = "42fd837ac0ee1be79e3129f2b070064e027a5a1df5c61c97ae64db1ddfbf6580"


@pytest.fixture(scope="module", autouse=True)
def _administrators_path() -> None:
    os.environ["PATH"] += ":/usr/sbin:/sbin"


@pytest.fixture(scope="module")
def module() -> Any:
    """Import the role's module as Ansible would."""
    module_utils = importlib.import_module("ansible.module_utils")
    module_utils.__path__.append(str(ROLE / "module_utils"))
    spec = importlib.util.spec_from_file_location("made", ROLE / "library/sd_card_image.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make official images and an inventory of Pis that want one each."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "vault-password").write_text(f"{VAULT_PASSWORD}\n")
    pull = {
        "pi_image_provisioning": "pull",
        "pi_image_pull_repository": "https://example.org/me/soclab.git",
        "pi_image_pull_inventory": "inventories/mylab",
        "pi_image_vault_password_file": str(folder / "vault-password"),
    }
    wlan = {
        "pi_image_wlan_ssid": SSID,
        "pi_image_wlan_passphrase": PASSPHRASE,
        "pi_image_wlan_country": "DE",
    }
    hosts = {
        "pi-bookworm": _official(folder, "bookworm", ".img.xz")
        | pull
        | wlan
        | {"pi_image_compression": "xz", "pi_image_locale": "de_DE.UTF-8"},
        "pi-trixie": _official(folder, "trixie", ".img") | pull | wlan,
        "pi-wired": _official(folder, "trixie", ".img"),
    }
    common = {
        "pi_image_output_dir": str(folder / "made"),
        "pi_image_authorized_keys": [KEY],
        "pi_image_user": "lab",
        "pi_image_timezone": "Europe/Berlin",
        "pi_image_keymap": "de",
    }
    _inventory(folder / "hosts.yml", hosts, common)
    return folder


def _official(folder: Path, release: str, suffix: str) -> dict[str, str]:
    path = folder / f"{release}{suffix}"
    if not path.exists():
        scratch = folder / f"{release}.scratch"
        scratch.mkdir()
        sd_card.make(path, release, scratch)
    return {"pi_image_source": str(path), "pi_image_source_sha256": _sha256(path)}


def _inventory(path: Path, hosts: dict[str, dict[str, Any]], common: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump({"pis": {"hosts": hosts, "vars": common}}))


def _sha256(path: Path) -> str:
    return subprocess.check_output(["sha256sum", path], text=True).split()[0]


def _play(inventory: Path, *arguments: str) -> dict[str, Any]:
    """Run the playbook; return what Ansible says of it, with its standard error."""
    result = subprocess.run(
        [PLAYBOOK, "-i", inventory, *arguments, "ansible/image.yml"],
        cwd=REPOSITORY,
        env=os.environ
        | {
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.timer",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    # -v puts lines before it, the timer one after it.
    document = re.search(r"^\{$.*^\}$", result.stdout, re.DOTALL | re.MULTILINE)
    assert document, result.stdout + result.stderr
    said: dict[str, Any] = json.loads(document[0])
    said["output"] = result.stdout + result.stderr
    return said


class Card:
    """A finished image, unpacked."""

    def __init__(self, folder: Path, host: str, unpacked: Path) -> None:
        names = folder.glob(f"soclab-{host}-*.img.*")
        (self.packed,) = (path for path in names if path.suffix in {".xz", ".zst"})
        tool = {".xz": ["xz"], ".zst": ["zstd", "--quiet", "--sparse"]}[self.packed.suffix]
        self.image = unpacked / f"{host}.img"
        with self.image.open("wb") as file:
            subprocess.run([*tool, "-dc", self.packed], stdout=file, check=True)

    def boot(self, name: str) -> str:
        drive = f"{self.image}@@{sd_card.BOOT_OFFSET}"
        return subprocess.check_output(["mtype", "-i", drive, f"::/{name}"], text=True)

    def boot_names(self) -> set[str]:
        drive = f"{self.image}@@{sd_card.BOOT_OFFSET}"
        said = subprocess.check_output(["mdir", "-b", "-i", drive, "::/"], text=True)
        return {line.removeprefix("::/") for line in said.splitlines()}

    def debugfs(self, request: str) -> str:
        return subprocess.check_output(
            ["debugfs", "-R", request, f"{self.image}?offset={sd_card.ROOT_OFFSET}"],
            text=True,
            stderr=subprocess.DEVNULL,
        )

    def root(self, path: str) -> str:
        return self.debugfs(f"cat {path}")

    def owner_and_mode(self, path: str) -> tuple[str, str, str] | None:
        said = self.debugfs(f"stat {path}")
        found = re.search(r"Mode:\s+(\d+).*User:\s+(\d+)\s+Group:\s+(\d+)", said, re.DOTALL)
        return (found[2], found[3], found[1]) if found else None


@pytest.fixture(scope="module")
def made(lab: Path) -> dict[str, Any]:
    before = {path: _sha256(path) for path in lab.glob("*.img*")}
    dry = _play(lab / "hosts.yml", "--check")
    untouched = not (lab / "made").exists()
    first = _play(lab / "hosts.yml", "-vvv")
    again = _play(lab / "hosts.yml")
    unpacked = lab / "unpacked"
    unpacked.mkdir()
    cards = {host: Card(lab / "made", host, unpacked) for host in first["stats"]}
    after = {path: _sha256(path) for path in before}
    return {
        "dry": dry,
        "untouched": untouched,
        "first": first,
        "again": again,
        "cards": cards,
        "originals": (before, after),
    }


def test_check_mode_foretells_and_writes_nothing(made: dict[str, Any]) -> None:
    assert {s["changed"] for s in made["dry"]["stats"].values()} == {1}, made["dry"]["output"]
    assert made["untouched"]


def test_same_inputs_change_nothing(made: dict[str, Any]) -> None:
    assert {s["changed"] for s in made["first"]["stats"].values()} == {1}, made["first"]["output"]
    assert {s["changed"] for s in made["again"]["stats"].values()} == {0}, made["again"]["output"]


def test_originals_are_unchanged(made: dict[str, Any]) -> None:
    before, after = made["originals"]
    assert before == after


def test_image_is_named_after_host_and_day_and_matches_its_checksum(made: dict[str, Any]) -> None:
    for host, card in made["cards"].items():
        assert re.fullmatch(rf"soclab-{host}-20\d\d-\d\d-\d\d\.img\.(xz|zst)", card.packed.name)
        assert card.packed.stat().st_mode & 0o777 == 0o600
        said = Path(f"{card.packed}.sha256").read_text()
        assert said == f"{_sha256(card.packed)}  {card.packed.name}\n"
    left = {path.name for path in made["cards"]["pi-wired"].packed.parent.iterdir()}
    assert not [name for name in left if name.startswith(".")]


def test_both_file_systems_are_clean(made: dict[str, Any], tmp_path: Path) -> None:
    for card in made["cards"].values():
        root = f"{card.image}?offset={sd_card.ROOT_OFFSET}"
        subprocess.run(["e2fsck", "-f", "-n", root], check=True)
        boot = tmp_path / "boot"
        with card.image.open("rb") as file:
            file.seek(sd_card.BOOT_OFFSET)
            boot.write_bytes(file.read(sd_card.BOOT_SIZE))
        subprocess.run(["fsck.fat", "-n", boot], check=True)


def test_bookworm_gets_custom_toml(made: dict[str, Any]) -> None:
    card = made["cards"]["pi-bookworm"]
    assert tomllib.loads(card.boot("custom.toml")) == {
        "config_version": 1,
        "system": {"hostname": "pi-bookworm"},
        "user": {"name": "lab"},
        "ssh": {"enabled": True, "password_authentication": False, "authorized_keys": [KEY]},
        "wlan": {
            "ssid": SSID,
            "password": WLAN_KEY,
            "password_encrypted": True,
            "hidden": False,
            "country": "DE",
        },
        "locale": {"keymap": "de", "timezone": "Europe/Berlin"},
    }
    assert card.boot("cmdline.txt") == sd_card.BOOT_FILES["bookworm"]["cmdline.txt"]
    assert "do_change_locale de_DE.UTF-8" in card.root("/etc/systemd/system/soclab-locale.service")


def test_trixie_gets_cloud_init(made: dict[str, Any]) -> None:
    card = made["cards"]["pi-trixie"]
    data = card.boot("user-data")
    assert data.startswith("#cloud-config\n")
    assert yaml.safe_load(data) == {
        "hostname": "pi-trixie",
        "manage_etc_hosts": "localhost",
        "manage_resolv_conf": False,
        "timezone": "Europe/Berlin",
        "locale": "en_GB.UTF-8",
        "keyboard": {"model": "pc105", "layout": "de"},
        "user": {
            "name": "lab",
            "shell": "/bin/bash",
            "lock_passwd": True,
            "sudo": "ALL=(ALL) NOPASSWD:ALL",
            "ssh_authorized_keys": [KEY],
        },
        "ssh_pwauth": False,
        "runcmd": [["systemctl", "enable", "--now", "ssh"]],
    }
    assert yaml.safe_load(card.boot("meta-data")) == {
        "instance-id": "soclab-pi-trixie",
        "dsmode": "local",
    }
    network = yaml.safe_load(card.boot("network-config"))["network"]
    assert network["ethernets"]["eth0"]["dhcp4"] is True
    assert network["wifis"]["wlan0"]["regulatory-domain"] == "DE"
    assert network["wifis"]["wlan0"]["access-points"] == {SSID: {"password": WLAN_KEY}}
    assert card.boot("cmdline.txt") == (
        sd_card.BOOT_FILES["trixie"]["cmdline.txt"].strip()
        + " ds=nocloud;i=soclab-pi-trixie cfg80211.ieee80211_regdom=DE\n"
    )
    assert "custom.toml" not in card.boot_names()


def test_a_wired_pi_that_waits_for_push_gets_nothing_else(made: dict[str, Any]) -> None:
    card = made["cards"]["pi-wired"]
    assert "wifis" not in yaml.safe_load(card.boot("network-config"))["network"]
    assert "regdom" not in card.boot("cmdline.txt")
    assert card.owner_and_mode("/etc/soclab") is None
    assert card.owner_and_mode("/usr/local/sbin/soclab-first-boot") is None


@pytest.mark.parametrize("host", ["pi-bookworm", "pi-trixie"])
def test_pull_is_in_the_root_partition_and_belongs_to_root(
    made: dict[str, Any], host: str, tmp_path: Path
) -> None:
    card = made["cards"][host]
    modes = {
        "/usr/local/sbin/soclab-first-boot": "0755",
        "/etc/systemd/system/soclab-first-boot.service": "0644",
        "/etc/soclab": "0755",
        "/etc/soclab/first-boot/self.yml": "0644",
        "/etc/soclab/first-boot/secret": "0700",
        "/etc/soclab/first-boot/secret/vault-password": "0600",
        # There before, and still what it was.
        "/usr/bin/raspi-config": "0755",
    }
    for path, mode in modes.items():
        assert card.owner_and_mode(path) == ("0", "0", mode), path
    script = tmp_path / "soclab-first-boot"
    script.write_text(card.root("/usr/local/sbin/soclab-first-boot"))
    subprocess.run(["sh", "-n", script], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", script], check=True)
    own = yaml.safe_load(card.root("/etc/soclab/first-boot/self.yml"))
    how = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
    assert own == {"all": {"hosts": {host: how}}}
    link = card.debugfs(
        "stat /etc/systemd/system/multi-user.target.wants/soclab-first-boot.service"
    )
    assert 'link dest: "/etc/systemd/system/soclab-first-boot.service"' in link


def test_no_passphrase_anywhere_and_the_vault_password_only_where_it_was_asked_for(
    made: dict[str, Any],
) -> None:
    for host, card in made["cards"].items():
        content = card.image.read_bytes()
        assert PASSPHRASE.encode() not in content
        assert content.count(VAULT_PASSWORD.encode()) == (0 if host == "pi-wired" else 1)
    said = made["first"]["output"]  # of a run with -vvv
    for secret in (PASSPHRASE, VAULT_PASSWORD, WLAN_KEY):
        assert secret not in said


@pytest.mark.parametrize(
    ("ssid", "passphrase", "key"),
    [  # IEEE 802.11i-2004, annex H.4.3
        ("IEEE", "password", "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"),
        (
            "ThisIsASSID",
            "ThisIsAPassword",
            "0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af",
        ),
        ("any", "AB" * 32, "ab" * 32),
    ],
)
def test_wlan_key_is_the_standards(ssid: str, passphrase: str, key: str) -> None:
    spec = importlib.util.spec_from_file_location("wlan", ROLE / "filter_plugins/wlan.py")
    assert spec is not None
    assert spec.loader is not None
    wlan = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(wlan)
    assert wlan.wlan_key(passphrase, ssid) == key


BAD_VARIABLES: dict[str, tuple[dict[str, Any], str]] = {
    "no-source": ({"pi_image_source": None}, "pi_image_source"),
    "no-checksum": ({"pi_image_source_sha256": "abc"}, "pi_image_source_sha256"),
    "plain-http": ({"pi_image_source": "http://example.org/a.img.xz"}, "https"),
    "packed-otherwise": ({"pi_image_source": "/tmp/a.zip"}, ".img.xz"),
    "no-keys": ({"pi_image_authorized_keys": []}, "at least one public SSH key"),
    "private-key": (
        {"pi_image_authorized_keys": ["-----BEGIN OPENSSH PRIVATE KEY-----"]},
        "public SSH key",
    ),
    "root-user": ({"pi_image_user": "root"}, "can't be root"),
    "bad-name": ({"pi_image_hostname": "Pi_1"}, "pi_image_hostname (Pi_1)"),
    "no-country": (
        {"pi_image_wlan_ssid": "lab", "pi_image_wlan_passphrase": PASSPHRASE},
        "pi_image_wlan_country",
    ),
    "short-phrase": (
        {
            "pi_image_wlan_ssid": "lab",
            "pi_image_wlan_passphrase": "short",
            "pi_image_wlan_country": "DE",
        },
        "8 to 63",
    ),
    "bad-timezone": ({"pi_image_timezone": "Berlin; reboot"}, "pi_image_timezone"),
    "pull-nothing": ({"pi_image_provisioning": "pull"}, "pi_image_pull_repository"),
    "pull-login": (
        {
            "pi_image_provisioning": "pull",
            "pi_image_pull_repository": "https://me:token@example.org/lab.git",
            "pi_image_pull_inventory": "inventories/lab",
        },
        "without a login",
    ),
    "pull-outside": (
        {
            "pi_image_provisioning": "pull",
            "pi_image_pull_repository": "https://example.org/lab.git",
            "pi_image_pull_inventory": "../etc",
        },
        "inside that repository",
    ),
    "idle-secret": ({"pi_image_vault_password_file": "/etc/hostname"}, "for nothing"),
    "bad-type": ({"pi_image_pull_retry_s": "soon"}, "pi_image_pull_retry_s"),
    "bad-choice": ({"pi_image_provisioning": "drop"}, "push"),
    "no-such-file": ({"pi_image_source": "/nowhere/a.img"}, "There is no /nowhere/a.img"),
}


@pytest.fixture(scope="module")
def refused(lab: Path) -> dict[str, Any]:
    good = {
        **_official(lab, "trixie", ".img"),
        "pi_image_output_dir": str(lab / "refused"),
        "pi_image_authorized_keys": [KEY],
    }
    hosts = {}
    for host, (overrides, _) in BAD_VARIABLES.items():
        wanted = good | overrides
        hosts[host] = {key: value for key, value in wanted.items() if value is not None}
    _inventory(lab / "bad.yml", hosts, {})
    return _play(lab / "bad.yml")


@pytest.mark.parametrize("case", BAD_VARIABLES)
def test_bad_variables_are_refused_by_name(refused: dict[str, Any], lab: Path, case: str) -> None:
    messages = [
        json.dumps(task["hosts"][case], ensure_ascii=False)
        for play in refused["plays"]
        for task in play["tasks"]
        if task["hosts"].get(case, {}).get("failed")
    ]
    assert messages, refused["output"]
    assert BAD_VARIABLES[case][1] in messages[-1]
    assert refused["stats"][case]["changed"] == 0
    assert not (lab / "refused").exists()


def _wanted(lab: Path, folder: Path, source: Path) -> dict[str, Any]:
    form = {
        "release": "trixie",
        "needs_files": ["/usr/bin/cloud-init"],
        "needs_arguments": ["resize"],
        "otherwise": "Take a later one.",
        "kernel_arguments": [],
        "boot_files": [{"path": "user-data", "content": "#cloud-config\n", "mode": "0644"}],
        "root_files": [{"path": "/etc/soclab/x", "content": "x" * 50_000, "mode": "0644"}],
        "root_links": [],
    }
    return {
        "source": str(source),
        "sha256": _sha256(source),
        "folder": str(folder / "made"),
        "name": "soclab-pi",
        "compression": "zst",
        "forms": [form],
    }


def _damage(kind: str, lab: Path, tmp_path: Path) -> Path:
    """Make a copy of the image that is wrong in one way."""
    bad = tmp_path / "bad.img"
    official = lab / "trixie.img"
    subprocess.run(["cp", "--sparse=always", official, bad], check=True)
    root = f"{bad}?offset={sd_card.ROOT_OFFSET}"
    if kind == "truncated":
        os.truncate(bad, sd_card.ROOT_OFFSET + 1000)
    elif kind == "truncated-xz":
        subprocess.run(["xz", "-0", bad], check=True)
        bad = bad.with_suffix(".img.xz")
        os.truncate(bad, bad.stat().st_size // 2)
    elif kind == "no-table":
        bad.write_bytes(bytes(sd_card.MIB))
    elif kind == "no-boot-partition":
        _patch(bad, 446 + 4, b"\x83")
    elif kind == "boot-not-fat":
        _patch(bad, sd_card.BOOT_OFFSET + 82, b"XFS  ")
    elif kind == "no-root-partition":
        _patch(bad, 446 + 16, bytes(16))
    elif kind == "another-release":
        release = tmp_path / "os-release"
        release.write_text("VERSION_CODENAME=bullseye\n")
        _debugfs_write(root, "rm /usr/lib/os-release", "cd /usr/lib", f"write {release} os-release")
    elif kind == "without-cloud-init":
        _debugfs_write(root, "rm /usr/bin/cloud-init")
    elif kind == "booted-before":
        subprocess.run(
            ["mcopy", "-D", "o", "-i", f"{bad}@@{sd_card.BOOT_OFFSET}", "-", "::/cmdline.txt"],
            input=sd_card.CMDLINE.encode(),
            check=True,
        )
    elif kind == "not-clean":
        _debugfs_write(root, "clri /usr/bin/raspi-config")
    elif kind == "full":
        # debugfs stops where there is no room left.
        filler = tmp_path / "filler"
        filler.write_bytes(os.urandom(sd_card.ROOT_SIZE))
        _debugfs_write(root, f"write {filler} filler")
    return bad


def _patch(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def _debugfs_write(device: str, *requests: str) -> None:
    text = "\n".join(requests).encode()
    subprocess.run(["debugfs", "-w", "-f", "-", device], input=text, check=True)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("truncated", "is cut off"),
        ("truncated-xz", "cut off or damaged"),
        ("no-table", "no partition table"),
        ("no-boot-partition", "no boot partition"),
        ("boot-not-fat", "no FAT32 file system"),
        ("no-root-partition", "no root partition"),
        ("another-release", "holds bullseye; images of trixie"),
        ("without-cloud-init", "has no /usr/bin/cloud-init. Take a later one."),
        ("booted-before", "has no resize. Take a later one."),
        ("not-clean", "e2fsck"),
        ("full", "is it full?"),
    ],
)
def test_an_unfit_image_leaves_nothing_behind(
    module: Any, lab: Path, tmp_path: Path, kind: str, message: str
) -> None:
    bad = _damage(kind, lab, tmp_path)
    before = _sha256(bad)
    with pytest.raises(module.ImageError, match=re.escape(message)):
        module.make(_wanted(lab, tmp_path, bad), dry_run=False)
    folder = tmp_path / "made"
    assert not folder.exists() or not list(folder.iterdir())
    assert _sha256(bad) == before


def test_a_wrong_checksum_is_refused(module: Any, lab: Path, tmp_path: Path) -> None:
    wanted = _wanted(lab, tmp_path, lab / "trixie.img") | {"sha256": "0" * 64}
    with pytest.raises(module.ImageError, match=r"checksum .*download again"):
        module.make(wanted, dry_run=True)


def test_a_full_disk_is_seen_before_anything_is_written(
    module: Any, lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=50 * sd_card.MIB)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(module.ImageError, match=r"0\.1 GB free"):
        module.make(_wanted(lab, tmp_path, lab / "trixie.img"), dry_run=False)
    assert not (tmp_path / "made").exists()


def test_a_killed_run_leaves_no_image_and_can_be_repeated(
    module: Any, lab: Path, tmp_path: Path
) -> None:
    wanted = _wanted(lab, tmp_path, lab / "trixie.img")
    child = os.fork()
    if child == 0:
        os.setsid()
        module.PACKERS = {"zst": ["sh", "-c", "echo half; exec sleep 60"]}
        module.make(wanted, dry_run=False)
        os._exit(0)
    folder = tmp_path / "made"
    limit = time.monotonic() + 60
    while not list(folder.glob(".soclab-pi.partial/*.zst")):
        assert time.monotonic() < limit
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert [path.name for path in folder.iterdir()] == [".soclab-pi.partial"]

    assert module.make(wanted, dry_run=False)["changed"]
    assert not list(folder.glob(".*"))
    assert not module.make(wanted, dry_run=False)["changed"]


def test_a_damaged_result_is_made_anew_and_other_inputs_make_another(
    module: Any, lab: Path, tmp_path: Path
) -> None:
    wanted = _wanted(lab, tmp_path, lab / "trixie.img")
    path = Path(module.make(wanted, dry_run=False)["path"])
    with path.open("ab") as file:
        file.write(b"x")
    assert module.make(wanted, dry_run=False)["changed"]
    wanted["forms"][0]["boot_files"][0]["content"] = "#cloud-config\nhostname: other\n"
    assert module.make(wanted, dry_run=True)["changed"]
    assert not module.make(
        wanted | {"forms": _wanted(lab, tmp_path, lab / "trixie.img")["forms"]}, dry_run=False
    )["changed"]


def test_pull_installs_the_versions_that_this_repository_uses() -> None:
    lock = tomllib.loads((REPOSITORY / "uv.lock").read_text())
    ours = {package["name"]: package.get("version") for package in lock["package"]}
    (ours["uv"],) = re.findall(r"UV_VERSION=([\d.]+)", (REPOSITORY / "scripts/setup").read_text())
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    wanted = dict(package.split("==") for package in defaults["pi_image_pull_packages"])
    assert wanted == {name: ours[name] for name in ("ansible", "tomli-w", "uv")}
