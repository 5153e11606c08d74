"""labjack_t7."""
