"""LabJack T7: volts at its inputs, turned into battery voltage and current."""
