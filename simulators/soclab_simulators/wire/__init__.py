"""The wires: ptys that pose as serial devices."""
