"""The image as a stream of bytes, its partition table, and a sparse copy of it."""

from __future__ import annotations

import hashlib
import lzma
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from . import ImageError

if TYPE_CHECKING:
    from pathlib import Path

SECTOR = 512
BLOCK = 1 << 20
TYPES_FAT32 = {0x0B, 0x0C}
TYPE_LINUX = 0x83


@dataclass(frozen=True)
class Partition:
    """Where a partition lies in the image, in bytes."""

    number: int
    offset: int
    size: int


@dataclass(frozen=True)
class Layout:
    """The two partitions of a Raspberry Pi OS image."""

    boot: Partition
    root: Partition
    image_size: int


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_image(path: Path) -> BinaryIO:
    """Open an image for reading, whether it is compressed or not."""
    with path.open("rb") as file:
        magic = file.read(6)
    if magic == b"\xfd7zXZ\x00":
        return lzma.open(path)  # type: ignore[return-value]  # read and close are all that is used
    if magic[:4] in (b"PK\x03\x04", b"\x28\xb5\x2f\xfd") or magic[:2] == b"\x1f\x8b":
        raise ImageError(f"{path} is packed in another way than .xz: unpack it to .img first.")
    return path.open("rb")


def read_layout(path: Path) -> Layout:
    """Find boot and root partition, reading no more of the image than it takes."""
    try:
        with open_image(path) as image:
            table = image.read(SECTOR)
            boot, root = _partitions(path, table)
            _skip(image, boot.offset - SECTOR)
            sector = image.read(SECTOR)
    except (EOFError, lzma.LZMAError) as error:
        raise ImageError(f"{path} is cut off or damaged ({error}): download it again.") from error
    if sector[510:512] != b"\x55\xaa" or sector[82:87] != b"FAT32":
        raise ImageError(
            f"{path}: its first partition holds no FAT32 file system, as Raspberry Pi OS has there."
        )
    return Layout(boot, root, max(boot.offset + boot.size, root.offset + root.size))


def _partitions(path: Path, table: bytes) -> tuple[Partition, Partition]:
    if len(table) < SECTOR or table[510:512] != b"\x55\xaa":
        raise ImageError(f"{path} has no partition table: it is no image of an SD card.")
    found: dict[int, tuple[int, Partition]] = {}
    for number in range(1, 5):
        entry = table[446 + 16 * (number - 1) :][:16]
        kind, (start, count) = entry[4], struct.unpack_from("<II", entry, 8)
        if count:
            found[number] = (kind, Partition(number, start * SECTOR, count * SECTOR))
    if 1 not in found or found[1][0] not in TYPES_FAT32:
        raise ImageError(f"{path} has no boot partition (its first one has to be FAT32).")
    if 2 not in found or found[2][0] != TYPE_LINUX:
        raise ImageError(f"{path} has no root partition (its second one has to be Linux).")
    return found[1][1], found[2][1]


def _skip(stream: BinaryIO, count: int) -> None:
    while count > 0:
        count -= len(stream.read(min(count, BLOCK))) or count


def copy_sparse(source: Path, target: Path, size: int) -> None:
    """Unpack source into target, with holes for zeros; it must have that many bytes."""
    copied, zero = 0, bytes(BLOCK)
    try:
        with open_image(source) as image, target.open("wb") as file:
            while block := image.read(BLOCK):
                if block == zero[: len(block)]:
                    file.seek(len(block), 1)
                else:
                    file.write(block)
                copied += len(block)
            file.truncate(copied)
    except (EOFError, lzma.LZMAError) as error:
        raise ImageError(f"{source} is cut off or damaged ({error}): download it again.") from error
    if copied < size:
        raise ImageError(
            f"{source} is cut off: {copied} bytes of the {size} that its partitions take. "
            "Download it again."
        )
