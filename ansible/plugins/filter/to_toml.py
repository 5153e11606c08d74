"""Filter ``to_toml``: inventory variables as the TOML that soclab's programs read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import tomli_w
from ansible.errors import AnsibleFilterError

if TYPE_CHECKING:
    from collections.abc import Callable


def to_toml(value: Any) -> str:
    """Return a mapping as TOML; keys whose value is null are left out, as TOML has no null."""
    if not isinstance(value, Mapping):
        raise AnsibleFilterError(f"to_toml needs a mapping, not {type(value).__name__}")
    try:
        return tomli_w.dumps(_plain(value))
    except TypeError as error:
        raise AnsibleFilterError(f"to_toml: {error}") from error


def _plain(value: Any) -> Any:
    """Return Ansible's own mappings and lists as those that tomli_w knows."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


class FilterModule:
    """Names the filter for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters of this file."""
        return {"to_toml": to_toml}
