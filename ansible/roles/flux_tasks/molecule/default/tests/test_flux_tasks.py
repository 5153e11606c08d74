"""The tasks run inside InfluxDB and count what is written to it."""

import json
import time

URL = "https://localhost:8086"
OPERATOR = "operator-token-of-the-test-lab"
CALL = """
import json, ssl, sys, urllib.request as u
method, path, body = sys.argv[1:]
context = ssl.create_default_context(cafile="/etc/soclab/tls/authority.crt")
request = u.Request("{url}" + path, body.encode() or None, method=method, headers={{
    "Authorization": "Token {token}", "Content-Type": "application/vnd.flux"}})
print(u.urlopen(request, context=context).read().decode())
"""


def call(host, method, path, body=""):
    code = CALL.format(url=URL, token=OPERATOR)
    return host.run_expect([0], f"python3 -c '{code}' {method} '{path}' '{body}'").stdout


def test_charge_is_counted_with_the_capacity_that_was_changed(host):
    now = int(time.time())
    lines = "\\n".join(
        f"battery,battery=pack,instrument=shunt,site=test current_a=-3.6,voltage_v=12.5 {t}"
        for t in range(now - 100, now)
    )
    body = lines.encode().decode("unicode_escape")
    call(host, "POST", "/api/v2/write?org=soclab&bucket=raw&precision=s", body)
    flux = 'from(bucket: "derived") |> range(start: -5m) |> filter(fn: (r) => r._field == "{}")'
    deadline = time.monotonic() + 120
    rows = []
    while time.monotonic() < deadline and len(rows) < 50:
        time.sleep(2)
        said = call(host, "POST", "/api/v2/query?org=soclab", flux.format("soc_pct"))
        rows = [line.split(",") for line in said.splitlines() if ",pack," in line]
    assert len(rows) >= 50
    column = next(line.split(",").index("_value") for line in said.splitlines() if "_value" in line)
    values = [float(row[column]) for row in rows]
    # 3.6 A for a second are 1 mAh, of 12 Ah
    assert abs((values[10] - values[40]) / 30 - 100 / 12_000) < 0.0005
    tasks = json.loads(call(host, "GET", "/api/v2/tasks"))["tasks"]
    assert {task["name"]: task["lastRunStatus"] for task in tasks}["soc_coulomb"] == "success"


def test_the_token_is_for_root_only(host):
    for path in ("/etc/soclab/credentials", "/etc/soclab/credentials/services_influxdb_token"):
        assert host.file(path).mode & 0o77 == 0
        assert host.file(path).user == "root"
    assert "token =" not in host.file("/etc/soclab/soclab.toml").content_string


def test_the_command_says_that_all_is_well(host):
    said = json.loads(host.check_output("soclab flux check --json"))
    assert said == {"tasks": ["soc_coulomb", "rollup_1m"], "batteries": ["pack"]}
    assert host.check_output("soclab flux install") == "nothing to change"
