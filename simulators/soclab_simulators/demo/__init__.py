"""``soclab demo``: the whole pipeline on one machine, around simulated instruments."""
