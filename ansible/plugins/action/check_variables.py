"""Checks what an inventory sets for our roles, all at once and before anything is changed.

An unknown name, a missing value, a wrong type, a value that needs an undefined variable: each is
named with its place and what to do. Ansible's own validation sees neither unknown names nor more
than one role at a time.
"""

from __future__ import annotations

import difflib
import functools
import re
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError, AnsibleUndefinedVariable
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:  # it is no public interface: without it, messages name no file
    Origin = None

ROLES = Path(__file__).parents[2] / "roles"
# Above this likeness a name without our prefix is taken for a misspelt one of ours.
LIKENESS = 0.9
FOREIGN = ("ansible_", "vault_", "lab_")

Options = dict[str, dict[str, Any]]


@functools.cache
def role_options(roles: Path = ROLES) -> dict[str, Options]:
    """Return the options of every role, as its argument_specs.yml describes them."""
    return {
        file.parents[1].name: _options(file) for file in roles.glob("*/meta/argument_specs.yml")
    }


def _options(file: Path) -> Options:
    entries = yaml.safe_load(file.read_text(encoding="utf-8"))["argument_specs"]
    return {name: spec for entry in entries.values() for name, spec in entry["options"].items()}


def unknown_names(names: set[str], roles: dict[str, Options]) -> dict[str, str]:
    """Return the names that look like variables of our roles but are none, with what is near."""
    known = {name for options in roles.values() for name in options}
    prefixes = tuple(f"{role}_" for role in roles)
    found = {}
    for name in sorted(names - known):
        ours = name.startswith(prefixes)
        if name.startswith(FOREIGN):
            continue
        near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6 if ours else LIKENESS)
        if near:
            found[name] = f"unknown variable. Did you mean {near[0]}?"
        elif ours:
            role = max((r for r in roles if name.startswith(f"{r}_")), key=len)
            found[name] = (
                f"unknown variable. Names that begin with {role}_ belong to the role {role}; "
                f"ansible/roles/{role}/README.md lists them."
            )
    return found


def wrong_value(name: str, value: Any, spec: dict[str, Any]) -> str | None:
    """Return what is wrong with a value, or None; nothing of a secret is repeated."""
    if value is None:
        kind = spec.get("type", "str")
        return f"empty, must be of type {kind}." if spec.get("required") else None
    checked = {key: part for key, part in spec.items() if key != "required"}
    result = ArgumentSpecValidator({name: checked}).validate(
        {name: value}, validate_role_argument_spec=True
    )
    if not result.error_messages:
        return None
    if is_secret(spec):
        return f"wrong value: must be of type {spec.get('type', 'str')}."
    reason = "; ".join(dict.fromkeys(result.error_messages))
    return f"wrong value: {reason}."


def is_secret(spec: dict[str, Any]) -> bool:
    """Tell whether a value, or something in it, must not be shown."""
    inner = spec.get("options", {}).values()
    return bool(spec.get("no_log")) or any(is_secret(option) for option in inner)


def first_sentence(description: str | list[str]) -> str:
    """Return the first sentence of an option's description, in one line."""
    text = description if isinstance(description, str) else description[0]
    return re.split(r"(?<=\.)\s", " ".join(text.split()), maxsplit=1)[0].rstrip(".")


def place(value: Any) -> str:
    """Return where a variable was set, as far as Ansible knows."""
    origin = Origin.get_tag(value) if Origin else None
    if origin is None or not origin.path:
        return ""
    line = f":{origin.line_num}" if origin.line_num else ""
    return f" ({origin.path}{line})"


class ActionModule(ActionBase):
    """``check_variables: {roles: [...]}``; changes nothing and needs no connection."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset({"roles"})

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Compare every variable of this host with what the roles take."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        specs = role_options()
        wanted = self._task.args["roles"]
        if without := sorted(set(wanted) - set(specs)):
            raise AnsibleError(f"preflight_roles names roles that do not exist: {without}")
        problems = [
            f"{name}: {problem}{place(variables[name])}"
            for name, problem in unknown_names(set(variables), specs).items()
        ]
        problems += self._missing(wanted, specs, variables)
        for role in wanted:
            for name in sorted(specs[role].keys() & variables.keys()):
                problem = self._problem(name, variables[name], specs[role][name])
                if problem:
                    problems.append(f"{name}: {problem}{place(variables[name])}")
        result["problems"] = problems
        if problems:
            result["failed"] = True
            result["msg"] = "\n".join(
                [
                    f"The inventory cannot be used for {variables.get('inventory_hostname')}:",
                    *(f"- {problem}" for problem in problems),
                    "Nothing was changed. inventories/example shows every variable.",
                ]
            )
        return result

    def _missing(
        self, wanted: list[str], specs: dict[str, Options], variables: dict[str, Any]
    ) -> list[str]:
        return [
            f"{name}: missing. {first_sentence(spec['description'])}. Set it in the inventory"
            f" (group_vars/…/{role}.yml)."
            for role in wanted
            for name, spec in sorted(specs[role].items())
            if spec.get("required") and name not in variables
        ]

    def _problem(self, name: str, value: Any, spec: dict[str, Any]) -> str | None:
        try:
            return wrong_value(name, self._templar.template(value), spec)
        except AnsibleUndefinedVariable as error:
            undefined = re.search(r"'(?P<name>[^']+)' is undefined", str(error))
            missing = undefined["name"] if undefined else ""
            if missing.startswith("vault_"):
                return (
                    f"needs {missing}, which is not defined. Add it to the inventory's vault.yml "
                    "with ansible-vault edit; `make inventory` writes all of them."
                )
            return f"needs a variable that is not defined: {missing or error}."
