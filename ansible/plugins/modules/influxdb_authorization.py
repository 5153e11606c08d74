#!/usr/bin/python
"""Makes a token with exactly the permissions that are asked for, or finds the one there is."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.soclab_influxdb import ARGUMENTS, Influxdb, NotThereError, RefusedError

DOCUMENTATION = """
module: influxdb_authorization
short_description: Make or find a token of InfluxDB 2 by its description
description:
  - A token whose permissions differ is replaced; the old one is good until the new one exists.
  - In check mode, where a token would have to be made, it is a placeholder.
options:
  url:
    description: Address of the server.
    type: str
    required: true
  ca_path:
    description: File with the authority of a server that no public one vouches for.
    type: path
  token:
    description: The operator token.
    type: str
    required: true
  token_variable:
    description: Variable that holds the token, for messages.
    type: str
    default: influxdb_operator_token
  org:
    description: The organisation.
    type: str
    required: true
  description:
    description: What the token is known by.
    type: str
    required: true
  read:
    description:
      - Buckets that it may read.
      - For one of InfluxDB's own, such as C(_tasks), it may also see the organisation.
    type: list
    elements: str
    default: []
  write:
    description: Buckets that it may write.
    type: list
    elements: str
    default: []
  tasks:
    description: Whether it may read and write tasks, and see the organisation.
    type: bool
    default: false
author: soclab
"""

EXAMPLES = """
- name: Make a token that can only write readings
  influxdb_authorization:
    url: https://localhost:8086
    token: "{{ influxdb_operator_token }}"
    org: soclab
    description: pi-shed
    write: [raw]
  register: made
  no_log: true
"""

RETURN = """
made_token:
  description: The token.
  type: str
  returned: always
"""

PLACEHOLDER = "would-be-made"
Permission = tuple[str, str, str]  # action, type, id


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS
        | {
            "description": {"type": "str", "required": True},
            "read": {"type": "list", "elements": "str", "default": []},
            "write": {"type": "list", "elements": "str", "default": []},
            "tasks": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    server = Influxdb(module)
    try:
        changed, token = _ensure(module, server)
        module.exit_json(changed=changed, made_token=token)
    except NotThereError as error:
        if module.check_mode:
            module.exit_json(changed=True, made_token=PLACEHOLDER)
        server.fail(error)
    except RefusedError as error:
        server.fail(error)


def _ensure(module: AnsibleModule, server: Influxdb) -> tuple[bool, str]:
    org_id = server.organisation()
    wanted = _wanted(module, server, org_id) if org_id else None
    if org_id is None and not module.check_mode:
        module.fail_json(msg=f"there is no organisation {module.params['org']}")
    if org_id is None or wanted is None:  # in check mode: it is yet to be made
        return True, PLACEHOLDER
    found = server.call("GET", f"/api/v2/authorizations?orgID={org_id}")["authorizations"]
    named = [one for one in found if one["description"] == module.params["description"]]
    good = [one for one in named if one["status"] == "active" and _permissions(one) == wanted]
    kept = min(good, key=lambda one: str(one["id"]), default=None)
    surplus = [one for one in named if one is not kept]
    if module.check_mode:
        return not kept or bool(surplus), kept["token"] if kept else PLACEHOLDER
    token = kept["token"] if kept else _make(module, server, org_id, wanted)
    for one in surplus:
        server.call("DELETE", f"/api/v2/authorizations/{one['id']}")
    return not kept or bool(surplus), str(token)


def _wanted(module: AnsibleModule, server: Influxdb, org_id: str) -> set[Permission] | None:
    buckets = server.buckets(org_id)
    wanted: set[Permission] = set()
    for action in ("read", "write"):
        for name in module.params[action]:
            if name not in buckets:
                if module.check_mode:
                    return None
                module.fail_json(
                    msg=f"there is no bucket {name} for the token {module.params['description']}. "
                    "Add it to influxdb_buckets."
                )
            wanted.add((action, "buckets", buckets[name]["id"]))
    if any(name.startswith("_") for name in module.params["read"]):
        wanted.add(("read", "orgs", org_id))  # without it InfluxDB's own buckets are not found
    if module.params["tasks"]:
        wanted |= {("read", "tasks", ""), ("write", "tasks", ""), ("read", "orgs", org_id)}
    return wanted


def _permissions(authorization: dict[str, Any]) -> set[Permission]:
    return {
        (one["action"], one["resource"]["type"], one["resource"].get("id", ""))
        for one in authorization["permissions"]
    }


def _make(module: AnsibleModule, server: Influxdb, org_id: str, wanted: set[Permission]) -> str:
    permissions = [
        {
            "action": action,
            "resource": {"type": kind, "orgID": org_id} | ({"id": name} if name else {}),
        }
        for action, kind, name in sorted(wanted)
    ]
    content = {
        "orgID": org_id,
        "description": module.params["description"],
        "permissions": permissions,
    }
    return str(server.call("POST", "/api/v2/authorizations", content)["token"])


if __name__ == "__main__":
    main()
