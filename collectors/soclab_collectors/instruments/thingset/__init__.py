"""thingset."""
