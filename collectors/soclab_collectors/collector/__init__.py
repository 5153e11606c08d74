"""The unit: one process per instrument, ``soclab-collector run NAME``."""
