#!/usr/bin/python
"""Sets an InfluxDB server up, or recognises that it is."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.soclab_influxdb import ARGUMENTS, Influxdb, NotThereError, RefusedError

DOCUMENTATION = """
module: influxdb_setup
short_description: Set InfluxDB 2 up the first time
description:
  - Makes the first user, the organisation, a bucket and the operator token, which is a given one.
  - A server that is set up already must know the token; an organisation that it lacks is made.
  - In check mode a server that does not answer counts as one that is yet to be installed.
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
  username:
    description: The first user.
    type: str
    required: true
  password:
    description: Password of the first user.
    type: str
    required: true
  bucket:
    description: The first bucket.
    type: str
    required: true
  retention_s:
    description: How long this bucket keeps data; 0 keeps it forever.
    type: int
    default: 0
author: soclab
"""

EXAMPLES = """
- name: Set up
  influxdb_setup:
    url: https://localhost:8086
    token: "{{ influxdb_operator_token }}"
    org: soclab
    username: admin
    password: "{{ influxdb_password }}"
    bucket: raw
"""

RETURN = """
first_time:
  description: Whether the server was set up now.
  type: bool
  returned: always
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS
        | {
            "username": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "bucket": {"type": "str", "required": True},
            "retention_s": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    server = Influxdb(module)
    try:
        first_time = server.call("GET", "/api/v2/setup")["allowed"]
        if first_time:
            changed = True
            if not module.check_mode:
                _set_up(module, server)
        else:
            changed = _organise(module, server)
        module.exit_json(changed=changed, first_time=first_time)
    except NotThereError as error:
        if module.check_mode:
            module.exit_json(changed=True, first_time=True)
        server.fail(error)
    except RefusedError as error:
        server.fail(error)


def _set_up(module: AnsibleModule, server: Influxdb) -> None:
    names = ("username", "password", "org", "bucket", "token")
    request = {name: module.params[name] for name in names}
    request["retentionPeriodSeconds"] = module.params["retention_s"]
    server.call("POST", "/api/v2/setup", request)


def _organise(module: AnsibleModule, server: Influxdb) -> bool:
    """Make the organisation if it is absent; asking for it shows whether the token is good."""
    if server.organisation() is not None:
        return False
    if not module.check_mode:
        server.call("POST", "/api/v2/orgs", {"name": module.params["org"]})
    return True


if __name__ == "__main__":
    main()
