"""The keys of Grafana's provisioning files for alerting that versions 9.4 to 13 share.

Grafana ignores a key that it does not know, so that a misspelt ``execErrState`` would quietly mean
its default. Here every key has to be known, every required one given, and every value one that all
versions take. Source: pkg/services/provisioning/alerting/*_types.go.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Duration = Annotated[str, Meta(pattern=r"^(\d+[dhms])+$")]
Uid = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
Text = Annotated[str, Meta(min_length=1)]
Organisation = Literal[1]
Clock = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]


class _Known(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    pass


class Evaluator(_Known):
    """Types that came later than 9.4 (gte, ne, …) are left out on purpose."""

    type: Literal["gt", "lt", "within_range", "outside_range"]
    params: list[float]


class Condition(_Known):
    evaluator: Evaluator
    unloadEvaluator: Evaluator  # noqa: N815  Grafana's name


class ExpressionSource(_Known):
    type: Literal["__expr__"]
    uid: Literal["__expr__"]


class Settings(_Known):
    mode: Literal["dropNN"]


class Flux(_Known):
    refId: Text  # noqa: N815
    query: Text
    intervalMs: Annotated[int, Meta(ge=1)]  # noqa: N815
    maxDataPoints: Annotated[int, Meta(ge=1)]  # noqa: N815


class Reduce(_Known, tag_field="type", tag="reduce"):
    refId: Text  # noqa: N815
    expression: Text
    reducer: Literal["last"]
    settings: Settings
    datasource: ExpressionSource


class Threshold(_Known, tag_field="type", tag="threshold"):
    refId: Text  # noqa: N815
    expression: Text
    conditions: Annotated[list[Condition], Meta(min_length=1, max_length=1)]
    datasource: ExpressionSource


class Range(_Known):
    to: Literal[0]
    from_: Annotated[int, Meta(ge=0)] = msgspec.field(name="from")


class Query(_Known):
    refId: Text  # noqa: N815
    relativeTimeRange: Range  # noqa: N815
    datasourceUid: Literal["influxdb", "__expr__"]  # noqa: N815
    model: dict[str, Any]


class Annotations(_Known):
    summary: Text
    description: Text
    value: Text
    dashboard: Text
    runbook_url: Text
    threshold: Text = ""


class Labels(_Known):
    severity: Literal["critical", "warning", "info", "watchdog"]


class Rule(_Known):
    uid: Uid
    title: Text
    condition: Text
    for_: Duration = msgspec.field(name="for")
    keepFiringFor: Duration  # noqa: N815
    noDataState: Literal["NoData", "Alerting", "OK"]  # noqa: N815  KeepLast: 10.4 and newer
    execErrState: Literal["Error", "Alerting", "OK"]  # noqa: N815
    isPaused: bool  # noqa: N815
    labels: Labels
    annotations: Annotations
    data: Annotated[list[Query], Meta(min_length=1)]


class Group(_Known):
    orgId: Organisation  # noqa: N815
    name: Text
    folder: Text
    interval: Annotated[str, Meta(pattern=r"^([1-6]0s|\d+m)$")]  # a multiple of 10 s
    rules: list[Rule]


class DiscordSettings(_Known):
    url: Literal["$DISCORD_WEBHOOK_URL"]
    use_discord_username: bool
    title: Text
    message: Text


class WebhookSettings(_Known):
    url: Literal["$WATCHDOG_URL"]
    httpMethod: Literal["POST"]  # noqa: N815


class Discord(_Known, tag_field="type", tag="discord"):
    uid: Uid
    disableResolveMessage: bool  # noqa: N815
    settings: DiscordSettings


class Webhook(_Known, tag_field="type", tag="webhook"):
    uid: Uid
    disableResolveMessage: bool  # noqa: N815
    settings: WebhookSettings


class ContactPoint(_Known):
    orgId: Organisation  # noqa: N815
    name: Text
    receivers: list[Discord | Webhook]


class Route(_Known):
    receiver: Text
    object_matchers: list[tuple[str, Literal["=", "!=", "=~", "!~"], str]]
    group_by: list[str]
    group_wait: Duration
    group_interval: Duration
    repeat_interval: Duration
    mute_time_intervals: list[str] = []


class Policy(_Known):
    orgId: Organisation  # noqa: N815
    receiver: Text
    group_by: list[str]
    group_wait: Duration
    group_interval: Duration
    repeat_interval: Duration
    routes: list[Route]


class Times(_Known):
    start_time: Clock
    end_time: Clock


class Interval(_Known):
    times: list[Times]
    location: Text


class MuteTime(_Known):
    orgId: Organisation  # noqa: N815
    name: Text
    time_intervals: list[Interval]


class Template(_Known):
    orgId: Organisation  # noqa: N815
    name: Text
    template: Text


class File(_Known):
    apiVersion: Literal[1]  # noqa: N815
    groups: list[Group] = []
    contactPoints: list[ContactPoint] = []  # noqa: N815
    policies: list[Policy] = []
    muteTimes: list[MuteTime] = []  # noqa: N815
    templates: list[Template] = []


def check(content: Any) -> File:
    """Return a file's content, typed; raises ``msgspec.ValidationError`` at the first mistake."""
    file = msgspec.convert(content, File)
    for group in file.groups:
        for rule in group.rules:
            for query in rule.data:
                kind = Flux if query.datasourceUid == "influxdb" else Reduce | Threshold
                msgspec.convert(query.model, kind)
    return file
