"""Stream packets from the files in stream_cases/, at nominal calibration and ±10 V."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from soclab_collectors import errors
from soclab_collectors.transports.t7_calibration import nominal
from soclab_collectors.transports.t7_stream import StreamFramer, blocks_of

if TYPE_CHECKING:
    from soclab_collectors.transports.t7_link import Block

CASES = sorted((Path(__file__).parent / "stream_cases").glob("*.toml"))


def decode(case: dict, chunk: int) -> list[Block]:
    """Return the blocks in the packets of a case, received ``chunk`` bytes at a time."""
    channels = case["channels"]
    framer = StreamFramer(channels * case["scans_per_packet"])
    constants = [nominal(10.0)] * channels
    data = b"".join(map(bytes.fromhex, case["packets"]))
    return [
        block
        for start in range(0, len(data), chunk)
        for packet in framer.feed(data[start : start + chunk])
        for block in blocks_of(packet, constants, "T7")
    ]


@pytest.mark.parametrize("chunk", [1, 7, 10_000])
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_packets(path: Path, chunk: int) -> None:
    case = tomllib.loads(path.read_text(encoding="utf-8"))
    if "error" in case:
        with pytest.raises(getattr(errors, case["error"]), match=case["says"]):
            decode(case, chunk)
        return
    blocks = decode(case, chunk)
    assert [block.skipped for block in blocks] == [b["skipped"] for b in case["block"]]
    for block, expected in zip(blocks, case["block"], strict=True):
        volts = [[column.volts(x) for x in column.xs] for column in block.columns]
        assert [len(v) for v in volts] == [block.scans] * case["channels"]
        for found, wanted in zip(volts, expected["volts"], strict=True):
            assert found == pytest.approx(wanted, abs=2e-5)
