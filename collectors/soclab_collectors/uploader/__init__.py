"""The uploader: takes segments from the spool to InfluxDB; the only process with a token."""
