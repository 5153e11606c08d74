"""The page docs/configuration.md, from the types that the configuration is read into.

Names, types, ranges and defaults come from the types themselves. The meaning of a key is the
string below it in the source: it is nowhere at run time, so it costs a Pi nothing.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import NODEFAULT
from msgspec import inspect as shape
from soclab_collectors.config.model import Config
from soclab_collectors.wlan.config import WlanConfig
from soclab_services.estimator.config import EstimatorConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the end of a key says about its value.
UNITS = {
    "_per_v": "per V",
    "_h": "h",
    "_s": "s",
    "_ms": "ms",
    "_us": "µs",
    "_hz": "Hz",
    "_v": "V",
    "_a": "A",
    "_w": "W",
    "_ah": "Ah",
    "_ohm": "Ω",
    "_c": "°C",
    "_pct": "%",
    "_mb": "MB",
    "_kb": "kB",
}

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "collectors.toml"

HEAD = """\
# Configuration

<!-- Generated from the types in the code by `make docs`. -->

One file per machine: `/etc/soclab/collectors.toml`. `soclab-collector check` reads it without
touching hardware. An unknown key, a value of the wrong type or range, two instruments on one port:
each is refused with file, key and remedy (exit 78).

An example, to copy and to cut down:

```toml
{example}```
"""


WLAN = """
# The file wlan.toml

`/etc/soclab/wlan.toml` is read by `soclab-wlan-reconnect` ([WLAN](deploy/wlan.md)); `check` refuses
mistakes in the same way. Its section `[spool]` is that of `collectors.toml`.
"""

ESTIMATOR = """
# The file estimator.toml

`/etc/soclab/estimator.toml` is read by `soclab estimator run` ([live](soc/live.md));
`soclab estimator check` refuses mistakes in the same way. Capacity, anchors and the other keys that
the [Flux task](soc-by-coulomb-counting.md) has as well mean the same.
"""


def page() -> str:
    """Return the page; every key needs a meaning."""
    sections = list(_sections(_shape(Config), "", "Top of the file"))
    wlan = _Section(_shape(WlanConfig), "Top of wlan.toml")
    estimator = list(_sections(_shape(EstimatorConfig), "", "Top of estimator.toml"))
    every = [*sections, wlan, *estimator]
    missing = [key for section in every for key in section.without_meaning]
    if missing:
        sys.exit(f"These keys need a string below them that says what they mean: {missing}")
    head = HEAD.format(example=EXAMPLE.read_text(encoding="utf-8"))
    return "".join(
        [
            head,
            *(s.text for s in sections),
            WLAN,
            wlan.text,
            ESTIMATOR,
            *(s.text for s in estimator),
        ]
    )


def _shape(config: type) -> shape.StructType:
    top = shape.type_info(config)
    assert isinstance(top, shape.StructType)  # noqa: S101  tells the type checker
    return top


class _Section:
    """The table of one struct."""

    def __init__(self, struct: shape.StructType, title: str) -> None:
        meanings = _meanings(struct.cls)
        # What every instrument has goes first; the types list inherited keys last.
        fields = sorted(struct.fields, key=lambda f: f.encode_name not in {"name", "battery"})
        scalars = [f for f in fields if not list(_structs(f.type))]
        self.without_meaning = [
            f"{struct.cls.__name__}.{f.name}" for f in scalars if not meanings.get(f.name)
        ]
        intro = " ".join((inspect.getdoc(struct.cls) or "").split("\n\n")[0].split())
        rows = [
            f"\n## {title}\n",
            f"{intro}\n",
            "| key | value | unit | default | meaning |\n|---|---|---|---|---|",
        ]
        if struct.tag is not None:
            rows.append(
                f'| `{struct.tag_field}` | `"{struct.tag}"` | | | says which kind this is |'
            )
        rows += [
            f"| `{f.encode_name}` | {_value(f)} | {_default(f)} | {meanings.get(f.name, '')} |"
            for f in scalars
        ]
        self.text = "\n".join(rows) + "\n"


def _sections(struct: shape.StructType, path: str, title: str) -> Iterator[_Section]:
    """Yield the struct's own section, then those of the structs within it."""
    yield _Section(struct, title)
    for field in struct.fields:
        inner = f"{path}.{field.encode_name}".removeprefix(".")
        heading = f"[[{inner}]]" if _is_list(field.type) else f"[{inner}]"
        for child in _structs(field.type):
            kind = f' with {child.tag_field} = "{child.tag}"' if child.tag is not None else ""
            yield from _sections(child, inner, f"{heading}{kind}")


def _structs(kind: shape.Type) -> Iterator[shape.StructType]:
    """Yield the structs that a value of this type may hold."""
    match kind:
        case shape.StructType():
            yield kind
        case shape.UnionType():
            for one in kind.types:
                yield from _structs(one)
        case shape.ListType() | shape.VarTupleType():
            yield from _structs(kind.item_type)
        case shape.DictType():
            yield from _structs(kind.value_type)


def _is_list(kind: shape.Type) -> bool:
    return isinstance(kind, shape.ListType | shape.VarTupleType)


def _type(kind: shape.Type) -> str:  # noqa: PLR0911  one per kind
    """Return what may stand behind the key."""
    match kind:
        case shape.LiteralType():
            return " or ".join(f"`{_toml(value)}`" for value in kind.values)
        case shape.BoolType():
            return "true or false"
        case shape.IntType():
            return f"integer{_range(kind)}"
        case shape.FloatType():
            return f"number{_range(kind)}"
        case shape.StrType():
            return f"text matching `{kind.pattern}`" if kind.pattern else "text"
        case shape.DateType():
            return "date"
        case shape.DateTimeType():
            return "date and time with time zone"
        case shape.UnionType():
            return " or ".join(_type(t) for t in kind.types if not isinstance(t, shape.NoneType))
        case shape.ListType() | shape.VarTupleType():
            return f"list of {_type(kind.item_type)}"
        case shape.TupleType():
            return f"[{', '.join(_type(t) for t in kind.item_types)}]"
        case shape.DictType():
            return f"table of {_type(kind.value_type)}"
    sys.exit(f"docs_configuration.py cannot describe {kind} yet")


def _range(kind: shape.IntType | shape.FloatType) -> str:
    bounds = {">": kind.gt, "≥": kind.ge, "<": kind.lt, "≤": kind.le}
    said = [f"{sign} {bound:g}" for sign, bound in bounds.items() if bound is not None]
    return f" {', '.join(said)}" if said else ""


def _value(field: shape.Field) -> str:
    """Return what may stand behind the key, and its unit."""
    unit = next((u for end, u in UNITS.items() if field.encode_name.endswith(end)), "")
    value = _type(field.type).replace("|", r"\|")
    return f"{value} | {unit}"


def _default(field: shape.Field) -> str:
    if field.required:
        return "required"
    value = field.default if field.default is not NODEFAULT else field.default_factory()
    return "none" if value in (None, "", (), [], {}) else f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case list() | tuple():
            return f"[{', '.join(map(_toml, value))}]"
    return str(value)


def _meanings(struct: type) -> dict[str, str]:
    """Return the string below each field, in the struct and those that it builds on."""
    found: dict[str, str] = {}
    for cls in reversed(struct.__mro__):
        if not cls.__module__.startswith("soclab"):
            continue
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
        statements = body.body if isinstance(body, ast.ClassDef) else []
        for this, below in pairwise(statements):
            match this, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[name] = " ".join(text.split()).rstrip(".")
    return found
