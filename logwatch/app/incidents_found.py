"""Incidents that the log side found, as a state keeps them: read for training, whether a daemon runs there or not."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from logwatch.app.given import given
from logwatch.checkpoint.alerts import AlertRows, read_journal, read_only
from logwatch.decide.feedback_scope import Scope, untyped
from logwatch.errors import DataError
from logwatch.parse.entity import matches
from logwatch.parse.variable_types import ANYTHING, TYPES
from logwatch.sinks.schema import parse_rfc3339
from logwatch.types import NO_TIME

LOGS = ("event", "visit", "window", "silence")
"""Kinds of alerts that speak of lines."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One that the log side found; times in ns."""

    id: str
    source: str
    found: int
    over: int  # its latest member


@dataclass(frozen=True, slots=True)
class Found:
    """What a state knows."""

    incidents: tuple[Incident, ...]  # by time
    normal: int  # left out, as people said so


def read_incidents(state: Path, types: Sequence[str] = ()) -> Found:
    """The log side's incidents among the newest alerts, but for those like one that was called normal.

    Args:
        types: names that the configuration gives to variables.

    Raises:
        DataError: there is no state.
        UnreachableError: it cannot be read.
    """
    if not (state / "state.db").exists():
        hint = "name what became of deployments by --labels FILE, or a daemon's state by --state DIR"
        raise DataError(f"no labels, and no state in {state} whose incidents could be labels", hint)
    with contextlib.closing(read_only(state)) as db:
        said = [one for one in given(read_journal(db)).values() if not one.undone]
        bodies = [body for _, body in AlertRows(db).newest()][::-1]
    normal = {one.incident for one in said if one.feedback.verdict == "normal"}
    real = {one.incident for one in said if one.feedback.verdict == "real"}
    scopes = [one.feedback.scope for one in said if one.feedback.verdict == "normal"]
    found: dict[str, Incident] = {}
    for body in bodies:
        _take(body, found)
        if body["incident"] in found and any(_is_of(scope, body, types) for scope in scopes):
            normal.add(body["incident"])
    kept = [one for one in found.values() if one.id not in normal or one.id in real]
    return Found(tuple(sorted(kept, key=lambda one: one.found)), len(found) - len(kept))


def _take(body: dict[str, Any], found: dict[str, Incident]) -> None:
    """An alert: it may be the first of its incident that speaks of lines, or tell how long it lasted."""
    id, last = body["incident"], parse_rfc3339(body["last"])
    if last == NO_TIME or body["state"] == "digest":
        return
    if id in found:
        found[id] = Incident(id, found[id].source, found[id].found, max(found[id].over, last))
    elif body["kind"] in LOGS and body["state"] != "end":
        found[id] = Incident(id, body["source"], last, last)


def _is_of(scope: Scope, body: dict[str, Any], types: Sequence[str]) -> bool:
    """Whether feedback speaks of an alert."""
    narrow = ((scope.source, "source"), (scope.detector, "rule"), (scope.kind, "kind"))
    if any(wanted not in ("", body[name]) for wanted, name in narrow):
        return False
    if scope.templates and not scope.names(untyped(body["template"], (*TYPES, ANYTHING, *types))):
        return False
    if scope.value and not any(scope.value in line["text"] for line in body["lines"]):
        return False
    return not scope.entity or (body["entity"] is not None and bool(matches([body["entity"]], scope.entity)[0]))
