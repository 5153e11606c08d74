"""Brings a Pi's WLAN back by itself: the program ``soclab-wlan-reconnect``.

It looks for the path to the server and, if the network itself is what is broken, climbs a ladder:
reconnect, restart the interface, restart the service, reboot. A server that is merely away is no
reason to touch anything.
"""
