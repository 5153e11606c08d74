"""Recordings of batteries: what was measured, and what is known about it beforehand."""
