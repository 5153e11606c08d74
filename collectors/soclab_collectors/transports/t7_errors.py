"""What the error codes of the T7 and of LabJack's library mean for a collector."""

from __future__ import annotations

from typing import Final

from soclab_collectors.errors import BadReplyError, ConfigError, UnavailableError

STREAM_IS_ACTIVE: Final = 2605

# A person has to change the configuration: code -> (key, reason, remedy).
_REFUSED: Final = {
    2370: ("channels.range_v", "the T7 refuses this range", "Choose 10, 1, 0.1 or 0.01."),
    2371: ("channels.settling_us", "the T7 refuses this settling time", "Lower it."),
    2373: (
        "channels.differential",
        "the T7 refuses this negative channel",
        "A pair is an even input and the next one.",
    ),
    2375: (
        "channels.resolution_index",
        "the T7 refuses this resolution",
        "9 to 12 exist on a T7-Pro only.",
    ),
    2606: ("channels.resolution_index", "too high for a stream", "Choose 0 to 8."),
    2607: ("channels", "the T7 cannot stream these inputs", "Use AIN0 to AIN13."),
    2608: ("stream.scan_rate_hz", "too fast for the T7", "Lower it or use fewer channels."),
    2621: ("channels.settling_us", "too long for a stream", "Lower it to 4400 or less."),
}

# The device or the way to it is not there, or has to be opened again.
_UNAVAILABLE: Final = {
    1224: "the device is not open",
    1226: "the device was disconnected",
    1227: "no such device was found",
    1230: "another program holds the device (is Kipling open? is another collector running?)",
    1231: "the library cannot connect",
    1233: "the socket failed",
    1236: "the device cannot be opened",
    1239: "the library could not reconnect",
    1241: "USB failed",
    1263: "the device did not answer",
    1301: "the library's stream buffer is full: this machine was too slow",
    1302: "the stream could not be started",
    1303: "the stream is not running",
    1306: "the stream did not deliver in time",
    1307: "the firmware is too old for this stream",
    2460: "the analog inputs were powered off",
    STREAM_IS_ACTIVE: "a stream was running",
    2620: "the stream was not running",
    2942: "scans overlap: lower stream.scan_rate_hz, resolution_index or settling_us",
    2943: "so many scans were skipped that the T7 lost count",
    2944: "the stream has ended",
    2945: "the T7's stream buffer was full and the stream has ended",
}

_UNKNOWN_NAMES: Final = {1250, 1294}  # of registers: a defect of this program, no retry helps


def error_of(code: int, where: str, doing: str) -> Exception:
    """Return the exception for an error code of the T7 or of LJM."""
    if code in _REFUSED:
        key, reason, remedy = _REFUSED[code]
        return ConfigError(f"{where}: {key}", f"{reason} (error {code})", remedy)
    if code in _UNKNOWN_NAMES:
        return ConfigError(
            f"{where}: {doing}",
            f"LJM knows no such register (error {code})",
            "Install a current LJM with its ljm_constants.json.",
        )
    if code in _UNAVAILABLE:
        return UnavailableError(f"{where}: {_UNAVAILABLE[code]} (error {code})")
    return BadReplyError(f"{where}: {doing}: error {code}")
