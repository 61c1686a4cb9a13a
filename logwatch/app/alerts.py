"""What people ask about alerts and say of them. The handlers are plain functions from a request to a reply: the
control socket and HTTP carry the same ones.

    {"verb": "alerts", "action": "list" | "show" | "feedback" | "silenced" | "normal" | "real" | "undo", …}

An error is a reply, too: `{"error": …, "hint": …, "code": …}`, the code as of the command line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from logwatch.app.given import KIND, Given, given, refuse_overlap, to_undo
from logwatch.checkpoint.alerts import LATEST, SCANNED, SHORTEST, AlertRows
from logwatch.checkpoint.journal import Journal
from logwatch.config import check_pattern
from logwatch.decide.alerts import SEVERITIES
from logwatch.decide.feedback import MOST
from logwatch.decide.feedback_match import NEVER, UNIT_DETECTORS, Feedback
from logwatch.decide.feedback_scope import MOST_TEMPLATES, Scope, check, is_said, untyped
from logwatch.decide.feedback_silenced import SilencedLog
from logwatch.directives import Directive
from logwatch.errors import DataError, LogwatchError, UsageError
from logwatch.parse.entity import matches
from logwatch.parse.variable_types import ANYTHING, TYPES
from logwatch.sinks.schema import rfc3339
from logwatch.types import NO_TIME

Request = Mapping[str, Any]
Reply = dict[str, Any]

LONGEST = 1000
"""Characters of anything that people write."""

LIMIT, MOST_LISTED = 20, 1000


@dataclass(frozen=True, slots=True)
class Desk:
    """What the handlers work on."""

    alerts: AlertRows
    journal: Journal
    now: Callable[[], int]
    silenced: Callable[[], SilencedLog]
    unusual: Callable[[str, Sequence[int]], Sequence[str]]  # texts of templates of a source; empty: everyday, unknown
    direct: Callable[[Directive], bool]
    types: Sequence[str] = ()  # names that the configuration gives to variables


def answer(desk: Desk, request: Request) -> Reply:
    """Carry a request out."""
    action = request.get("action")
    handler = ACTIONS.get(action) if isinstance(action, str) else None
    try:
        if handler is None:
            raise UsageError(f"there is no action {action!r}", f"there are {', '.join(ACTIONS)}")
        return handler(desk, request)
    except LogwatchError as error:
        return {"error": error.message, "hint": error.hint, "code": error.exit_code}


def _text(request: Request, name: str) -> str:
    value = request.get(name) or ""
    if not isinstance(value, str) or len(value) > LONGEST:
        raise UsageError(f"{name} must be a text of at most {LONGEST} characters")
    return value


def _number(request: Request, name: str) -> float | None:
    value = request.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12):
        raise UsageError(f"{name} must be a number above 0")
    return None if value is None else float(value)


def listed(desk: Desk, request: Request) -> Reply:
    """Incidents, the newest first; `scanned` says that only so many alerts were looked at, `next` where to go on
    (`before` of the next request), null at the end."""
    limit, wanted = int(min(_number(request, "limit") or LIMIT, MOST_LISTED)), _filter(desk, request)
    before = int(_number(request, "before") or LATEST)
    said, rows = verdicts(desk), list[Reply]()
    seen: set[str] = set()
    looked, oldest = 0, 0
    for seq, body in desk.alerts.newest(before, _text(request, "source")):
        looked, oldest = looked + 1, seq
        incident = body["incident"]
        if incident in seen:
            continue
        seen.add(incident)
        if wanted(body) and (before == LATEST or desk.alerts.last_of(incident) < before):
            rows.append(row_of(desk, body, said))
            if len(rows) == limit:
                break
    more = len(rows) == limit or looked >= SCANNED
    return {"alerts": rows, "scanned": looked if looked >= SCANNED else None, "next": oldest if more else None}


def _filter(desk: Desk, request: Request) -> Callable[[Reply], bool]:
    """Which incidents a list is of, by their latest alert. Raises UsageError."""
    source, severity, seconds = _text(request, "source"), _text(request, "severity"), _number(request, "since")
    if severity and severity not in SEVERITIES:
        raise UsageError(f"there is no severity {severity!r}", f"there are {', '.join(SEVERITIES)}")
    graver = SEVERITIES[SEVERITIES.index(severity) :] if severity else SEVERITIES
    earliest = NO_TIME if seconds is None else desk.now() - int(seconds * 1e9)
    since = (rfc3339(earliest) or "") if earliest > NO_TIME else ""

    def wanted(body: Reply) -> bool:
        if request.get("open") and (body["state"] not in ("open", "update") or body["kind"] == "gap"):
            return False
        return source in ("", body["source"]) and body["severity"] in graver and (body["last"] or "") >= since

    return wanted


def verdicts(desk: Desk) -> dict[str, str]:
    """What people said of incidents, as far as it is in force."""
    now = desk.now()
    return {one.incident: one.feedback.verdict for one in given(desk.journal).values() if one.state(now) == "in force"}


def row_of(desk: Desk, body: Reply, said: Mapping[str, str]) -> Reply:
    """An incident: what opened it, how far it is by its latest alert, and what people said of it."""
    opened = next(iter(desk.alerts.begin_with(body["incident"], 1)), body)
    of_opening = ("incident", "source", "entity", "kind", "rule", "template")
    of_latest = ("state", "severity", "first", "last", "count", "score", "provisional", "detail")
    row = {name: opened[name] for name in of_opening} | {name: body[name] for name in of_latest}
    lines = opened["lines"] or [{"text": ""}]
    return row | {"line": lines[-1]["text"], "feedback": said.get(body["incident"], "")}


def _one(desk: Desk, wanted: str) -> Reply:
    """The alert that is meant. Raises DataError."""
    found = desk.alerts.begin_with(wanted)
    incidents = {body["incident"] for body in found}
    if len(incidents) > 1:
        names = ", ".join(body["id"][: max(12, len(wanted) + 4)] for body in found)
        raise DataError(f"{wanted} may mean several alerts: {names}", "write more of the id")
    if not found:
        hint = f"`logwatchd alerts list` lists them; the first {SHORTEST} characters of an id or more stand for it"
        raise DataError(f"there is no alert {wanted}", hint)
    own = [body for body in found if body["id"] == body["incident"]]
    return (own or found)[0]


def show(desk: Desk, request: Request) -> Reply:
    """One alert, the later ones of its incident, and what was said of it."""
    body = _one(desk, _text(request, "id"))
    rows = [one for one in given(desk.journal).values() if one.incident == body["incident"]]
    later = [one for one in desk.alerts.of_incident(body["incident"]) if one["id"] != body["id"]]
    counts = desk.silenced().counts
    return {"alert": body, "later": later, "feedback": [one.row(desk.now(), counts) for one in rows]}


def feedback(desk: Desk, request: Request) -> Reply:
    """All feedback, the newest first, with that which is no longer in force."""
    counts = desk.silenced().counts
    rows = [one.row(desk.now(), counts) for one in given(desk.journal).values()]
    return {"feedback": rows[::-1]}


def silenced(desk: Desk, request: Request) -> Reply:
    """The latest alerts that did not go out, the newest first."""
    log = desk.silenced()
    rows = [one._asdict() | {"time": rfc3339(one.time)} for one in log.latest]
    return {"silenced": rows[::-1], "counts": log.counts}


def mark_normal(desk: Desk, request: Request) -> Reply:
    """Mark an alert as normal."""
    return _judge(desk, request, "normal")


def mark_real(desk: Desk, request: Request) -> Reply:
    """Mark an alert as real."""
    return _judge(desk, request, "real")


def _judge(desk: Desk, request: Request, verdict: Any) -> Reply:
    body, now = _one(desk, _text(request, "id")), desk.now()
    scope = scope_of(desk, body, request)
    check(scope)
    if verdict == "real" and not scope.templates:
        raise UsageError("only templates are kept out of training", "this alert is of none: nothing is learned of it")
    seconds = _number(request, "for")
    until = NEVER if seconds is None else min(now + int(seconds * 1e9), NEVER)
    known = given(desk.journal)
    id = _id(verdict, body["incident"], scope.dump(), now)
    new = Feedback(id, verdict, scope, until)
    refuse_overlap(new, known.values(), now)
    if sum(one.state(now) == "in force" for one in known.values()) >= MOST:
        raise UsageError(f"{MOST} are in force already", "undo some that are no longer needed")
    said = Given(new, body["incident"], _text(request, "by"), now, _text(request, "note"))
    kept = {"feedback": new.dump(), "incident": said.incident, "note": said.note}
    desk.direct(Directive(KIND, kept, id, now, said.by))
    return {"feedback": said.row(now, {})}


def _id(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def scope_of(desk: Desk, body: Reply, request: Request) -> Scope:
    """What feedback on an alert speaks of: its template in its source, as far as the request does not say otherwise."""
    detector = body["rule"] if request.get("detector") else ""
    source = "" if request.get("any_source") else body["source"]
    entity, value = _text(request, "entity"), _text(request, "value")
    if entity:
        _check_entity(entity, body)
    if value and not any(value in line["text"] for line in body["lines"]):
        raise UsageError(f"no line of this alert has the value {value!r}", "`logwatchd alerts show` shows its lines")
    if request.get("any_template"):
        return Scope((), value, source, entity, detector)
    templates = () if body["rule"] in UNIT_DETECTORS else _templates(desk, body)
    if templates:
        return Scope(templates, value, source, entity, detector)
    return Scope((), value, source, entity, body["rule"], body["kind"])


def _check_entity(pattern: str, body: Reply) -> None:
    try:
        check_pattern(pattern)
        fits = body["entity"] is not None and bool(matches([body["entity"]], pattern)[0])
    except (ValueError, LogwatchError) as error:
        raise UsageError(f"entity: {getattr(error, 'message', error)}") from error
    if not fits:
        own = "has no entity" if body["entity"] is None else f"is of {body['entity']}"
        raise UsageError(f"this alert {own}: {pattern!r} would not fit it")


def _templates(desk: Desk, body: Reply) -> tuple[str, ...]:
    """Texts of what an alert is of: its template; of a window, those of its lines that its source hardly says."""
    if body["template"]:
        return (untyped(body["template"], (*TYPES, ANYTHING, *desk.types)),)
    if body["kind"] != "window":
        return ()
    lines = body["lines"][:MOST_TEMPLATES]
    texts = desk.unusual(body["source"], [line["template_id"] for line in lines])
    sure = [text for text, line in zip(texts, lines, strict=True) if text and is_said(text, line["text"])]
    return tuple(dict.fromkeys(sure))


def undo(desk: Desk, request: Request) -> Reply:
    """Take feedback back: by its own id, or by that of the alert that it was given on."""
    wanted, now = _text(request, "id"), desk.now()
    known = given(desk.journal)
    found = {body["incident"] for body in desk.alerts.begin_with(wanted)}
    ids = [one.feedback.id for one in to_undo(wanted, known, found.pop() if len(found) == 1 else "", now)]
    for id in ids:
        desk.direct(Directive(KIND, {"undo": id}, _id("undo", id, now), now, _text(request, "by")))
    known = given(desk.journal)
    return {"feedback": [known[id].row(now, {}) for id in ids]}


ACTIONS: dict[str, Callable[[Desk, Request], Reply]] = {
    "list": listed, "show": show, "feedback": feedback, "silenced": silenced, "normal": mark_normal, "real": mark_real,
    "undo": undo,
}  # fmt: skip
