"""Plays recordings of a battery through the wires of the simulated instruments.

The player and the clock of the collector share a *timeline* file: the recorded time of every row
and a cursor that the collector moves. So each value that arrives gets the time it was recorded at,
at any speed, and a collector that dies goes on where it was.
"""

from soclab_simulators.replay.recording import Recording, RecordingError, read_recording
from soclab_simulators.replay.source import PolledReplay, PublishedReplay
from soclab_simulators.replay.timeline import Timeline, create_timeline

__all__ = [
    "PolledReplay",
    "PublishedReplay",
    "Recording",
    "RecordingError",
    "Timeline",
    "create_timeline",
    "read_recording",
]
