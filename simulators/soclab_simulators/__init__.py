"""soclab without hardware: instruments at the wire around one virtual plant.

A simulator replaces hardware only. The collector under test reads the same bytes from the same
kind of file or socket as in the lab and cannot tell.
"""
