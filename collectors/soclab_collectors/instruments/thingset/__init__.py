"""Libre Solar charge controllers over ThingSet text mode, generations A (v0.3) to D (v0.6).

The device publishes a line a second; this package turns lines into readings and asks for little:
that publishing be switched on, and for values that are not published.
"""
