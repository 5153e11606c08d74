"""InfluxDB 2's HTTP API for modules; needs nothing but what every host with Python has."""

from __future__ import annotations

import json
import urllib.error
from typing import TYPE_CHECKING, Any

from ansible.module_utils.urls import open_url

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

TIMEOUT_S = 30
UNAUTHORIZED = 401

# Shared by every module that talks to the server.
ARGUMENTS: dict[str, Any] = {
    "url": {"type": "str", "required": True},
    "ca_path": {"type": "path"},
    "token": {"type": "str", "required": True, "no_log": True},
    "token_variable": {"type": "str", "default": "influxdb_operator_token", "no_log": False},
    "org": {"type": "str", "required": True},
}


class NotThereError(Exception):
    """The server does not answer: in check mode it may be one that is yet to be installed."""


class RefusedError(Exception):
    """The server answered with an error."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status


class Influxdb:
    """A server, with the parameters of a module."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._url = module.params["url"].rstrip("/")

    def call(self, method: str, path: str, content: object = None) -> Any:
        """Send and receive JSON."""
        try:
            answer = open_url(
                f"{self._url}{path}",
                method=method,
                data=None if content is None else json.dumps(content),
                headers={
                    "Authorization": f"Token {self._module.params['token']}",
                    "Content-Type": "application/json",
                },
                ca_path=self._module.params["ca_path"],
                timeout=TIMEOUT_S,
                use_proxy=False,  # a server of the lab; a proxy could not reach it
            )
            data = answer.read()
        except urllib.error.HTTPError as error:
            raise RefusedError(error.code, _said(error.read())) from error
        except Exception as error:  # open_url passes on whatever it meets
            raise NotThereError(str(error)) from error
        return json.loads(data) if data else None

    def organisation(self) -> str | None:
        """Return the id of the organisation; nothing if there is none of this name."""
        name = self._module.params["org"]
        found = self.call("GET", "/api/v2/orgs?limit=100")["orgs"]
        return next((org["id"] for org in found if org["name"] == name), None)

    def buckets(self, org_id: str) -> dict[str, dict[str, Any]]:
        """Return every bucket by its name."""
        found = self.call("GET", f"/api/v2/buckets?orgID={org_id}&limit=100")["buckets"]
        return {bucket["name"]: bucket for bucket in found}

    def fail(self, error: Exception) -> None:
        """End the module with what a person can act on."""
        if isinstance(error, RefusedError) and error.status == UNAUTHORIZED:
            variable = self._module.params["token_variable"]
            self._module.fail_json(
                msg=f"{self._url} does not know the token in {variable}. It was set up with "
                "another one: put that into the vault, or start with an empty data folder."
            )
        if isinstance(error, NotThereError):
            self._module.fail_json(
                msg=f"{self._url} does not answer: {error}. Look at: journalctl --unit influxdb"
            )
        self._module.fail_json(msg=f"{self._url} answers {error}")


def _said(data: bytes) -> str:
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return data[:200].decode(errors="replace")
