"""State of charge by filters, live: reads new data from InfluxDB, writes what it finds."""
