"""Elektro-Automatik EL 3000 electronic loads over their serial telegram protocol.

What is known of the protocol, and from where, is in docs/instruments/ea-el3000.md; the marks in
comments are its grades: [C] captured on a real EL 3160-60A, [M] manufacturer's manual, [D] open
drivers of sister devices, [G] guess.
"""
