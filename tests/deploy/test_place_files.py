"""The module that writes many files in one go: run in this process, on real files."""

from __future__ import annotations

import grp
import json
import os
import pwd
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

testing = pytest.importorskip(
    "ansible.module_utils.testing",
    reason="reason: Ansible is not installed, remedy: make lint, which installs it",
)
MODULE = Path(__file__).parents[2] / "ansible/plugins/modules/place_files.py"
OWN = {"owner": pwd.getpwuid(os.getuid()).pw_name, "group": grp.getgrgid(os.getgid()).gr_name}


@pytest.fixture
def place(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Return what runs the module; folders and files are (path, other keys) by name."""

    def run(
        folders: tuple[Any, ...] = (), files: tuple[Any, ...] = (), **how: bool
    ) -> dict[str, Any]:
        arguments = {
            "folders": [{**OWN, **folder} for folder in folders],
            "files": [{**OWN, **file} for file in files],
            **{f"_ansible_{name}": value for name, value in how.items()},
        }
        main = runpy.run_path(str(MODULE))["main"]
        with testing.patch_module_args(arguments), pytest.raises(SystemExit):
            main()
        return dict(json.loads(capsys.readouterr().out))

    return run


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_folders_then_files_and_the_second_time_nothing(place: Any, tmp_path: Path) -> None:
    wanted = {
        "folders": ({"path": str(tmp_path / "a")}, {"path": str(tmp_path / "a/b"), "mode": "0700"}),
        "files": (
            {"path": str(tmp_path / "a/b/c"), "content": "Grüße 🔋\n", "mode": "0600"},
            {"path": str(tmp_path / "a/d"), "content": ""},
        ),
    }
    first = place(**wanted)
    assert first["changed"]
    assert first["paths"] == [str(tmp_path / name) for name in ("a", "a/b", "a/b/c", "a/d")]
    assert (tmp_path / "a/b/c").read_text(encoding="utf-8") == "Grüße 🔋\n"
    modes = [mode(tmp_path / name) for name in ("a", "a/b", "a/b/c", "a/d")]
    assert modes == [0o755, 0o700, 0o600, 0o644]
    assert place(**wanted) == {"changed": False, "paths": [], "diff": []} | {
        "invocation": first["invocation"]
    }


def test_content_and_mode_are_each_put_right(place: Any, tmp_path: Path) -> None:
    written, opened = tmp_path / "written", tmp_path / "opened"
    written.write_text("old\n")
    opened.write_text("same\n")
    opened.chmod(0o666)
    wanted = (
        {"path": str(written), "content": "new\n"},
        {"path": str(opened), "content": "same\n"},
    )
    done = place(files=wanted)
    assert done["paths"] == [str(written), str(opened)]
    assert [(d["before"], d["after"]) for d in done["diff"]] == [("old\n", "new\n")]
    assert (written.read_text(), mode(opened)) == ("new\n", 0o644)


def test_check_mode_says_what_it_would_do_and_does_nothing(place: Any, tmp_path: Path) -> None:
    done = place(
        folders=({"path": str(tmp_path / "a"), "owner": "nobody-yet"},),
        files=({"path": str(tmp_path / "a/b"), "content": "x", "owner": "nobody-yet"},),
        check_mode=True,
    )
    assert done["paths"] == [str(tmp_path / "a"), str(tmp_path / "a/b")]
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_refused_does_not_replace_the_old_one(place: Any, tmp_path: Path) -> None:
    rules = tmp_path / "my.rules"
    rules.write_text("old\n")
    entry = {"path": str(rules), "validate": "grep --quiet new %s"}
    done = place(files=({**entry, "content": "wrong\n"},))
    assert done["failed"]
    assert f"{rules} stays as it is" in done["msg"]
    assert rules.read_text() == "old\n"
    assert place(files=({**entry, "content": "new\n"},))["changed"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my.rules"]


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"path": "is-a-folder", "content": "x"}, "is no ordinary file"),
        ({"path": "is-a-link", "content": "x"}, "is no ordinary file"),
        ({"path": "missing/file", "content": "x"}, "has no folder yet"),
    ],
)
def test_what_is_in_the_way_stays(
    place: Any, tmp_path: Path, entry: dict[str, str], says: str
) -> None:
    (tmp_path / "is-a-folder").mkdir()
    (tmp_path / "is-a-link").symlink_to("/etc/hostname")
    done = place(files=({**entry, "path": str(tmp_path / entry["path"])},))
    assert done["failed"]
    assert says in done["msg"]
    assert entry["path"].split("/")[0] in done["msg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["is-a-folder", "is-a-link"]


def test_a_file_in_place_of_a_folder_stays(place: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    assert "is no folder" in place(folders=({"path": str(tmp_path / "file")},))["msg"]
    assert (tmp_path / "file").read_text() == "kept"
