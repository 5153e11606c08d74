"""The plant as a lab has it: continued where it stopped, with a log of the truth."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from soclab_simulators.plant.plant import START_PHASE, START_SOC, Plant
from soclab_simulators.plant.source import EA_EL3000, LABJACK, MPPT, Imperfection, PlantSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from soclab_simulators.wire.pty_port import PtyPort

_LOG_INTERVAL_S: Final = 1.0
_IMPERFECTIONS: Final[dict[str, Imperfection]] = {
    "ea_el3000": EA_EL3000,
    "labjack_t7": LABJACK,
    "thingset": MPPT,
}


class PlantSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Section ``[plant]``."""

    directory: str
    """Folder for ``plant.json``, from which it continues, and for ``truth.csv``."""
    seed: int = 1


class PlantWorld:
    """The plant, its devices' views of it, and the truth in a file."""

    def __init__(self, settings: PlantSettings) -> None:
        self._folder = Path(settings.directory)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._state = self._folder / "plant.json"
        self._seed = settings.seed
        soc, phase = self._restore()
        self.plant = Plant(settings.seed, soc=soc, phase=phase)

    def source(self, name: str, kind: str, port: PtyPort | None) -> PlantSource:  # noqa: ARG002
        """Return the plant as a device of this kind measures it."""
        return PlantSource(
            self.plant,
            _IMPERFECTIONS[kind],
            seed=self._seed + 10 + sorted(_IMPERFECTIONS).index(kind),
            only_electronic_load=kind == "ea_el3000",
        )

    def follow_load(self, commanded_a: Callable[[], float | None]) -> None:
        """Let an electronic load that somebody commands draw its current from the battery."""
        self.plant.commanded_load = commanded_a

    async def run(self) -> None:
        """Write the truth down every second, for those who compare."""
        with (self._folder / "truth.csv").open("a") as log:
            while True:
                now = self.plant.snapshot()
                log.write(f"{now.time_s:.3f},{now.soc:.6f}\n")
                log.flush()
                self._save(now.soc)
                await asyncio.sleep(_LOG_INTERVAL_S)

    def _save(self, soc: float) -> None:
        draft = self._state.with_suffix(".draft")
        draft.write_text(json.dumps({"soc": soc, "phase": self.plant.phase}))
        draft.replace(self._state)

    def _restore(self) -> tuple[float, float]:
        try:
            saved = json.loads(self._state.read_text())
        except FileNotFoundError:
            return START_SOC, START_PHASE
        return float(saved["soc"]), float(saved["phase"])
