"""The tasks that run inside InfluxDB: rendered from the configuration, checked, installed."""
