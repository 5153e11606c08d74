"""State-of-charge methods against the truth, on recordings at hand and on ones made for it."""
