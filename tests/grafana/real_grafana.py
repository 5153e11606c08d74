"""Grafana itself, on loopback, with the configuration that the role deploys."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import urllib3

from tests.pipeline.influxd import free_port

if TYPE_CHECKING:
    from tests.pipeline.influxd import Influxd

ROOT = Path(__file__).parents[2]
ROLE = ROOT / "ansible" / "roles" / "grafana"
DEPLOYED = "/etc/soclab/grafana"
START_TIMEOUT_S = 180.0  # its first start makes a database
PASSWORD = "a-password-for-tests"


def find_grafana() -> tuple[list[str], Path] | None:
    """Return the command of a Grafana and its home: GRAFANA_HOME, else what is on PATH."""
    if named := os.environ.get("GRAFANA_HOME"):
        home = Path(named)
        programs = [home / "bin" / name for name in ("grafana", "grafana-server")]
    else:
        on_path = [shutil.which(name) for name in ("grafana", "grafana-server")]
        programs = [Path(found).resolve() for found in on_path if found]
        usual = Path("/usr/share/grafana")
        beside = [p.parents[1] for p in programs if (p.parents[1] / "conf/defaults.ini").exists()]
        home = next(iter(beside), usual)
    for program in programs:
        if program.exists():
            return [str(program), *(["server"] if program.name == "grafana" else [])], home
    return None


class RealGrafana:
    """One Grafana; its data are in a temporary folder and gone with it."""

    def __init__(
        self,
        command: list[str],
        home: Path,
        folder: Path,
        server: Influxd,
        token: str,
        webhooks: str,
        *,
        without_login: bool = False,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._http = urllib3.PoolManager(retries=False, timeout=60)
        self._configure(server, token)
        environment = {
            "PATH": os.environ["PATH"],
            "DISCORD_WEBHOOK_URL": f"{webhooks}/discord",
            "WATCHDOG_URL": f"{webhooks}/watchdog",
            "GF_PATHS_DATA": str(folder / "data"),
            "GF_PATHS_LOGS": str(folder / "logs"),
            "GF_PATHS_PLUGINS": str(folder / "plugins"),
            "GF_PATHS_PROVISIONING": str(folder / "provisioning"),
        }
        if without_login:  # for a browser on this machine; the role never does that
            environment["GF_AUTH_ANONYMOUS_ENABLED"] = "true"
        self.log = folder / "grafana.log"
        program = [*command, f"--homepath={home}", f"--config={folder}/grafana.ini"]
        if setpriv := shutil.which("setpriv"):  # dies with the test run, however that ends
            program[:0] = [setpriv, "--pdeathsig", "KILL"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                program, stdout=log, stderr=log, env=environment, cwd=home
            )
        self._wait()

    def get(self, path: str) -> Any:
        """Return the answer of its API."""
        return self._call("GET", path)

    def post(self, path: str, content: Any) -> Any:
        """Return the answer of its API."""
        return self._call("POST", path, content)

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _call(self, method: str, path: str, content: Any = None) -> Any:
        answer = self._http.request(
            method,
            f"{self.url}{path}",
            headers=urllib3.make_headers(basic_auth=f"admin:{PASSWORD}"),
            **({} if content is None else {"json": content}),
        )
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.data[:2000]!r}")
        return answer.json()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self._http.request("GET", f"{self.url}/api/health").status == 200:
                    return
            except urllib3.exceptions.HTTPError:
                pass  # not listening yet
            time.sleep(0.2)
        tail = self.log.read_text(errors="replace")[-4000:]
        raise RuntimeError(f"Grafana did not start; the end of {self.log}:\n{tail}")

    def _configure(self, server: Influxd, token: str) -> None:
        """Write what the role writes, with its templates and its files, to another place."""
        self.folder.mkdir(parents=True, exist_ok=True)
        secrets = {
            "grafana_admin_password": PASSWORD,
            "grafana_secret_key": "x" * 40,
            "grafana_influxdb_token": token,
        }
        for name, content in secrets.items():
            (self.folder / name).write_text(content)
        authority = self.folder / "authority.crt"
        _make_authority(authority)
        values = {
            "grafana_address": "127.0.0.1",
            "grafana_port": self.port,
            "grafana_root_url": f"{self.url}/",
            "grafana_admin_user": "admin",
            "grafana_influxdb_url": server.url,
            "grafana_influxdb_organisation": server.org,
            "grafana_influxdb_bucket": "raw",
            "grafana_authority": str(authority),
            "__grafana_credentials": str(self.folder),
        }
        for template, place in {
            "grafana.ini": "grafana.ini",
            "datasource.yml": "provisioning/datasources/soclab.yml",
            "provider.yml": "provisioning/dashboards/soclab.yml",
        }.items():
            text = _render(ROLE / "templates" / f"{template}.j2", values)
            file = self.folder / place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.replace(DEPLOYED, str(self.folder)))
        shutil.copytree(ROOT / "grafana" / "dashboards", self.folder / "dashboards")
        alerting = self.folder / "provisioning" / "alerting"
        shutil.copytree(ROOT / "grafana" / "alerting", alerting)
        hasten(alerting / "battery.yml")
        (self.folder / "provisioning" / "plugins").mkdir()


def hasten(rules: Path) -> None:
    """Shorten for how long an alert goes on after it is over, which a test would wait for."""
    text = rules.read_text(encoding="utf-8")
    rules.write_text(text.replace("keepFiringFor: 10m", "keepFiringFor: 30s"), encoding="utf-8")


def _render(template: Path, values: dict[str, Any]) -> str:
    from ansible.plugins.filter.core import FilterModule  # noqa: PLC0415  takes a while

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True)  # noqa: S701
    environment.filters |= FilterModule().filters()
    environment.tests["match"] = lambda text, pattern: text.startswith(pattern)
    text = template.read_text(encoding="utf-8")
    return environment.from_string(text).render(ansible_managed="by a test", **values)


def _make_authority(file: Path) -> None:
    """Make a certificate: Grafana reads the one it is given, also where TLS is not used."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=test", "-keyout", "/dev/null", "-out", str(file)]
    subprocess.run(command, check=True, capture_output=True)
