"""Takes apart the answer in which InfluxDB sends its metadata, however large."""

from __future__ import annotations

import contextlib
import mmap
import re
from email.message import Message
from typing import TYPE_CHECKING, Final

from soclab_services.influxdb.errors import InfluxdbError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAME: Final = re.compile(rb'name="([a-z]+)"')


@contextlib.contextmanager
def parts(path: Path, content_type: str) -> Iterator[dict[str, memoryview]]:
    """Give the parts of a multipart body by name; they are views into the file.

    Raises
    ------
    InfluxdbError
        If the body is not whole.
    """
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str):
        raise InfluxdbError(f"metadata came as {content_type}", "Report this: the API changed.")
    delimiter = b"\r\n--" + boundary.encode()
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body,
        contextlib.ExitStack() as views,
    ):
        whole = views.enter_context(memoryview(body))
        found: dict[str, memoryview] = {}
        start = len(delimiter) - 2  # the first delimiter has no line before it
        while (end := body.find(delimiter, start)) != -1:
            blank = body.find(b"\r\n\r\n", start, end)
            name = _NAME.search(body[start:blank])
            if blank != -1 and name:
                found[name[1].decode()] = views.enter_context(whole[blank + 4 : end])
            start = end + len(delimiter)
        if body[start : start + 2] != b"--":
            raise InfluxdbError("the metadata broke off", "Try again; the server's log says more.")
        yield found
