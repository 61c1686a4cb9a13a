"""The alert as JSON: documented, versioned, and read back without loss.

Version 1, one object per alert. Times are RFC 3339 in UTC with as many digits as the time has (nothing is rounded);
`null` where there is no time. Numbers that are not finite are `null`. A reader ignores keys that it does not know;
a key's meaning never changes within a version.

    schema       1
    id           this alert: unique for each open, update, end and digest
    incident     the alert that opened the incident
    state        "open" | "update" | "end" | "digest"
    severity     "info" | "warning" | "critical"
    source, instance, entity (or null), kind, rule
    first, last  times of the first and the last event of the incident so far
    count        members of the incident so far
    score        -log10 p, at most 30
    p            tail probability
    provisional  true until the source has shown enough to know its own tail
    detail       one sentence, where the lines do not say it
    fired        [{detector, nats, p}]
    lines, before [{text, time, position, template_id}]
    expected     [{template, probability}]
    template_id, template, position, model
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from logwatch.errors import DataError
from logwatch.types import NO_TIME, Alert, Expected, Fired, Line

SCHEMA = 1
"""Version of the object; raised only when a key changes its meaning or goes."""

_PLAIN = (
    "id", "incident", "state", "severity", "source", "instance", "entity", "kind", "rule", "count", "provisional",
    "detail", "template_id", "template", "model",
)  # fmt: skip
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")
# JSON escapes C0 only; these too can move a terminal's cursor, turn text around, or are no text at all.
_HARMFUL = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def to_json(alert: Alert) -> dict[str, Any]:
    """The alert as an object of the schema above; `from_json` gives an equal alert back."""
    out: dict[str, Any] = {"schema": SCHEMA}
    out.update((name, getattr(alert, name)) for name in _PLAIN)
    out["first"], out["last"] = rfc3339(alert.first), rfc3339(alert.last)
    out["score"], out["p"] = _finite(alert.score), _finite(alert.p)
    out["fired"] = [{"detector": f.detector, "nats": _finite(f.nats), "p": _finite(f.p)} for f in alert.fired]
    out["lines"] = [_line(line) for line in alert.lines]
    out["before"] = [_line(line) for line in alert.before]
    out["expected"] = [{"template": e.template, "probability": _finite(e.probability)} for e in alert.expected]
    out["position"] = dict(alert.position)
    return out


def from_json(data: Mapping[str, Any]) -> Alert:
    """The alert of an object. Raises DataError where it is not an alert of this schema."""
    if data.get("schema") != SCHEMA:
        raise DataError(f"not an alert of schema {SCHEMA}: schema is {data.get('schema')!r}")
    try:
        return Alert(
            **{name: data[name] for name in _PLAIN},
            first=parse_rfc3339(data["first"]),
            last=parse_rfc3339(data["last"]),
            score=_number(data["score"]),
            p=_number(data["p"]),
            fired=tuple(Fired(f["detector"], _number(f["nats"]), f["p"]) for f in data["fired"]),
            lines=tuple(_line_back(line) for line in data["lines"]),
            before=tuple(_line_back(line) for line in data["before"]),
            expected=tuple(Expected(e["template"], _number(e["probability"])) for e in data["expected"]),
            position=dict(data["position"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"not an alert of schema {SCHEMA}: {error!r}") from error


def dump_line(alert: Alert) -> bytes:
    """The alert as one line of UTF-8 JSON with its line end; log text in it cannot act on a terminal."""
    text = json.dumps(to_json(alert), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _HARMFUL.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode() + b"\n"


def rfc3339(time: int) -> str | None:
    """`2026-02-03T04:05:06.789Z` of ns since the epoch; None of NO_TIME; years 1 to 9999."""
    if time == NO_TIME:
        return None
    seconds, rest = divmod(time, 1_000_000_000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    return f"{text}.{rest:09d}".rstrip("0") + "Z" if rest else text + "Z"


def parse_rfc3339(text: str | None) -> int:
    """Ns since the epoch of what `rfc3339` wrote; NO_TIME of None. Raises ValueError."""
    if text is None:
        return NO_TIME
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"not a time of the schema: {text!r}")
    moment = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + int((match[2] or "").ljust(9, "0"))


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _line(line: Line) -> dict[str, Any]:
    return {
        "text": line.text,
        "time": rfc3339(line.time),
        "position": int(line.position),
        "template_id": int(line.template_id),
    }


def _line_back(data: Mapping[str, Any]) -> Line:
    return Line(data["text"], parse_rfc3339(data["time"]), data["position"], data["template_id"])
