"""What is written into an image, in the form that its release wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import ImageError
from .ext4 import Ext4
from .fat import Fat

if TYPE_CHECKING:
    from pathlib import Path

    from .disk import Layout


@dataclass(frozen=True)
class Form:
    """How one release takes its settings at first boot."""

    release: str
    needs_files: list[str]
    needs_arguments: list[str]
    otherwise: str
    kernel_arguments: list[str]
    boot_files: list[dict[str, Any]]
    root_files: list[dict[str, Any]]
    root_links: list[dict[str, Any]]


def customise(image: Path, layout: Layout, forms: list[Form]) -> str:
    """Write the settings into the image that its release wants; return the release."""
    boot = Fat(image, layout.boot.offset)
    root = Ext4(image, layout.root.offset)
    root.check()
    release = _release(root)
    form = next((form for form in forms if form.release == release), None)
    if form is None:
        known = ", ".join(form.release for form in forms)
        raise ImageError(
            f"The image holds {release or 'no Debian'}; images of {known} can be customised."
        )
    arguments = boot.read("cmdline.txt").decode().split()
    for path in form.needs_files:
        if root.mode(path) is None:
            raise ImageError(f"This image of {release} has no {path}. {form.otherwise}")
    for argument in form.needs_arguments:
        if argument not in arguments:
            raise ImageError(f"cmdline.txt of this image has no {argument}. {form.otherwise}")

    for file in form.boot_files:
        boot.write(file["path"], file["content"].encode())
    more = [argument for argument in form.kernel_arguments if argument not in arguments]
    if more:
        boot.write("cmdline.txt", (" ".join([*arguments, *more]) + "\n").encode())
    for file in form.root_files:
        # A folder that is made for a secret is closed as the secret is.
        if file["mode"] == "0600":
            root.make_folder(file["path"].rpartition("/")[0], 0o700)
        root.write(file["path"], file["content"].encode(), int(file["mode"], 8))
    for link in form.root_links:
        root.link(link["path"], link["target"])
    root.check()
    return release


def _release(root: Ext4) -> str:
    # /etc/os-release is a link to this.
    for line in (root.read("/usr/lib/os-release") or b"").decode().splitlines():
        name, _, value = line.partition("=")
        if name == "VERSION_CODENAME":
            return value.strip('"')
    return ""
