"""soclab on the Raspberry Pi: instrument → spool → uploader.

Sign convention everywhere: a current above zero charges the battery.
"""
