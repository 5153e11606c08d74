"""Sample by sample as a whole, through stops and late data."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from soclab_services.estimation.checkpoints import Checkpoints
from soclab_services.estimation.methods import METHODS
from soclab_services.estimation.stream import Stream, save

from tests.unit.estimation.batteries import day_and_night, lead_acid, meta

if TYPE_CHECKING:
    from pathlib import Path

    from soclab_services.estimation.trajectory import Trajectory

# The first run on a machine compiles the filters: a minute of an idle core.
pytestmark = pytest.mark.timeout(1200)

META = meta(sample_s=60.0, prior_soc=0.4)


@pytest.fixture(scope="module")
def columns() -> list[np.ndarray]:
    recording = day_and_night(48.0, 60.0, bias_a=0.2)
    time_s = recording.time_s.copy()
    time_s[2000:] += 5 * 3600.0  # with a gap
    return [time_s, *recording[1:5]]


def fed(stream: Stream, columns: list[np.ndarray], first: int, last: int) -> Trajectory:
    return stream.feed(*(column[first:last] for column in columns))


@pytest.fixture(scope="module")
def whole(columns: list[np.ndarray]) -> Trajectory:
    return fed(Stream.begin(lead_acid(), META), columns, 0, len(columns[0]))


def test_a_stream_says_what_the_method_says_of_the_recording(
    columns: list[np.ndarray], whole: Trajectory
) -> None:
    recording = day_and_night(48.0, 60.0, bias_a=0.2)._replace(time_s=columns[0])
    found = METHODS["ekf"](recording, lead_acid(), META)
    for one, other in zip(found, whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_cut_anywhere_stored_and_gone_on_it_says_the_same(
    columns: list[np.ndarray], whole: Trajectory, tmp_path: Path
) -> None:
    cuts = [0, 1, 2, 777, 778, 2000, 2001, len(columns[0])]
    stream = Stream.begin(lead_acid(), META)
    parts = []
    for first, last in pairwise(cuts):
        parts.append(fed(stream, columns, first, last))
        save(stream, tmp_path / "state")
        stream = Stream.load((tmp_path / "state").read_bytes(), lead_acid(), META)
    for k, column in enumerate(whole):
        np.testing.assert_array_equal(np.concatenate([part[k] for part in parts]), column)
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_one_by_one(columns: list[np.ndarray], whole: Trajectory) -> None:
    stream = Stream.begin(lead_acid(), META)
    for k in range(200):
        soc, sigma = stream.sample(*(float(column[k]) for column in columns[:4]), 0)
        assert (soc, sigma) == (whole.soc[k], whole.sigma[k])


def test_late_data_is_counted_from_a_checkpoint(
    columns: list[np.ndarray], whole: Trajectory
) -> None:
    late = slice(1500, 1510)
    stream, kept = Stream.begin(lead_acid(), META), Checkpoints()
    without = [np.delete(column, late) for column in columns]
    for first in range(0, len(without[0]), 30):
        fed(stream, without, first, first + 30)
        kept.note(stream)
    found = kept.before(columns[0][late.start])
    assert found is not None
    time_s, state = found
    assert columns[0][late.start] - 2 * 3600.0 < time_s < columns[0][late.start]
    again = Stream.load(state, lead_acid(), META)
    first = int(np.searchsorted(columns[0], time_s)) + 1
    caught_up = fed(again, columns, first, len(columns[0]))
    np.testing.assert_array_equal(caught_up.soc, whole.soc[first:])


def test_what_is_not_later_is_refused(columns: list[np.ndarray]) -> None:
    stream = Stream.begin(lead_acid(), META)
    fed(stream, columns, 0, 10)
    with pytest.raises(ValueError, match="in order of time"):
        fed(stream, columns, 9, 11)
    with pytest.raises(ValueError, match="must be numbers"):
        stream.sample(1e9, float("nan"), 12.0)


@pytest.mark.parametrize("raw", [b"", b"nonsense", b"\x83\xa6layout\x01"])
def test_what_is_no_state_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="no state of a stream"):
        Stream.load(raw, lead_acid(), META)


def test_a_stream_without_a_usual_step_is_refused() -> None:
    with pytest.raises(ValueError, match="sample_s"):
        Stream.begin(lead_acid(), meta())
