"""The check of queries against the data contract: it finds what is wrong, and nothing else."""

from __future__ import annotations

import pytest

from grafana.source.contract import violations
from tests.grafana.dashboards import queries

GOOD = """
from(bucket: "raw")
    |> range(start: -1h)
    |> filter(fn: (r) => r._measurement == "battery" and r._field == "voltage_v")
    |> filter(fn: (r) => r.battery == "shed")
    |> last()
    |> map(fn: (r) => ({who: r.instrument, value: r._value}))
    |> filter(fn: (r) => r.value > 1.0)
    |> sort(columns: ["who"])
"""


def test_a_good_query_has_nothing_wrong():
    assert violations(GOOD) == []


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('"battery" and', '"batery" and', "batery: no measurement of bucket raw"),
        ('"battery" and', '"soc" and', "soc: no measurement of bucket raw"),
        ("voltage_v", "voltage", "voltage: no field of battery"),
        ("r.battery ==", "r.batery ==", "batery: no tag of battery in raw"),
        ("r.battery ==", "r.method ==", "method: no tag of battery in raw"),
        ('"raw"', '"row"', "row: no such bucket"),
        ('"raw"', '"rollup_1m"', "rollup_1m: say which stat"),
        ('"raw"', "bucket", "bucket: name the bucket in quotes"),
        ('r._measurement == "battery"', "true", "raw: say which measurement"),
        ("r.instrument, v", "r.instrment, v", "instrment: neither tag nor field nor made here"),
        ("r.value >", "r.valu >", "valu: neither tag nor field nor made here"),
        ('["who"]', '["whom"]', "whom: neither tag nor field nor made here"),
        ('_field == "voltage_v"', "_field =~ /volt/", "r._field =~: name each with =="),
    ],
)
def test_a_wrong_name_is_found(right, wrong, said):
    assert right in GOOD
    found = violations(GOOD.replace(right, wrong))
    assert [one for one in found if one.startswith(said)], found


def test_a_stat_of_the_rollup_has_to_exist():
    rollup = GOOD.replace('"raw"', '"rollup_1m"')
    good = rollup.replace('"voltage_v")', '"voltage_v" and r.stat == "max")')
    assert violations(good) == []
    assert violations(good.replace('"max"', '"median"')) == ["median: no stat of rollup_1m"]


def test_a_comment_is_no_query():
    assert violations("// r.nonsense\n" + GOOD) == []


@pytest.mark.parametrize("query", list(queries()), ids=lambda query: query.name)
def test_every_query_keeps_to_the_contract(query):
    assert violations(query.flux) == []
