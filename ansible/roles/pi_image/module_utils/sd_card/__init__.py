"""An SD-card image as a file: its partitions, and files in them, without root and without mounting.

Mounting would need root and loop devices, which containers and CI machines often lack, and it
replays journals and touches access times. mtools and debugfs write only what is asked for.
"""


class ImageError(Exception):
    """Why an image can't be used; the message names the remedy."""
