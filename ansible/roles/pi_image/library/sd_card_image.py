#!/usr/bin/python
"""Ansible module: an SD-card image of Raspberry Pi OS that configures itself at first boot."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.sd_card import ImageError
from ansible.module_utils.sd_card.customise import Form, customise
from ansible.module_utils.sd_card.disk import Layout, copy_sparse, read_layout, sha256

DOCUMENTATION = r"""
module: sd_card_image
short_description: Make an SD-card image of Raspberry Pi OS that configures itself at first boot
description:
  - Copies an official image, writes files into its boot and root partitions, and packs the result.
  - Needs neither root nor loop devices. The original is never changed, and nothing stands under the
    final name before it is complete.
options:
  source: {description: The official image (.img or .img.xz)., type: path, required: true}
  sha256: {description: Checksum of the source., type: str, required: true}
  folder: {description: Where the image goes., type: path, required: true}
  name: {description: How the image's name begins; the date follows., type: str, required: true}
  compression: {description: How it is packed., type: str, choices: [xz, zst], default: zst}
  forms:
    description: For each release, what is written where; see module_utils/sd_card/customise.py.
    type: list
    elements: dict
    required: true
"""
EXAMPLES = ""
RETURN = r"""
path: {description: The image., type: str, returned: always}
release: {description: Code name of its release., type: str, returned: once made}
"""

# Part of what decides whether an image is made anew: count up if the same inputs yield another one.
RECIPE = 1
PACKERS = {
    "xz": ["xz", "--threads=0", "--stdout"],
    "zst": ["zstd", "--threads=0", "-10", "--quiet", "--stdout"],
}
FILE = {
    "path": {"type": "str", "required": True},
    "content": {"type": "str", "required": True, "no_log": True},
    "mode": {"type": "str", "default": "0644"},
}
LINK = {"path": {"type": "str", "required": True}, "target": {"type": "str", "required": True}}
STRINGS = {"type": "list", "elements": "str", "default": []}
FORM = {
    "release": {"type": "str", "required": True},
    "needs_files": STRINGS,
    "needs_arguments": STRINGS,
    "otherwise": {"type": "str", "required": True},
    "kernel_arguments": STRINGS,
    "boot_files": {"type": "list", "elements": "dict", "options": FILE, "default": []},
    "root_files": {"type": "list", "elements": "dict", "options": FILE, "default": []},
    "root_links": {"type": "list", "elements": "dict", "options": LINK, "default": []},
}
ARGUMENTS = {
    "source": {"type": "path", "required": True},
    "sha256": {"type": "str", "required": True},
    "folder": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "compression": {"type": "str", "choices": sorted(PACKERS), "default": "zst"},
    "forms": {"type": "list", "elements": "dict", "options": FORM, "required": True},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # debugfs; a user's PATH seldom has them
    os.umask(0o077)  # the image holds the key of a WLAN
    try:
        module.exit_json(**make(module.params, dry_run=module.check_mode))
    except (ImageError, OSError, subprocess.CalledProcessError) as error:
        module.fail_json(msg=str(error))


def make(wanted: dict[str, Any], *, dry_run: bool) -> dict[str, Any]:
    """Make the image unless there is one of the same inputs."""
    folder, source = Path(wanted["folder"]), Path(wanted["source"])
    inputs = _digest(wanted)
    if done := _already(folder, wanted["name"], inputs):
        return {"changed": False, **done}

    layout = _checked(source, wanted["sha256"])
    _check_space(folder, layout)
    final = folder / f"{wanted['name']}-{datetime.date.today()}.img.{wanted['compression']}"  # noqa: DTZ011  # the date on the user's wall
    if dry_run:
        return {"changed": True, "path": str(final)}

    folder.mkdir(parents=True, exist_ok=True)
    work = folder / f".{wanted['name']}.partial"
    shutil.rmtree(work, ignore_errors=True)  # of a run that was killed
    work.mkdir()
    try:
        image = work / "disk.img"
        copy_sparse(source, image, layout.image_size)
        release = customise(image, layout, [Form(**form) for form in wanted["forms"]])
        packed = work / final.name
        with packed.open("wb") as file:
            subprocess.run([*PACKERS[wanted["compression"]], str(image)], stdout=file, check=True)
            os.fsync(file.fileno())
        record = {"inputs": inputs, "release": release, "sha256": sha256(packed)}
        # The image comes last: whoever sees its name sees it whole, with its checksum.
        _write(Path(f"{final}.json"), json.dumps(record, indent=2) + "\n")
        _write(Path(f"{final}.sha256"), f"{record['sha256']}  {final.name}\n")
        packed.rename(final)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return {"changed": True, "path": str(final), "release": release}


def _digest(wanted: dict[str, Any]) -> str:
    inputs = {key: wanted[key] for key in ("sha256", "name", "compression", "forms")}
    text = json.dumps([RECIPE, inputs], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _already(folder: Path, name: str, inputs: str) -> dict[str, str] | None:
    for path in sorted(folder.glob(f"{name}-*.img.*.json")):
        try:
            record = json.loads(path.read_text())
            image = path.with_suffix("")
            if record["inputs"] == inputs and sha256(image) == record["sha256"]:
                return {"path": str(image), "release": record["release"]}
        except (OSError, ValueError, KeyError):
            continue  # a record without its image: make it anew
    return None


def _checked(source: Path, expected: str) -> Layout:
    if not source.is_file():
        raise ImageError(f"There is no {source}: give the path of an official image.")
    found = sha256(source)
    if found != expected.lower():
        raise ImageError(
            f"{source} has the checksum {found}, not {expected}: it is damaged or another release. "
            "Compare with the one beside the download, then download again."
        )
    return read_layout(source)


def _check_space(folder: Path, layout: Layout) -> None:
    # The unpacked copy, and the packed result, which official images have at a fourth of it.
    needed = layout.image_size + layout.image_size // 2
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if (free := shutil.disk_usage(there).free) < needed:
        raise ImageError(
            f"{there} has {free / 1e9:.1f} GB free; making the image takes {needed / 1e9:.1f} GB. "
            "Free some, or choose another folder."
        )


def _write(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.replace(path)


if __name__ == "__main__":
    main()
