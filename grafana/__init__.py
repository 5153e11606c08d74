"""What Grafana shows and alerts on; see README.md."""
