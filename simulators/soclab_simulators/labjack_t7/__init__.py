"""A LabJack T7 at the wire: Modbus TCP on one port, its stream on another."""

from soclab_simulators.labjack_t7.simulator import LabJackT7Simulator
from soclab_simulators.labjack_t7.wiring import CurrentSensor, VoltageSensor, Wiring

__all__ = ["CurrentSensor", "LabJackT7Simulator", "VoltageSensor", "Wiring"]
