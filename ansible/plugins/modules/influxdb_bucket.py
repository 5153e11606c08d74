#!/usr/bin/python
"""Makes a bucket, or gives one another retention."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.soclab_influxdb import ARGUMENTS, Influxdb, NotThereError, RefusedError

DOCUMENTATION = """
module: influxdb_bucket
short_description: Make a bucket of InfluxDB 2, or change its retention
description:
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
  name:
    description: Name of the bucket.
    type: str
    required: true
  retention_d:
    description: Days for which data is kept; 0 keeps it forever.
    type: int
    default: 0
  allow_shorter:
    description: Permit a shorter retention than the bucket has, which deletes data.
    type: bool
    default: false
author: soclab
"""

EXAMPLES = """
- name: Make the bucket for readings
  influxdb_bucket:
    url: https://localhost:8086
    token: "{{ influxdb_operator_token }}"
    org: soclab
    name: raw
    retention_d: 90
"""

RETURN = """
"""

SECONDS_PER_DAY = 86_400


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS
        | {
            "name": {"type": "str", "required": True},
            "retention_d": {"type": "int", "default": 0},
            "allow_shorter": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    server = Influxdb(module)
    name, wanted_s = module.params["name"], module.params["retention_d"] * SECONDS_PER_DAY
    try:
        org_id = server.organisation()
        bucket = server.buckets(org_id).get(name) if org_id else None
        if org_id is None and not module.check_mode:
            module.fail_json(msg=f"there is no organisation {module.params['org']}")
        if bucket is None:
            if not module.check_mode:
                content = {"orgID": org_id, "name": name, "retentionRules": _rules(wanted_s)}
                server.call("POST", "/api/v2/buckets", content)
            module.exit_json(changed=True, diff=_diff(None, wanted_s))
        has_s = sum(rule["everySeconds"] for rule in bucket["retentionRules"])
        if has_s == wanted_s:
            module.exit_json(changed=False)
        if wanted_s and (not has_s or wanted_s < has_s) and not module.params["allow_shorter"]:
            module.fail_json(
                msg=f"bucket {name} keeps data {_days(has_s)}, influxdb_buckets says "
                f"{_days(wanted_s)}: that would delete what is older. "
                "Set influxdb_allow_shorter_retention to true if it may go."
            )
        if not module.check_mode:
            rules = {"retentionRules": _rules(wanted_s)}
            server.call("PATCH", f"/api/v2/buckets/{bucket['id']}", rules)
        module.exit_json(changed=True, diff=_diff(has_s, wanted_s))
    except NotThereError as error:
        if module.check_mode:
            module.exit_json(changed=True, diff=_diff(None, wanted_s))
        server.fail(error)
    except RefusedError as error:
        server.fail(error)


def _rules(every_s: int) -> list[dict[str, object]]:
    # Without a rule a PATCH would leave the old one.
    return [{"type": "expire", "everySeconds": every_s}]


def _days(every_s: int) -> str:
    return f"for {every_s / SECONDS_PER_DAY:g} d" if every_s else "forever"


def _diff(before_s: int | None, after_s: int) -> dict[str, str]:
    before = "" if before_s is None else f"kept {_days(before_s)}\n"
    return {"before": before, "after": f"kept {_days(after_s)}\n"}


if __name__ == "__main__":
    main()
