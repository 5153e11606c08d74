"""An EL 3000 electronic load on a pty, byte for byte; shares no code with its collector."""

from soclab_simulators.ea_el3000.faults import Fault
from soclab_simulators.ea_el3000.simulator import EaEl3000Simulator

__all__ = ["EaEl3000Simulator", "Fault"]
