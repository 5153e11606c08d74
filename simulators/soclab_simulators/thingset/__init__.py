"""A Libre Solar MPPT charge controller at the wire, generations A (v0.3) to D (v0.6)."""

from soclab_simulators.thingset.simulator import ThingSetSimulator

__all__ = ["ThingSetSimulator"]
