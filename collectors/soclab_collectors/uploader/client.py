"""One HTTP request: lines out, an answer back."""

from __future__ import annotations

import ipaddress
import json
import zlib
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import urllib3

from soclab_collectors.errors import ConfigError
from soclab_collectors.uploader.token import read_token
from soclab_collectors.uploader.verdict import NO_ANSWER, Answer, retry_after_s

if TYPE_CHECKING:
    from soclab_collectors.config.model import UploaderConfig

# Line protocol shrinks tenfold at the fastest level; more costs a Pi more time than it saves.
_GZIP_LEVEL: Final = 1
_GZIP_WINDOW: Final = 31  # 15 bits of window, in a gzip envelope
_ANSWER_BYTES: Final = 8 << 20  # a complaint about each of 50,000 lines


class WriteClient:
    """Writes line protocol to one bucket.

    Parameters
    ----------
    config
        Section ``[uploader]``.

    Raises
    ------
    ConfigError
        If the URL, the token or the certificates cannot be used.
    """

    def __init__(self, config: UploaderConfig) -> None:
        self._config = config
        query = {"org": config.org, "bucket": config.bucket, "precision": "ns"}
        self._url = f"{_checked_url(config)}/api/v2/write?{urlencode(query)}"
        self._headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"}
        self.reload_token()
        try:
            self._pool = urllib3.PoolManager(
                maxsize=2,  # connections kept open: as many as there are requests at once
                retries=False,
                timeout=urllib3.Timeout(total=config.timeout_s),
                ca_certs=config.ca_file or None,
            )
            if config.ca_file:
                urllib3.util.ssl_.create_urllib3_context().load_verify_locations(config.ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError(
                f"uploader.ca_file: {config.ca_file}",
                error.strerror or str(error),
                "Name a PEM file with the certificate of whoever signed the server's.",
            ) from error

    def reload_token(self) -> None:
        """Read the token again: it may have been replaced because the server refused it."""
        self._headers["Authorization"] = f"Token {read_token(self._config)}"

    def write(self, lines: bytes) -> Answer:
        """Send lines; an empty request only asks whether this token may write to this bucket."""
        packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
        try:
            response = self._pool.urlopen(
                "POST",
                self._url,
                body=packer.compress(lines) + packer.flush(),
                headers=self._headers,
                redirect=False,
                preload_content=False,
            )
            body = response.read(_ANSWER_BYTES)
            if len(body) < _ANSWER_BYTES:
                response.release_conn()
            else:
                response.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Answer(NO_ANSWER, _reason(error))
        return Answer(response.status, _message(body), retry_after_s(response.headers))


def _checked_url(config: UploaderConfig) -> str:
    """Return the server's URL; the token must not cross a network in the clear by oversight."""
    where = "uploader.url"
    try:
        url = urllib3.util.parse_url(config.url)
    except urllib3.exceptions.LocationParseError as error:
        raise ConfigError(where, f"no URL: {config.url}", "Write https://HOST:8086.") from error
    if url.scheme not in {"http", "https"} or not url.host or url.query or url.fragment:
        raise ConfigError(where, f"no URL of a server: {config.url}", "Write https://HOST:8086.")
    if url.auth:
        raise ConfigError(where, "holds a password", "Credentials belong into token_file alone.")
    if url.scheme == "http" and not (config.allow_plain_http or _is_loopback(url.host)):
        raise ConfigError(
            where,
            f"{config.url} would send the token unencrypted",
            "Use https, or set uploader.allow_plain_http = true if the network is yours alone.",
        )
    return config.url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _message(body: bytes) -> str:
    """Return what the server says, from its JSON if that is what it speaks."""
    text = body.decode(errors="replace").strip()
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text


def _reason(error: BaseException) -> str:
    """Return the innermost reason: urllib3 wraps it in its own, with names of its objects."""
    while inner := getattr(error, "reason", None) or error.__cause__ or error.__context__:
        if not isinstance(inner, Exception):
            break
        error = inner
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
