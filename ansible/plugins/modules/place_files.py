#!/usr/bin/python
"""Writes folders and files, all in one go."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = """
module: place_files
short_description: Make folders and write files, all in one go
description:
  - Does what C(file) and C(copy) do in loops, but asks the host once instead of twice an entry,
    which on a Raspberry Pi takes a second each.
  - A file changes at once and as a whole; it never has a mode or an owner other than the wanted.
  - Check mode and C(--diff) are supported.
options:
  folders:
    description: Folders, parents first.
    type: list
    elements: dict
    default: []
    options:
      path: {description: Where., type: path, required: true}
      mode: {description: Permissions., type: str, default: "0755"}
      owner: {description: Its owner., type: str, default: root}
      group: {description: Its group., type: str, default: root}
  files:
    description: Files; their folders have to exist or to be among I(folders).
    type: list
    elements: dict
    default: []
    options:
      path: {description: Where., type: path, required: true}
      content: {description: All of it., type: str, required: true}
      validate:
        description: Command that judges the file before it replaces the old one; C(%s) is its path.
        type: str
      mode: {description: Permissions., type: str, default: "0644"}
      owner: {description: Its owner., type: str, default: root}
      group: {description: Its group., type: str, default: root}
author: soclab
"""

EXAMPLES = """
- name: Write the configuration
  place_files:
    folders:
      - path: /etc/soclab
    files:
      - path: /etc/soclab/environment
        content: "{{ lookup('ansible.builtin.template', 'environment.j2') }}"
"""

RETURN = """
paths: {description: What was changed., type: list, elements: str, returned: always}
"""


class Placer:
    """Makes one entry after the other and notes what has changed."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self.paths: list[str] = []
        self.diffs: list[dict[str, str]] = []

    def folder(self, entry: dict[str, Any]) -> None:
        """Make a folder."""
        path = Path(entry["path"])
        new = not path.is_dir()
        if new:
            if os.path.lexists(path):
                self._module.fail_json(msg=f"{path} exists and is no folder. Remove it.")
            self._differ(path, "absent\n", "folder\n")
            if not self._module.check_mode:
                path.mkdir()
        self._note(path, changed=self._attributes(path, entry) or new)

    def file(self, entry: dict[str, Any]) -> None:
        """Write a file, unless it holds the content already."""
        path, content = Path(entry["path"]), entry["content"].encode()
        if path.is_symlink() or path.is_dir():
            self._module.fail_json(msg=f"{path} exists and is no ordinary file. Remove it.")
        if not (path.parent.is_dir() or self._module.check_mode):
            self._module.fail_json(msg=f"{path} has no folder yet. Name it among folders.")
        before = path.read_bytes() if path.exists() else None
        if before == content:
            self._note(path, changed=self._attributes(path, entry))
            return
        self._differ(path, (before or b"").decode(errors="replace"), entry["content"])
        if not self._module.check_mode:
            if entry["validate"]:
                self._validate(path, content, entry["validate"])
            self._replace(path, content, entry)
        self._note(path, changed=True)

    def _validate(self, path: Path, content: bytes, command: str) -> None:
        # Elsewhere, since programs read whatever is in their folders; some want to know its name.
        with tempfile.TemporaryDirectory(dir=self._module.tmpdir) as folder:
            candidate = Path(folder) / path.name
            candidate.write_bytes(content)
            status, out, err = self._module.run_command(command.replace("%s", str(candidate)))
        if status:
            self._module.fail_json(
                msg=f"{path} stays as it is, since {command} refuses the new one:\n{out}{err}"
            )

    def _replace(self, path: Path, content: bytes, entry: dict[str, Any]) -> None:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._attributes(Path(name), entry)
            os.replace(name, path)  # noqa: PTH105  next to its counterpart mkstemp
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _attributes(self, path: Path, entry: dict[str, Any]) -> bool:
        wanted = {key: entry[key] for key in ("mode", "owner", "group")}
        none = {"secontext": [None, None, None], "attributes": None}
        return bool(
            self._module.set_fs_attributes_if_different(
                {"path": str(path), **wanted, **none}, changed=False
            )
        )

    def _note(self, path: Path, *, changed: bool) -> None:
        if changed:
            self.paths.append(str(path))

    def _differ(self, path: Path, before: str, after: str) -> None:
        header = {"before_header": str(path), "after_header": str(path)}
        self.diffs.append({"before": before, "after": after, **header})


def main() -> None:
    """Make the folders, then write the files."""
    common = {
        "path": {"type": "path", "required": True},
        "owner": {"type": "str", "default": "root"},
        "group": {"type": "str", "default": "root"},
    }
    folder = {**common, "mode": {"type": "str", "default": "0755"}}
    file = {
        **common,
        "mode": {"type": "str", "default": "0644"},
        "content": {"type": "str", "required": True},
        "validate": {"type": "str"},
    }
    module = AnsibleModule(
        argument_spec={
            "folders": {"type": "list", "elements": "dict", "default": [], "options": folder},
            "files": {"type": "list", "elements": "dict", "default": [], "options": file},
        },
        supports_check_mode=True,
    )
    placer = Placer(module)
    try:
        for entry in module.params["folders"]:
            placer.folder(entry)
        for entry in module.params["files"]:
            placer.file(entry)
    except OSError as error:
        module.fail_json(msg=f"{error.filename or entry['path']}: {error.strerror}")
    module.exit_json(changed=bool(placer.paths), paths=placer.paths, diff=placer.diffs)


if __name__ == "__main__":
    main()
