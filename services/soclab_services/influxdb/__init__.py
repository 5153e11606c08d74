"""The InfluxDB server: how a machine without one gets it, and how one is run and set up."""

from typing import Final

# Pinned: 2.8 and 2.9 change what happens to tokens (docs/decisions), 3 has no Flux.
VERSION: Final = "2.7.12"
