"""`mark`: a deployment, after which drift is expected for a while."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from logwatch.app.alerts import Desk
from logwatch.app.session import Session
from logwatch.config.marks import LONGEST_S, WINDOW_S
from logwatch.decide.marks import NAME
from logwatch.directives import Directive
from logwatch.errors import LogwatchError, UsageError
from logwatch.sinks.schema import rfc3339

SHOWN = 3
"""Marks that `status` shows."""


def marked(session: Session) -> tuple[dict[str, Any], ...]:
    """The latest marks of all lanes, newest last."""
    found = {one.id: one for lane in session.lanes for one in lane.stages.marks.latest()}
    latest = sorted(found.values(), key=lambda one: one.since)[-SHOWN:]
    return tuple(
        {"name": one.name, "source": one.source, "since": rfc3339(one.since), "until": rfc3339(one.until)}
        for one in latest
    )


def mark(desk: Desk, request: Mapping[str, Any]) -> dict[str, Any]:
    """`{"verb": "mark", "name": …, "source": …, "for": seconds}`; the answer names the window."""
    try:
        return _mark(desk, request)
    except LogwatchError as error:
        return {"error": error.message, "hint": error.hint, "code": error.exit_code}


def _mark(desk: Desk, request: Mapping[str, Any]) -> dict[str, Any]:
    name, source = request.get("name"), request.get("source") or ""
    seconds = request.get("for", WINDOW_S)
    if not isinstance(name, str) or not name.strip() or len(name) > NAME:
        raise UsageError(f"a mark has a name of 1 to {NAME} characters")
    if not isinstance(source, str) or len(source) > 1000:
        raise UsageError("source must be the name of one")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 1 <= seconds <= LONGEST_S:
        raise UsageError("a window is 1s to 7d long", "while drift is expected, a fault may pass for it")
    now, by = desk.now(), str(request.get("by", ""))
    until = now + int(seconds * 1e9)
    body = {"name": name.strip(), "source": source, "since": now, "until": until}
    id = hashlib.sha256(json.dumps(["mark", body], sort_keys=True).encode()).hexdigest()
    desk.direct(Directive("mark", body, id, now, by))
    return {"mark": {**body, "id": id, "by": by, "since": rfc3339(now), "until": rfc3339(until)}}
