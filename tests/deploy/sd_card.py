"""An SD-card image with the layout of Raspberry Pi OS, small enough to make in a second.

python -m tests.deploy.sd_card RELEASE IMAGE         make one
python -m tests.deploy.sd_card unpack IMAGE FOLDER   copy what is in one to FOLDER/boot and /root
"""

from __future__ import annotations

import lzma
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

MIB = 1 << 20
BOOT_OFFSET, BOOT_SIZE = 8 * MIB, 40 * MIB  # FAT32 has at least 65,525 clusters
ROOT_OFFSET, ROOT_SIZE = BOOT_OFFSET + BOOT_SIZE, 16 * MIB
CMDLINE = (
    "console=serial0,115200 console=tty1 root=PARTUUID=4e639091-02 rootfstype=ext4 "
    "fsck.repair=yes rootwait"
)
# What of each release the role looks at, and what it must not touch.
FIRSTBOOT = " quiet init=/usr/lib/raspberrypi-sys-mods/firstboot"
BOOT_FILES = {
    "bookworm": {"cmdline.txt": f"{CMDLINE}{FIRSTBOOT}\n", "config.txt": "arm_64bit=1\n"},
    "trixie": {
        "cmdline.txt": f"{CMDLINE} resize\n",
        "config.txt": "arm_64bit=1\n",
        # The placeholders that official images bring.
        "meta-data": "dsmode: local\ninstance_id: rpios-image\n",
        "user-data": "#cloud-config\n",
        "network-config": "# nothing\n",
    },
}
ROOT_FILES = {
    "bookworm": ["/usr/lib/raspberrypi-sys-mods/init_config", "/usr/bin/raspi-config"],
    "trixie": ["/usr/bin/cloud-init", "/usr/bin/raspi-config"],
}


def make(path: Path, release: str, scratch: Path) -> Path:
    """Make an image of a release at path (.img or .img.xz)."""
    root = scratch / f"root-{release}"
    for name in ROOT_FILES[release]:
        file = root / name[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)
    (root / "usr/lib").mkdir(parents=True, exist_ok=True)
    (root / "usr/lib/os-release").write_text(f'ID=debian\nVERSION_CODENAME="{release}"\n')
    (root / "etc/systemd/system/multi-user.target.wants").mkdir(parents=True, exist_ok=True)
    (root / "etc/os-release").unlink(missing_ok=True)
    (root / "etc/os-release").symlink_to("../usr/lib/os-release")

    image = scratch / "disk.img"
    image.write_bytes(_partition_table())
    with image.open("r+b") as disk:  # with holes: nothing but content takes place on the disk
        disk.truncate(ROOT_OFFSET + ROOT_SIZE)
    _make_fat(image, BOOT_FILES[release])
    _make_ext4(image, root)
    if path.suffix == ".xz":
        path.write_bytes(lzma.compress(image.read_bytes(), preset=0))
    else:
        image.rename(path)
    return path


def _partition_table() -> bytes:
    entries = b"".join(
        struct.pack("<B3xB3xII", 0, kind, offset // 512, size // 512)
        for kind, offset, size in (
            (0x0C, BOOT_OFFSET, BOOT_SIZE),
            (0x83, ROOT_OFFSET, ROOT_SIZE),
        )
    )
    return bytes(440) + b"\x91\x90\x63\x4e\0\0" + entries.ljust(64, b"\0") + b"\x55\xaa"


def _make_fat(image: Path, files: dict[str, str]) -> None:
    at = ("--offset", str(BOOT_OFFSET // 512))
    _run("mkfs.fat", "-F", "32", "-s", "1", "-n", "bootfs", *at, image, str(BOOT_SIZE >> 10))
    for name, text in files.items():
        command = ["mcopy", "-i", f"{image}@@{BOOT_OFFSET}", "-", f"::/{name}"]
        subprocess.run(command, input=text.encode(), check=True)


def _make_ext4(image: Path, tree: Path) -> None:
    features = "^64bit,^huge_file"  # as pi-gen does
    at = ("-E", f"offset={ROOT_OFFSET}")
    # -F: it would ask about the partition table before its place.
    _run(
        *("mkfs.ext4", "-q", "-F", "-L", "rootfs", "-O", features, "-d", tree, *at),
        *(image, f"{ROOT_SIZE >> 10}k"),
    )


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)


def unpack(packed: Path, folder: Path) -> None:
    """Copy the files of a finished image (.img.zst) to folder/boot and folder/root, made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("boot", "root"):
        (folder / name).mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch) / "disk.img"
        _run("zstd", "--quiet", "--decompress", "--sparse", packed, "-o", image)
        _run("mcopy", "-s", "-i", f"{image}@@{BOOT_OFFSET}", "::/", folder / "boot")
        device = f"{image}?offset={ROOT_OFFSET}"
        _run("debugfs", "-R", f"rdump / {folder / 'root'}", device)


def _main(first: str, second: str, third: str = "") -> None:
    if first == "unpack":
        unpack(Path(second), Path(third))
        return
    with tempfile.TemporaryDirectory(dir=Path(second).parent) as scratch:
        make(Path(second), first, Path(scratch))


if __name__ == "__main__":
    _main(*sys.argv[1:])
