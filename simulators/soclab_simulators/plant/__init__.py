"""One virtual plant: sun, charge controller, battery and consumers, advanced by real time.

The battery is small and its solar day lasts ten minutes, so that a minute of watching shows
something and every day passes a full and an empty anchor.
"""
