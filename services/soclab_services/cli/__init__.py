"""The command ``soclab``."""
