"""The spool: a folder per instrument in which accepted readings wait for the server.

docs/spool.md describes the format and what it promises.
"""

from soclab_collectors.spool.writer import SpoolWriter

__all__ = ["SpoolWriter"]
