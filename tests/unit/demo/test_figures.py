"""Latencies, errors of the state of charge, and how they are told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from soclab_simulators.demo.archive import Segment
from soclab_simulators.demo.audit import Audit
from soclab_simulators.demo.latency import Latencies, percentiles
from soclab_simulators.demo.soc_error import SocPoint, soc_errors
from soclab_simulators.demo.summary import as_json, as_text, is_clean
from soclab_simulators.demo.truth import PlantTruth, interpolate


def test_percentiles():
    assert percentiles([]) == {"p50": None, "p99": None}
    assert percentiles([3.0]) == {"p50": 3.0, "p99": 3.0}
    assert percentiles([i / 100 for i in range(101)]) == {"p50": 0.5, "p99": 0.99}


@pytest.mark.parametrize(("replayed", "expected"), [(False, 2.0), (True, 1.5)])
def test_latency_is_from_reading_to_confirmation(tmp_path, replayed, expected):
    path = tmp_path / "1.lp"
    path.write_text("a v=1.0 1000000000000\na v=1.0 100000000000\n")
    latencies = Latencies(since_s=999.0, replayed=replayed)
    latencies.add(Segment(path, confirmed_s=1002.0, closed_s=1000.5))
    assert latencies.overall()["p50"] == expected
    # The second line was left by an earlier demo; a recording's times say nothing about that.
    assert latencies.readings == (2 if replayed else 1)


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 100)), min_size=1, unique_by=lambda p: p[0]),
    st.floats(-1e6, 2e6),
)
def test_interpolation_stays_between_its_neighbours(points, time):
    times, values = (list(x) for x in zip(*sorted(points), strict=True))
    assert min(values) - 1e-9 <= interpolate(times, values, time) <= max(values) + 1e-9
    assert interpolate(times, values, times[-1]) == pytest.approx(values[-1])


def test_the_log_of_the_plant_is_followed(tmp_path):
    log = tmp_path / "truth.csv"
    truth = PlantTruth(log)
    assert truth.at(1.0) is None
    log.write_text("10.0,0.5\n20.0,0.6\n30.0,0.")
    assert truth.at(15.0) == pytest.approx(55.0)
    assert truth.at(30.0) == pytest.approx(60.0)  # half a line counts when it is whole
    with log.open("a") as file:
        file.write("7\n")
    assert truth.at(30.0) == pytest.approx(70.0)


def test_errors_are_those_of_each_method(tmp_path):
    log = tmp_path / "truth.csv"
    log.write_text("0.0,0.5\n10.0,0.6\n")
    points = [
        SocPoint("coulomb", 10.0, 61.0, 0.5),
        SocPoint("coulomb", 0.0, 47.0, 2.0),
        SocPoint("ekf", 5.0, 55.0, 1.0),
    ]
    found = soc_errors(points, PlantTruth(log))
    assert found == {
        "coulomb": {
            "rmse_pct": pytest.approx(5**0.5, abs=1e-4),
            "max_error_pct": 3.0,
            "final_error_pct": 1.0,
            "sigma_pct": 0.5,
            "soc_pct": 61.0,
        },
        "ekf": {
            "rmse_pct": 0.0,
            "max_error_pct": 0.0,
            "final_error_pct": 0.0,
            "sigma_pct": 1.0,
            "soc_pct": 55.0,
        },
    }
    result = as_json(Audit(1, 1, 0, 0, 0), found, percentiles([]), first_reading_s=None)
    assert "by coulomb: 2.24 % root mean square error, 3.00 % at most" in as_text(result)


def test_without_a_truth_only_the_result_is_told(tmp_path):
    found = soc_errors([SocPoint("coulomb", 1.0, 61.0, 0.5)], PlantTruth(tmp_path / "absent"))
    assert found["coulomb"]["rmse_pct"] is None
    result = as_json(Audit(1, 1, 0, 0, 0), found, percentiles([]), first_reading_s=None)
    assert as_text(result).splitlines()[1] == (
        "state of charge by coulomb: 61.00 ± 0.50 % at the end"
    )


@pytest.mark.parametrize(
    ("accepted", "lost", "duplicated", "clean"),
    [(5, 0, 0, True), (5, 1, 0, False), (5, 0, 1, False), (0, 0, 0, False)],
)
def test_a_clean_demo_has_readings_and_lost_none(accepted, lost, duplicated, clean):
    audit = Audit(accepted, accepted - lost, 0, lost, duplicated)
    result = as_json(audit, {}, percentiles([]), first_reading_s=None)
    assert is_clean(result) is clean
    assert f"{lost} lost, {duplicated} duplicated" in as_text(result)
