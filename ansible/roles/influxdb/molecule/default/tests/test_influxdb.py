"""What the roles promise of InfluxDB, asked over the network as a client of the lab would."""

import json
import os
import re
import time
from pathlib import Path

import pytest
import urllib3
from testinfra.utils.ansible_runner import AnsibleRunner

RUNNER = AnsibleRunner(os.environ["MOLECULE_INVENTORY_FILE"])
OPERATOR = "operator-token-of-the-test-lab"
PASSWORD = "Password-of-the-test-lab-1"
REFUSED = {401, 403, 404}  # InfluxDB answers 404 for a bucket that a token cannot see


class Api:
    """The API of a server, called from here, trusting the authority that it made."""

    def __init__(self, name, folder):
        host = self.host = RUNNER.get_host(name)
        self.address = RUNNER.get_variables(name)["ansible_host"]
        authority = folder / "authority.crt"
        authority.write_text(host.file("/etc/soclab/tls/authority.crt").content_string)
        self._pool = urllib3.PoolManager(ca_certs=str(authority), retries=False, timeout=20)

    def call(self, method, path, token=OPERATOR, **content):
        url = f"https://{self.address}:8086{path}"
        headers = {"Authorization": f"Token {token}"}
        return self._pool.request(method, url, headers=headers, **content)

    def write(self, token, bucket, line="battery,site=test voltage_v=13"):
        path = f"/api/v2/write?org=soclab&bucket={bucket}"
        return self.call("POST", path, token, body=line.encode()).status

    def query(self, token, bucket):
        flux = f'from(bucket: "{bucket}") |> range(start: 0)'
        return self.call("POST", "/api/v2/query?org=soclab", token, json={"query": flux})

    def answers(self):
        try:
            return self.call("GET", "/health").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def token(self, name):
        return self.host.file(f"/root/{name}_token").content_string


@pytest.fixture
def api(host, tmp_path):
    return Api(host.backend.host, tmp_path)


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.5)


def test_only_tls_and_only_for_who_trusts_the_authority(api):
    assert api.call("GET", "/health").json()["version"].lstrip("v") == "2.7.12"
    with pytest.raises(urllib3.exceptions.SSLError):
        urllib3.PoolManager(retries=False).request("GET", f"https://{api.address}:8086/health")
    plain = urllib3.request("GET", f"http://{api.address}:8086/health", retries=False)
    assert plain.status == 400
    assert "go_goroutines" not in api.call("GET", "/metrics").data.decode()


def test_the_authority_cannot_vouch_for_others(host):
    """Also not whoever steals its key: that is what its constraints are for."""
    verify = (
        "cd $(mktemp -d) && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        " -subj /CN=x -keyout k -out r 2>&1 && echo subjectAltName={} > e &&"
        " openssl x509 -req -in r -CA /etc/soclab/tls/authority.crt -CAcreateserial -CAserial s"
        " -CAkey /etc/soclab/tls/authority.key -extfile e -out c 2>&1 &&"
        " openssl verify -CAfile /etc/soclab/tls/authority.crt c 2>&1"
    )
    for name in ("DNS:bank.example", "IP:9.9.9.9"):
        assert "permitted subtree violation" in host.run(verify.format(name)).stdout, name
    for name in ("DNS:localhost", "IP:192.168.1.2", f"DNS:{host.backend.host}"):
        assert host.run(verify.format(name)).rc == 0, name


def test_keys_tokens_and_data_are_for_those_who_need_them(host):
    for path in (
        "/etc/soclab/tls/authority.key",
        "/etc/soclab/tls/server.key",
        "/etc/soclab/credentials/influxdb_operator_token",
        "/var/lib/influxdb/influxd.bolt",
        "/var/lib/soclab/backups",
    ):
        assert host.run(f"setpriv --reuid=nobody --clear-groups head -c1 {path}").rc != 0, path
    key = "/etc/soclab/tls/authority.key"
    assert host.run(f"setpriv --reuid=influxdb --init-groups head -c1 {key}").rc != 0


def test_every_program_of_the_host_trusts_it_if_asked_to(host):
    get = f"import urllib.request as u; u.urlopen('https://{host.backend.host}:8086/health')"
    assert host.run(f'python3 -c "{get}"').rc == 0


def test_a_wrong_token_is_refused(api):
    assert api.call("GET", "/api/v2/buckets", "wrong").status == 401
    assert api.write("wrong", "raw") == 401


def test_buckets_keep_what_the_inventory_says(api):
    found = api.call("GET", "/api/v2/buckets").json()["buckets"]
    kept = {one["name"]: sum(r["everySeconds"] for r in one["retentionRules"]) for one in found}
    assert (kept["raw"], kept["derived"]) == (90 * 86_400, 0)


def test_the_token_of_a_pi_writes_one_bucket_and_nothing_else(tmp_path):
    server = Api("server12", tmp_path)
    token = RUNNER.get_host("pi").file("/root/pi_token").content_string
    assert server.write(token, "raw") == 204
    assert server.write(token, "derived") in REFUSED
    assert server.query(token, "raw").status in REFUSED
    for things in ("buckets", "authorizations", "tasks", "users"):
        seen = server.call("GET", f"/api/v2/{things}", token)
        assert seen.status in REFUSED or not seen.json()[things], things
    assert server.call("GET", "/api/v2/backup/metadata", token).status in REFUSED


def test_tokens_read_and_write_what_they_are_for(api):
    assert api.write(OPERATOR, "raw") == 204
    reader, tasks = api.token("reader"), api.token("tasks")
    assert "voltage_v" in api.query(reader, "raw").data.decode()
    assert api.query(reader, "derived").status in REFUSED
    assert api.write(reader, "raw") in REFUSED
    assert api.call("GET", "/api/v2/tasks", reader).json().get("tasks", []) == []
    assert api.write(tasks, "derived") == 204
    assert api.write(tasks, "raw") in REFUSED
    org_id = api.call("GET", "/api/v2/orgs", tasks).json()["orgs"][0]["id"]
    flux = 'option task = {name: "t", every: 1h}\nfrom(bucket: "raw") |> range(start: -1m)'
    made = api.call("POST", "/api/v2/tasks", tasks, json={"orgID": org_id, "flux": flux})
    assert made.status == 201, made.data
    assert api.call("DELETE", f"/api/v2/tasks/{made.json()['id']}", tasks).status == 204


def test_it_is_back_after_kill_9_with_what_it_had_confirmed(host, api):
    before = host.check_output("systemctl show --value --property=MainPID influxdb")
    assert api.write(OPERATOR, "derived", "killed f=1 1000000000") == 204
    assert host.run(f"kill -9 {before}").rc == 0
    until(api.answers)
    assert host.check_output("systemctl show --value --property=MainPID influxdb") != before
    assert "killed" in api.query(OPERATOR, "derived").data.decode()


@pytest.mark.parametrize("unit", ["influxdb", "soclab-influxdb-backup"])
def test_units_are_hardened(host, unit):
    said = host.check_output(f"systemd-analyze security --no-pager {unit}.service")
    level = re.search(r"Overall exposure level for .*: ([0-9.]+)", said)
    assert float(level[1]) <= 2.0, said
    assert host.run(f"systemd-analyze verify {unit}.service").stderr == ""


def test_secrets_are_nowhere_but_in_their_file(host):
    host.run("systemctl start soclab-influxdb-backup")
    for secret in (OPERATOR, PASSWORD):
        # A pattern that does not find its own command line.
        pattern = f"{secret[:5]}[{secret[5]}]{secret[6:]}"
        for command in (
            "cat /proc/[0-9]*/cmdline",
            "cat /proc/[0-9]*/environ",
            "journalctl --no-pager",
            "systemctl show influxdb soclab-influxdb-backup --no-pager",
            "cat /etc/soclab/*.toml /etc/systemd/system/*",
        ):
            found = host.run(f"( {command} ) 2>/dev/null | grep -ac '{pattern}'")
            assert found.stdout.strip() == "0", command


def test_the_backup_unit_makes_one_that_is_whole(host):
    started = host.run("systemctl start soclab-influxdb-backup")
    assert started.rc == 0, host.check_output("journalctl -u soclab-influxdb-backup -n 20")
    assert "active" in host.check_output("systemctl is-active soclab-influxdb-backup.timer")
    whole = json.loads(host.check_output("soclab influxdb verify --json"))
    assert whole["bytes"] > 1000
    shard = host.check_output(f"ls {whole['path']}/*.tar.gz").split()[0]
    spoil = f"cp -r {whole['path']} /tmp/b && truncate -s -1 /tmp/b/{Path(shard).name}"
    assert host.run(f"rm -rf /tmp/b; {spoil} && soclab influxdb verify /tmp/b").rc != 0


def test_backups_are_kept_as_many_as_said(host):
    for _ in range(2):
        assert host.run("systemctl start soclab-influxdb-backup").rc == 0
    assert host.check_output("ls -d /var/lib/soclab/backups/2* | wc -l") == "2"


def booted(host):
    """Return when the host did; nothing while it does."""
    try:
        return host.check_output("systemctl show --value --property=UserspaceTimestamp")
    except (RuntimeError, AssertionError):
        return None


def test_after_a_reboot_it_serves(host, api):
    before = booted(host)
    host.run("systemd-run --on-active=1 systemctl reboot")
    until(lambda: booted(host) not in {before, None})
    until(api.answers, 90)
    assert "voltage_v" in api.query(api.token("reader"), "raw").data.decode()
