"""The alerts of an incident: as it opens, worsens and ends, and the digest of those beyond the cap."""

from __future__ import annotations

from typing import Any, Protocol

from logwatch.config.values import Rate
from logwatch.decide.alerts import Evidence, detail, digest_id, duration, incident_id, span
from logwatch.decide.incident import History, Incident
from logwatch.decide.judge import Judged
from logwatch.types import NO_TIME, Alert, Fired, Kind, UnitBatch

TEMPLATE_MOST = 500  # characters of a template kept with an open incident
KEPT = (
    "severity", "source", "instance", "entity", "kind", "rule", "score", "p", "provisional",
    "template_id", "template", "model",
)  # fmt: skip


class Explains(Protocol):
    """See `logwatch.decide.judge.Judge`."""

    def fired(self, units: UnitBatch, row: int) -> tuple[Fired, ...]: ...
    def rule(self, units: UnitBatch, row: int) -> str: ...


def compose(
    units: UnitBatch,
    judged: Judged,
    row: int,
    evidence: Evidence,
    explains: Explains,
    severity: str,
    incident: Incident | None = None,
) -> Alert:
    """The alert of a unit: it opens an incident, or updates the one given (which already counts it)."""
    stream = evidence.stream(int(units.stream[row]))
    slot = int(units.slot[row])
    entity = evidence.entity(slot) if slot >= 0 else None
    rule = explains.rule(units, row)
    position = evidence.position(int(units.stream[row]), int(units.start[row]))
    kind = Kind(int(units.kind[row]))
    template_id, template = evidence.template(units, row)
    first, last = int(units.first[row]), int(units.last[row])
    if incident is None:
        name = opened = incident_id(stream, entity, rule, position)
    else:
        name, opened = digest_id(incident.id, "update", incident.sent), incident.id
    return Alert(
        id=name,
        incident=opened,
        state="open" if incident is None else "update",
        severity=severity,
        source=stream.source,
        instance=stream.instance,
        entity=entity,
        kind=kind.name.lower(),
        rule=rule,
        first=first if incident is None else incident.first,
        last=last if incident is None else incident.last,
        count=1 if incident is None else incident.count,
        score=float(judged.score[row]),
        p=float(judged.p[row]),
        provisional=bool(judged.provisional[row]),
        fired=explains.fired(units, row),
        lines=evidence.lines(units, row),
        before=evidence.before(units, row),
        expected=evidence.expected(units, row),
        template_id=template_id,
        template=template,
        position=position,
        model=evidence.model(),
        detail=detail(kind, rule, first, last, evidence.facts(units, row)),
    )


def latest_id(incident: Incident) -> str:
    """Id of the latest alert of an open incident."""
    return incident.id if incident.sent == 1 else digest_id(incident.id, "update", incident.sent - 1)


def summary(alert: Alert) -> dict[str, Any]:
    """What is kept of an alert to tell its incident's end: no lines."""
    kept = {name: getattr(alert, name) for name in KEPT}
    kept["template"] = alert.template[:TEMPLATE_MOST]
    return {**kept, "position": dict(alert.position), "fired": [list(fired) for fired in alert.fired]}


def _retold(kept: dict[str, Any], **changed: Any) -> Alert:
    fired = tuple(Fired(*one) for one in kept["fired"])
    told: dict[str, Any] = {**kept, "fired": fired, "lines": (), "before": (), "expected": (), **changed}
    return Alert(**told)


def closing(incident: Incident) -> Alert:
    """The alert that ends an incident: what its last alert said, and how long and large it was."""
    unit = "member" if incident.count == 1 else "members"
    lasted = "" if incident.first == NO_TIME else f" after {duration((incident.last - incident.first) / 1e9)}"
    return _retold(
        incident.alert,
        id=digest_id(incident.id, "end", incident.sent),
        incident=incident.id,
        state="end",
        first=incident.first,
        last=incident.last,
        count=incident.count,
        detail=f"over{lasted}: {incident.count} {unit}",
    )


def digest(history: History, cap: Rate, period: int) -> Alert:
    """The alert that tells of the incidents beyond the cap in one period (ns), with what the worst of them said."""
    kept = history.excess_alert
    begin, end = history.period * period, (history.period + 1) * period
    name = digest_id(kept["source"], "digest", begin)
    more = "1 more incident" if history.excess == 1 else f"{history.excess} more incidents"
    return _retold(
        kept,
        id=name,
        incident=name,
        state="digest",
        first=history.excess_first,
        last=end,
        count=history.excess,
        detail=f"{more} in {span(begin, end)}, beyond max_incidents = {cap}; this is the worst",
    )
