"""Transports: the only modules that touch hardware."""
