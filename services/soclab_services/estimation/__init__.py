"""State of charge, computed in Python: each estimate checks another."""
