"""What people read on Discord, made by Go's templates themselves.

``go_templates`` is a small program around Go's text/template and Alertmanager's template package,
which Grafana uses for annotations and for messages.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from grafana.source.alerting import RULES, files
from tests.grafana.rule_texts import EXTERNAL_URL, expand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Go = Callable[..., dict[str, list[str]]]

SOURCE = Path(__file__).with_name("go_templates")
FILES = files()
TEMPLATE = yaml.safe_load(FILES["alerting/templates.yml"])["templates"][0]["template"]
STARTED = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)
TITLE_MAX, CONTENT_MAX = 256, 2000  # https://discord.com/developers/docs/resources/message


@pytest.fixture(scope="module")
def program() -> Path:
    """Build the program, or return the one that was built from the same source."""
    if shutil.which("go") is None:
        pytest.skip("reason: no Go, remedy: install Go 1.23 or newer")
    source = b"".join((SOURCE / name).read_bytes() for name in ("main.go", "go.sum"))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    built = cache / "soclab" / "go_templates" / hashlib.sha256(source).hexdigest()[:16]
    if built.exists():
        return built
    made = subprocess.run(
        ["go", "build", "-mod=readonly", "-o", built, "."],
        cwd=SOURCE,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode and ("dial tcp" in made.stderr or "proxy" in made.stderr):
        pytest.skip("reason: Go's modules cannot be reached, remedy: a network, or GOPROXY")
    assert made.returncode == 0, made.stderr
    return built


@pytest.fixture(scope="module")
def go(program: Path) -> Iterator[Go]:
    """Return a function that has Go expand annotations and messages."""
    with subprocess.Popen(
        [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        questions, answers = running.stdin, running.stdout
        assert questions
        assert answers

        def ask(annotations: Any = (), messages: Any = ()) -> dict[str, list[str]]:
            asked = {
                "template": TEMPLATE.replace("$$", "$"),
                "externalURL": EXTERNAL_URL,
                "annotations": list(annotations),
                "messages": list(messages),
            }
            questions.write(json.dumps(asked))
            questions.flush()
            answer = json.loads(answers.readline())
            assert answer.pop("error") == ""
            return answer

        yield ask
        questions.close()


# ---- annotations -------------------------------------------------------------------------------
LABELS = {
    "site": "lab",
    "battery": "house_1",
    "instrument": "daq",
    "pair": "daq and mppt",
    "limit": "30",
    "taskID": "0a1b",
    "watchdog": "soclab",
}


def test_annotations_of_the_rule_tests_are_go_s(go: Go) -> None:
    texts = [text for rule in RULES for text in rule.annotations(7).values()]
    cases = list(
        itertools.product(
            texts,
            (LABELS, {"site": "lab"}, {}),
            ({"B": 1.0, "W": 12.345}, {"W": 0.0}, {"W": -1e-3}, {}),
        )
    )
    made = go(
        annotations=[
            {
                "text": text,
                "labels": labels,
                "values": {
                    ref: {"labels": labels, "value": value} for ref, value in values.items()
                },
            }
            for text, labels, values in cases
        ]
    )["annotations"]
    assert made == [expand(*case) for case in cases]


# ---- messages ----------------------------------------------------------------------------------
def alert(
    number: int = 1, status: str = "firing", severity: str = "critical", **annotations: str
) -> dict[str, Any]:
    battery = f"house{number}"
    return {
        "status": status,
        "labels": {"alertname": "Voltage too low", "severity": severity, "battery": battery},
        "annotations": {
            "summary": f"{battery}: voltage 10.80 V by daq (alert below 11 V)",
            "dashboard": f"https://lab.test/d/soclab-battery?var-battery={battery}",
            "runbook_url": "https://lab.test/d/soclab-runbook?viewPanel=4",
            **annotations,
        },
        "startsAt": (STARTED + timedelta(minutes=number)).isoformat(),
    }


def common(alerts: list[dict[str, Any]], key: str) -> dict[str, str]:
    """Return what all alerts have, as Alertmanager does."""
    first, *more = (alert[key] for alert in alerts)
    return {k: v for k, v in first.items() if all(other.get(k) == v for other in more)}


def message(go: Go, *alerts: dict[str, Any]) -> tuple[str, str]:
    data = {
        "status": "firing" if any(a["status"] == "firing" for a in alerts) else "resolved",
        "alerts": alerts,
        "commonLabels": common(list(alerts), "labels"),
        "commonAnnotations": common(list(alerts), "annotations"),
        "externalURL": EXTERNAL_URL,
    }
    asked = [{"name": f"soclab.{part}", "data": data} for part in ("title", "message")]
    title, content = go(messages=asked)["messages"]
    assert len(title) <= TITLE_MAX
    assert len(content) <= CONTENT_MAX
    return title, content


def since(number: int = 1) -> int:
    return int((STARTED + timedelta(minutes=number)).timestamp())


def test_one_alert_says_what_since_when_and_where_to_look(go: Go) -> None:
    title, content = message(go, alert())
    assert title == "🚨 house1: voltage 10.80 V by daq (alert below 11 V)"
    assert content == (
        "🚨 **house1: voltage 10.80 V by daq (alert below 11 V)**\n"
        f"since <t:{since()}:f>"
        " · [dashboard](<https://lab.test/d/soclab-battery?var-battery=house1>)"
        " · [what to do](<https://lab.test/d/soclab-runbook?viewPanel=4>)\n"
    )


@pytest.mark.parametrize(
    ("severity", "sign"),
    [("critical", "🚨"), ("warning", "⚠️"), ("info", "ℹ️"), ("", "⚠️")],  # noqa: RUF001
)
def test_the_sign_is_the_severity_s(go: Go, severity: str, sign: str) -> None:
    title, content = message(go, alert(severity=severity))
    assert title.split()[0] == content.split()[0] == sign


def test_a_resolved_alert_looks_different(go: Go) -> None:
    title, content = message(go, alert(status="resolved"))
    assert title == "✅ Over: house1: voltage 10.80 V by daq (alert below 11 V)"
    assert content == "✅ Over: house1: voltage 10.80 V by daq (alert below 11 V)\n"


def test_an_alert_that_ends_because_nothing_is_known_is_no_good_news(go: Go) -> None:
    gone = alert(status="resolved", grafana_state_reason="MissingSeries")
    title, content = message(go, gone)
    assert title.startswith("❔ Over: house1")
    assert (
        content == "❔ Over: house1: voltage 10.80 V by daq (alert below 11 V) (no longer known)\n"
    )


def test_rules_that_cannot_be_evaluated_are_named(go: Go) -> None:
    broken = [alert(n, severity="warning", Error="connection refused") for n in range(1, 23)]
    for number, one in enumerate(broken):
        one["labels"] = {
            "alertname": "DatasourceError",
            "rulename": f"Rule {number}",
            "severity": "warning",
        }
    title, content = message(go, *broken)
    assert title == "⚠️ 22 alerts: DatasourceError"
    assert content.startswith("⚠️ **Rule 0: cannot be evaluated**\nsince ")
    assert "connection refused\n" in content
    assert content.endswith("⚠️ Rule 3: cannot be evaluated\n… 22 alerts in all\n")


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_several_alerts_are_listed_and_then_counted(go: Go, count: int) -> None:
    title, content = message(go, *(alert(n) for n in range(1, count + 1)))
    assert title == f"🚨 {count} alerts: Voltage too low"
    listed = [line for line in content.splitlines() if line.startswith("🚨")]
    assert len(listed) == min(count, 4)
    assert (f"… {count} alerts in all\n" in content) == (count > 4)


def test_firing_and_resolved_in_one_message(go: Go) -> None:
    title, content = message(go, alert(1), *(alert(n, "resolved") for n in range(2, 6)))
    assert title == "🚨 1 alert: Voltage too low"
    assert content.splitlines()[2:] == [
        "✅ Over: house2: voltage 10.80 V by daq (alert below 11 V)",
        "… 4 are over in all",
    ]


@pytest.mark.parametrize("count", [2, 8, 9])
def test_only_resolved_ones(go: Go, count: int) -> None:
    title, content = message(go, *(alert(n, "resolved") for n in range(count)))
    assert title == f"✅ {count} alerts are over: Voltage too low"
    assert content.count("✅") == min(count, 8)
    assert content.endswith("… 9 are over in all\n") == (count > 8)


@pytest.mark.parametrize("firing", [0, 1, 2, 4, 60])
@pytest.mark.parametrize("resolved", [0, 1, 8, 60])
def test_discord_s_limits_hold_for_the_longest_names(go: Go, firing: int, resolved: int) -> None:
    long = {
        "summary": "b" * 64 + ": current of " + "i" * 64 + " and " + "i" * 64 + " differs by 1 A",
        "dashboard": "https://" + "d" * 300,
        "runbook_url": "https://" + "r" * 300,
        "Error": "e" * 3000,
    }
    alerts = [alert(n, "firing", **long) for n in range(firing)]
    alerts += [alert(n, "resolved", grafana_state_reason="NoData", **long) for n in range(resolved)]
    for one in alerts:
        one["labels"]["alertname"] = "a" * 200
        one["labels"]["battery"] = "b" * 64
    if alerts:
        message(go, *alerts)
