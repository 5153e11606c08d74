"""What the roles promise of InfluxDB, asked over the network as a client of the lab would."""

import json
import time

import pytest
import urllib3

OPERATOR = "operator-token-of-the-test-lab"
SERVERS = "ansible://server12,server13"
testinfra_hosts = [SERVERS]


@pytest.fixture
def api(host, tmp_path):
    """Return a function that calls the API of a host from here, trusting its authority only."""
    variables = host.ansible.get_variables()
    authority = tmp_path / "authority.crt"
    authority.write_text(host.file("/etc/soclab/tls/authority.crt").content_string)
    pool = urllib3.PoolManager(ca_certs=str(authority), retries=False, timeout=20)

    def call(method, path, token=OPERATOR, **content):
        return pool.request(
            method,
            f"https://{variables['ansible_host']}:8086{path}",
            headers={"Authorization": f"Token {token}"},
            **content,
        )

    return call


def token(host, name):
    return host.file(f"/root/{name}_token").content_string


def write(api, who, bucket, line="battery,site=test voltage_v=13"):
    return api("POST", f"/api/v2/write?org=soclab&bucket={bucket}", who, body=line.encode()).status


def read(api, who, bucket):
    flux = f'from(bucket: "{bucket}") |> range(start: -1h)'
    return api("POST", "/api/v2/query?org=soclab", who, json={"query": flux})


def until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def answers(api):
    try:
        return api("GET", "/health").status == 200
    except urllib3.exceptions.HTTPError:
        return False


def test_only_tls_and_only_for_who_trusts_the_authority(host, api):
    address = host.ansible.get_variables()["ansible_host"]
    assert api("GET", "/health").json()["version"].lstrip("v") == "2.7.12"
    with pytest.raises(urllib3.exceptions.SSLError):
        urllib3.PoolManager(retries=False).request("GET", f"https://{address}:8086/health")
    plain = urllib3.request("GET", f"http://{address}:8086/health", retries=False)
    assert plain.status == 400
    for path in ("/metrics", "/debug/pprof/"):
        assert b"goroutine" not in api("GET", path).data


def test_the_authority_cannot_vouch_for_others(host):
    run = host.run(
        "cd $(mktemp -d) && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        " -subj /CN=x -keyout k -out r 2>/dev/null && echo subjectAltName=DNS:bank.example > e &&"
        " openssl x509 -req -in r -CA /etc/soclab/tls/authority.crt"
        " -CAkey /etc/soclab/tls/authority.key -extfile e -out c 2>/dev/null &&"
        " openssl verify -CAfile /etc/soclab/tls/authority.crt c"
    )
    assert run.rc != 0
    assert "permitted subtree violation" in run.stdout + run.stderr


def test_keys_and_tokens_are_for_those_who_need_them(host):
    modes = {
        "/etc/soclab/tls/authority.key": ("root", "root", 0o600),
        "/etc/soclab/tls/server.key": ("root", "soclab-tls", 0o640),
        "/etc/soclab/credentials": ("root", "root", 0o700),
        "/etc/soclab/credentials/influxdb_operator_token": ("root", "root", 0o600),
    }
    for path, expected in modes.items():
        file = host.file(path)
        assert (file.user, file.group, file.mode) == expected, path
    for user in ("nobody", "soclab-backup"):
        for path in ("/etc/soclab/tls/server.key", "/var/lib/influxdb/influxd.bolt"):
            assert host.run(f"setpriv --reuid={user} --clear-groups cat {path}").rc != 0


def test_every_program_of_the_server_trusts_it_if_asked_to(host):
    name = host.ansible.get_variables()["inventory_hostname"]
    get = f"import urllib.request as u; print(u.urlopen('https://{name}:8086/health').status)"
    assert host.check_output(f'python3 -c "{get}"') == "200"


def test_a_wrong_token_is_refused(api):
    assert api("GET", "/api/v2/buckets", "wrong").status == 401
    assert write(api, "wrong", "raw") == 401


def test_the_token_of_a_pi_writes_one_bucket_and_nothing_else():
    pi, server = (get_host(name) for name in ("pi", "server12"))
    secret = token(pi, "pi")
    with_api = make_api(server)
    assert write(with_api, secret, "raw") == 204
    assert write(with_api, secret, "derived") in {401, 403, 404}
    assert read(with_api, secret, "raw").status in {401, 403, 404}
    assert with_api("GET", "/api/v2/buckets", secret).json().get("buckets", []) == []
    assert with_api("GET", "/api/v2/authorizations", secret).json()["authorizations"] == []
    assert with_api("GET", "/api/v2/tasks", secret).json().get("tasks", []) == []
    assert with_api("GET", "/api/v2/backup/metadata", secret).status == 401


def get_host(name):
    import testinfra  # noqa: PLC0415  only here

    return testinfra.get_host(f"ansible://{name}")
