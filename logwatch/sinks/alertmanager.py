"""Alerts to Prometheus' Alertmanager, API v2.

There an alert is its labels, and it fires until it is said to be over or nobody has spoken of it for a while. So open
incidents are told again and again, their labels stay what they were when they opened, and where one becomes more severe
the alert of the lower severity is ended as the new one begins.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from logwatch.api import Alert, Clock, plugin
from logwatch.errors import DeliveryError, RefusedError
from logwatch.sinks.alertmanager_config import AlertmanagerConfig
from logwatch.sinks.http import HttpPost
from logwatch.sinks.render import escape, headline
from logwatch.sinks.standing import Standing
from logwatch.telemetry import Logger
from logwatch.types import NO_TIME

log = Logger(__name__)

AT_ONCE = 64
"""Alerts of one request."""

EXPIRES = 4
"""Intervals of `resend` after which an alert that is not told again is over."""

HOLD_S = 3600.0
"""How long what has no end of its own fires: a gap, a digest, a plugin that was switched off."""

ONCE = {"gap": "LogwatchdInputLost", "plugin": "LogwatchdPluginOff", "digest": "LogwatchdDigest"}
"""Names of what has no end of its own, by kind or state."""

NAMES = {**ONCE, "risk": "LogwatchdRisk"}
NAME = "LogwatchdIncident"

LABEL_MOST, NOTE_MOST = 256, 2048
"""Characters of a label's value and of an annotation."""

LINES = 5
REMEMBERED = 4096
"""Incidents whose labels are remembered."""

Labels = dict[str, str]


@plugin(kind="sink", name="alertmanager", api=(1, 0), config=AlertmanagerConfig)
class AlertmanagerSink:
    """Posts to every member; an alert is delivered once one of them has it: they tell each other.

    Args:
        config: its settings.
        clock: for when an alert ends.
    """

    def __init__(self, config: AlertmanagerConfig, clock: Clock) -> None:
        self._config, self._clock = config, clock
        self._members = [HttpPost(_endpoint(url), config, clock) for url in config.urls]
        self._labels: dict[str, Labels] = {}  # by incident
        self._away: dict[str, str] = {}  # members that failed, and why, while others did not

    @property
    def resend_every(self) -> float:
        """Seconds."""
        return self._config.resend

    def deliver(self, alerts: list[Alert]) -> None:
        """Post all. Raises DeliveryError, which says how many were posted."""
        for begin in range(0, len(alerts), AT_ONCE):
            some = alerts[begin : begin + AT_ONCE]
            try:
                self._post(some)
            except RefusedError:
                self._post_singly(some, begin)
            except DeliveryError as error:
                raise DeliveryError(error.message, delivered=begin, retry_after=error.retry_after) from None

    def resend(self, standing: list[Standing]) -> None:
        """Post incidents that are still open, so that they do not expire."""
        for one in standing:
            labels = self._own(one.opened) | {"severity": one.latest.severity}
            self._labels.setdefault(one.latest.incident, labels)
        for begin in range(0, len(standing), AT_ONCE):
            self._post([one.latest for one in standing[begin : begin + AT_ONCE]])

    def close(self) -> None:
        """End what is in progress. Safe to call twice."""
        for member in self._members:
            member.stop()

    def _post_singly(self, alerts: Sequence[Alert], begin: int) -> None:
        """One of them is refused: the others shall arrive all the same."""
        for at, alert in enumerate(alerts, begin):
            try:
                self._post([alert])
            except DeliveryError as error:
                raise type(error)(error.message, delivered=at, retry_after=error.retry_after) from None

    def _post(self, alerts: Sequence[Alert]) -> None:
        labels: dict[str, Labels | None] = {}
        bodies = [body for alert in alerts for body in self._told(alert, labels)]
        self._send(json.dumps(bodies).encode())  # escaped: ASCII alone
        for incident, own in labels.items():
            self._labels.pop(incident, None)
            if own is not None:
                self._labels[incident] = own
        while len(self._labels) > REMEMBERED:
            del self._labels[next(iter(self._labels))]

    def _send(self, body: bytes) -> None:
        """To every member. Raises where none has taken it."""
        errors: dict[str, DeliveryError] = {}
        for number, member in enumerate(self._members, 1):
            try:
                member.post(body, {"Content-Type": "application/json"})
            except DeliveryError as error:
                errors[f"URL {number}"] = error
        if len(errors) == len(self._members):
            found = [*errors.values()]
            raise next((one for one in found if not isinstance(one, RefusedError)), found[0])
        away = {member: error.message for member, error in errors.items()}
        if away != self._away:
            log.warning("members of the Alertmanager cluster that do not take alerts", members=away)
        self._away = away

    def _told(self, alert: Alert, changed: dict[str, Labels | None]) -> list[dict[str, Any]]:
        """The alert as Alertmanager has it; and the end of the one that it takes the place of, if any.

        Args:
            changed: labels of incidents as they are once this is sent; None: the incident is over.
        """
        known = changed[alert.incident] if alert.incident in changed else self._labels.get(alert.incident)
        labels = (known or self._own(alert)) | {"severity": alert.severity}
        changed[alert.incident] = labels if alert.state in ("open", "update") else None
        told = [self._body(alert, labels, over=alert.state == "end")]
        if known is not None and known != labels:
            told.append(self._body(alert, known, over=True))
        return told

    def _own(self, alert: Alert) -> Labels:
        name = NAMES.get(alert.state) or NAMES.get(alert.kind) or NAME
        own = {"alertname": name, "source": alert.source, "entity": alert.entity, "instance": alert.instance}
        return {**self._config.add_labels, **{key: _cut(value, LABEL_MOST) for key, value in own.items() if value}}

    def _body(self, alert: Alert, labels: Labels, *, over: bool) -> dict[str, Any]:
        now = self._clock.now()
        first = now if alert.first == NO_TIME else min(alert.first, now)  # a source's clock may run ahead of ours
        lasts = HOLD_S if alert.state in ONCE or alert.kind in ONCE else self._config.resend * EXPIRES
        return {
            "labels": labels,
            "annotations": _annotations(alert),
            "startsAt": _rfc3339(first),
            "endsAt": _rfc3339(now if over else now + int(lasts * 1e9)),
        }


def _annotations(alert: Alert) -> dict[str, str]:
    expected = [f"{100 * one.probability:.0f} % {one.template}" for one in alert.expected]
    notes = {
        "summary": headline(alert),
        "lines": "\n".join(escape(line.text) for line in alert.lines[:LINES]),
        "expected": "\n".join(map(escape, expected)),
        "incident": alert.incident,
        "alert": alert.id,
        "members": str(alert.count),
        "kind": alert.kind,
        "rule": escape(alert.rule),
    }
    return {
        key: value if len(value) <= NOTE_MOST else value[: NOTE_MOST - 1] + "…" for key, value in notes.items() if value
    }


def _cut(text: str, most: int) -> str:
    text = escape(text)
    return text if len(text) <= most else text[: most - 1] + "…"


def _endpoint(url: SecretStr) -> SecretStr:
    """The API of a base address."""
    text = url.get_secret_value()
    parts = urlsplit(text)
    if parts.path.endswith("/api/v2/alerts"):
        return url
    return SecretStr(parts._replace(path=parts.path.rstrip("/") + "/api/v2/alerts").geturl())


def _rfc3339(ns: int) -> str:
    moment = datetime.fromtimestamp(max(ns, 0) // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{max(ns, 0) % 10**9:09d}Z"
