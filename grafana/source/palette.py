"""Colours that can be told apart with any kind of colour vision.

By Masataka Okabe and Kei Ito: https://jfly.uni-koeln.de/color/
"""

from __future__ import annotations

from typing import Final

BLUE: Final = "#0072B2"
ORANGE: Final = "#E69F00"
GREEN: Final = "#009E73"
PURPLE: Final = "#CC79A7"
SKY: Final = "#56B4E9"
RED: Final = "#D55E00"
YELLOW: Final = "#F0E442"
GREY: Final = "#999999"

HUES: Final = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW)
"""For series in the order of their names; what is red is wrong, so red is no series."""

FINE, WATCH, WRONG = GREEN, ORANGE, RED
"""Never colour alone: wherever they stand, a number or a word says the same."""
