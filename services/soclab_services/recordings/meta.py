"""What is known of a recording beforehand: battery, charger, start value."""

from __future__ import annotations

from pathlib import Path

import msgspec

from soclab_services.battery_model.model import Chemistry


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a META.json; keys that no estimator needs are left alone."""

    file: str = ""
    chem: Chemistry
    nominal_Ah: float  # noqa: N815  the format's name
    prior_soc: float
    vabs: float | None = None
    vfloat: float | None = None
    char: str | None = None
    sample_s: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises
        ------
        ValueError
            With what is wrong.
        """
        if not 0.0 < self.nominal_Ah < float("inf"):
            raise ValueError(f"nominal_Ah is {self.nominal_Ah}, must be above zero")
        if not 0.0 <= self.prior_soc <= 1.0:
            raise ValueError(f"prior_soc is {self.prior_soc}, must be from 0 to 1")


def load_meta(path: Path, recording: str = "") -> Meta:
    """Return what a META.json says of a recording.

    Parameters
    ----------
    path
        An object, or a list of objects that name their recordings as `file`.
    recording
        Name of the recording, without ending.

    Raises
    ------
    ValueError
        If the file is none, or says nothing of this recording.
    """
    try:
        found: Meta | list[Meta] = msgspec.json.decode(path.read_bytes(), type=Meta | list[Meta])
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: {error}") from error
    if isinstance(found, Meta):
        return found
    for meta in found:
        if Path(meta.file).stem == recording:
            return meta
    if len(found) == 1:
        return found[0]
    known = ", ".join(meta.file for meta in found)
    raise ValueError(f"{path} says nothing of {recording!r}, only of {known or 'nothing'}")
