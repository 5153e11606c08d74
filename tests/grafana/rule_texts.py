"""Annotations as people get them: the little of Go's templates that our rules use.

test_templates.py holds this against Go itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

EXTERNAL_URL: Final = "https://lab.test/"
_WITH: Final = re.compile(r"{{ with \$(\w+)\.(\w+) }}(.*?){{ else }}(.*?){{ end }}")
_NUMBER: Final = re.compile(r'{{ printf "(%\.\df)" \.Value }}')
_LABEL: Final = re.compile(r"{{ \$labels\.(\w+) }}")


def expand(text: str, labels: Mapping[str, str], values: Mapping[str, float]) -> str:
    """Return an annotation with labels and values filled in."""

    def branch(found: re.Match[str]) -> str:
        of, name, then, otherwise = found.groups()
        if of == "labels":
            return then.replace("{{ . }}", labels[name]) if name in labels else otherwise
        if name not in values:
            return otherwise
        return _NUMBER.sub(lambda number: number[1] % values[name], then)

    text = _WITH.sub(branch, text)
    text = _LABEL.sub(lambda found: labels.get(found[1], "[no value]"), text)
    text = text.replace("{{ externalURL }}", EXTERNAL_URL)
    assert "{{" not in text, f"not understood: {text}"
    return text
