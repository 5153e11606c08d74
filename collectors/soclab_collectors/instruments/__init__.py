"""Instruments: one folder each, turning a device's bytes into readings."""
