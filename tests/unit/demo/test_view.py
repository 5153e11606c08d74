"""The view fits its terminal and shows what matters, also when there is nothing yet."""

from dataclasses import replace

import pytest
from rich.console import Console
from soclab_simulators.demo.influx import LastReading
from soclab_simulators.demo.picture import InstrumentLine, Picture, SocLine, UnitLine, describe
from soclab_simulators.demo.screen import LineScreen, export_picture
from soclab_simulators.demo.view import draw, size

FULL = Picture(
    source="virtual plant",
    elapsed_s=65.0,
    limit_s=90.0,
    instruments=[
        InstrumentLine("labjack", "LabJack T7", "13.41 V +5.03 A", 0.6, 0),
        InstrumentLine("mppt", "MPPT-1210-HUS", "13.40 V · " + "sun 18.2 V · " * 6, 7.0, 12_345),
    ],
    true_pct=81.34,
    soc=[SocLine("coulomb", 80.43, 2.4, -0.91)],
    history=[(float(i), i + 1.0) for i in range(100)],
    stored=1234,
    latency_s={"p50": 1.1, "p99": 2.03},
    first_reading_s=3.2,
    units=[UnitLine("influxd", "running", True), UnitLine("mppt", "crashed (exit 1)", False)],
    url="http://127.0.0.1:8086",
)
EMPTY = Picture(source="virtual plant", elapsed_s=0.0, limit_s=None)


def text_of(picture, width, height):
    console = Console(width=width, height=height, color_system=None)
    with console.capture() as captured:
        console.print(draw(picture, width, height))
    return captured.get()


@pytest.mark.parametrize("picture", [FULL, EMPTY])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (120, 40), (200, 60)])
def test_the_view_fits(picture, width, height):
    lines = text_of(picture, width, height).splitlines()
    assert len(lines) <= height
    assert {len(line) for line in lines} == {width}


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
def test_the_view_shows_what_matters(width, height):
    text = text_of(FULL, width, height)
    for part in (
        "13.41 V +5.03 A",
        "81.3 %",
        "80.4 % ± 2.40",
        "error -0.91",
        "1,234 readings, the first 3.2 s",
        "1.10 s median, 2.03 s",
        "● mppt crashed (exit 1)".replace(" ", "\N{NO-BREAK SPACE}", 1),
        "http://127.0.0.1:8086",
        "1:05 of 1:30",
        "12 kB",
    ):
        assert part in text
    assert ("100 %" in text) is (height == 40)  # the history needs room


def test_a_long_history_is_thinned_out_to_fit():
    history = [(i / 6, i / 6) for i in range(600)]
    lines = text_of(replace(EMPTY, history=history), 120, 40).splitlines()
    top = next(line for line in lines if "100 %" in line)
    bottom = next(line for line in lines if "0 %" in line and "100 %" not in line)
    assert top.rstrip("│ ").endswith("•")  # the newest is on the right
    assert bottom.index("•") < 15  # the oldest on the left
    assert {len(line) for line in lines} == {120}


def test_readings_are_described_by_what_they_hold():
    mppt = {
        "battery": LastReading(0.0, {"voltage_v": 13.412, "current_a": -5.031}),
        "charger": LastReading(0.0, {"state": 2.0}),
        "load": LastReading(0.0, {"current_a": 2.2}),
    }
    assert describe(mppt) == "13.41 V -5.03 A · load 2.20 A · absorption"
    load = {"load": LastReading(0.0, {"voltage_v": 13.4, "current_a": 1.6, "power_w": 21.44})}
    assert describe(load) == "13.40 V 1.60 A · 21.4 W"
    assert describe({}) == ""


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_340_000, "2.3 MB")]
)
def test_sizes(count, text):
    assert size(count) == text


def test_without_a_terminal_lines_say_the_same(capsys):
    screen = LineScreen()
    with screen:
        screen.show(FULL)
        screen.show(FULL)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("1234 readings stored") == 1  # not with every picture
    assert "coulomb 80.4 ± 2.4 %" in captured.err
    assert "mppt: crashed" in captured.err


def test_the_picture_for_the_readme(tmp_path, capsys):
    export_picture(FULL, tmp_path / "demo.svg")
    svg = (tmp_path / "demo.svg").read_text()
    assert svg.startswith("<svg")
    assert "coulomb" in svg
    assert capsys.readouterr().out == ""
