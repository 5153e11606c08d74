"""What the collectors write is what the real InfluxDB reads, whatever the names hold."""

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from soclab_collectors.line_protocol import field_set, series

from tests.pipeline.influxd import EVER

_MOMENTS = itertools.count(1_700_000_000_000_000_000)
# A tag that ends in a backslash cannot be expressed in line protocol; series() cuts it.
_TAGS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1).filter(
    lambda text: not text.endswith("\\")
)
# The client library reads an empty text as None, hence min_size.
_STRINGS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200
)
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(_TAGS, _STRINGS, _NUMBERS), min_size=1, max_size=20))
def test_tags_texts_and_numbers_come_back_unchanged(influxdb, cases):
    expected = {next(_MOMENTS): case for case in cases}
    influxdb.write(
        "\n".join(
            f"{series('echo', {'battery': tag})} {field_set({'text': text, 'value': number})} {ns}"
            for ns, (tag, text, number) in expected.items()
        )
    )
    first, last = min(expected), max(expected)
    rows = influxdb.query(
        f'from(bucket: "raw") |> {EVER} |> filter(fn: (r) => r._measurement == "echo")'
        f" |> filter(fn: (r) => uint(v: r._time) >= uint(v: {first})"
        f" and uint(v: r._time) <= uint(v: {last}))"
        " |> map(fn: (r) => ({r with ns: int(v: r._time)}))"
        ' |> pivot(rowKey: ["ns", "battery"], columnKey: ["_field"], valueColumn: "_value")'
    )
    stored = {row["ns"]: (row["battery"], row["text"], row["value"]) for row in rows}
    assert stored == expected
