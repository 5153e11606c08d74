"""What a Libre Solar charge controller means by its numbers, for people."""

from __future__ import annotations

from typing import Final

# Bits 8 to 12 differ between firmware versions and are shown by number.
ERROR_FLAGS: Final = {
    0: "battery undervoltage",
    1: "battery overvoltage",
    2: "battery discharge overcurrent",
    3: "battery charge overcurrent",
    4: "battery discharge undertemperature",
    5: "battery discharge overtemperature",
    6: "battery charge undertemperature",
    7: "battery charge overtemperature",
    13: "internal overtemperature",
    14: "high-side MOSFET short",
    15: "high-side overvoltage",
    16: "PWM switch overvoltage",
}

CHARGER_STATES: Final = ("idle", "bulk", "absorption", "float", "equalisation", "follower")


def error_names(flags: int) -> str:
    """Return the names of all bits that are set, or "none".

    >>> error_names(0b100000010)
    'battery overvoltage, bit 8'
    """
    bits = (bit for bit in range(flags.bit_length()) if flags >> bit & 1)
    return ", ".join(ERROR_FLAGS.get(bit, f"bit {bit}") for bit in bits) or "none"


def charger_state_name(state: int) -> str:
    """Return the name of a charger state.

    >>> charger_state_name(3), charger_state_name(9)
    ('float', 'state 9')
    """
    return CHARGER_STATES[state] if 0 <= state < len(CHARGER_STATES) else f"state {state}"
