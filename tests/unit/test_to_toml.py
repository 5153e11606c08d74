"""The filter that turns inventory variables into collectors.toml."""

from __future__ import annotations

import importlib.util
import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

pytest.importorskip(
    "ansible", reason="reason: no Ansible, remedy: make test installs it, or uv sync --all-groups"
)

_FILE = Path(__file__).parents[2] / "ansible/plugins/filter/to_toml.py"


_SPEC = importlib.util.spec_from_file_location("to_toml", _FILE)
assert _SPEC is not None
assert _SPEC.loader is not None
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)
_to_toml: Callable[[Any], str] = _MODULE.FilterModule().filters()["to_toml"]

_scalars = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.dates()
_values = st.recursive(
    _scalars | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), _values))
def test_reads_back_as_what_was_written(value: dict[str, Any]) -> None:
    assert tomllib.loads(_to_toml(value)) == value


def test_instruments_are_an_array_of_tables_with_dates() -> None:
    transfer = {"sensor": "divider", "calibration_date": date(2026, 1, 15), "high_ohm": 100e3}
    instrument = {"kind": "labjack_t7", "name": "daq", "battery": "battery1", "interval_s": 0.5}
    written = _to_toml({"instruments": [{**instrument, "channels": [{"transfer": transfer}]}]})
    assert written.startswith("[[instruments]]\n")
    assert "calibration_date = 2026-01-15" in written


def test_null_is_left_out() -> None:
    assert tomllib.loads(_to_toml({"a": None, "b": {"c": None, "d": 1}})) == {"b": {"d": 1}}


def test_other_than_a_mapping_is_refused() -> None:
    with pytest.raises(Exception, match="needs a mapping, not list"):
        _to_toml([1])
