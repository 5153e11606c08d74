"""State of charge over the next 24 hours, from a battery's own history."""
