"""What Grafana has to be told to delete, since it keeps what is no longer in any file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Where each kind of thing is named for deletion, and by what.
NAMED_BY = {
    "deleteRules": "uid",
    "deleteContactPoints": "uid",
    "deleteMuteTimes": "name",
    "deleteTemplates": "name",
}
RESET = "resetPolicies"  # a list of organisations, whose tree of policies is one thing

Thing = tuple[str, int, str]


def provided(file: dict[str, Any]) -> Iterator[Thing]:
    """Yield everything that a provisioning file brings, by what would delete it."""
    for group in file.get("groups") or []:
        for rule in group.get("rules") or []:
            yield "deleteRules", group.get("orgId", 1), rule["uid"]
    for point in file.get("contactPoints") or []:
        for receiver in point.get("receivers") or []:
            yield "deleteContactPoints", point.get("orgId", 1), receiver["uid"]
    for key, delete in (("muteTimes", "deleteMuteTimes"), ("templates", "deleteTemplates")):
        for entry in file.get(key) or []:
            yield delete, entry.get("orgId", 1), entry["name"]
    for policy in file.get("policies") or []:
        yield RESET, policy.get("orgId", 1), ""


def deleted(file: dict[str, Any]) -> Iterator[Thing]:
    """Yield what a provisioning file deletes: it was provided before."""
    for delete, name in NAMED_BY.items():
        for entry in file.get(delete) or []:
            yield delete, entry.get("orgId", 1), entry[name]
    for organisation in file.get(RESET) or []:
        yield RESET, organisation, ""


def grafana_alerting_removed(previous: Iterable[str], current: Iterable[str]) -> str:
    """Return the file that deletes what ``previous`` files had and ``current`` ones lack."""
    before: set[Thing] = set()
    for file in map(parsed, previous):
        before.update(provided(file), deleted(file))
    now = {thing for text in current for thing in provided(parsed(text))}
    content: dict[str, Any] = {"apiVersion": 1}
    for delete, organisation, name in sorted(before - now):
        entry = {"orgId": organisation, NAMED_BY[delete]: name} if delete in NAMED_BY else None
        content.setdefault(delete, []).append(entry or organisation)
    return str(yaml.safe_dump(content, sort_keys=False)).rstrip()


def parsed(text: str) -> dict[str, Any]:
    """Return a file's content; an empty file has none."""
    return yaml.safe_load(text) or {}


def grafana_files(folder: str, pattern: str) -> list[str]:
    """Return the files of a folder on the controller that match, relative to it."""
    root = Path(folder)
    return sorted(str(file.relative_to(root)) for file in root.glob(pattern))


def grafana_read(path: str, folder: str) -> str:
    """Return the text of a file on the controller."""
    return (Path(folder) / path).read_text(encoding="utf-8")


def grafana_in_folder(files: dict[str, str], folder: str) -> dict[str, str]:
    """Return those of the files that are in a folder, by their names relative to it."""
    prefix = f"{folder}/"
    return {n.removeprefix(prefix): text for n, text in files.items() if n.startswith(prefix)}


def grafana_copies(
    names: Iterable[str], folder: str, to: str, instead: dict[str, str] | None = None
) -> list[dict[str, str]]:
    """Return what the module place_files needs to copy files, or what is there instead of them."""
    own = instead or {}
    return [
        {"path": f"{to}/{name}", "content": own.get(name) or grafana_read(name, folder)}
        for name in names
    ]


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "grafana_alerting_removed": grafana_alerting_removed,
            "grafana_copies": grafana_copies,
            "grafana_files": grafana_files,
            "grafana_in_folder": grafana_in_folder,
            "grafana_read": grafana_read,
        }
