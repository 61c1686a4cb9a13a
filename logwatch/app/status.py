"""`status`: asks the running daemon; where none runs, says what the state directory holds."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from logwatch import __version__
from logwatch.app.mark import marked
from logwatch.app.partitions import Kept
from logwatch.app.session import Session
from logwatch.control import ask
from logwatch.daemon import Daemon
from logwatch.errors import UnreachableError
from logwatch.requests import SourceReport, StatusReport, StatusRequest, Ui, VerdictReport


def status(request: StatusRequest, ui: Ui) -> StatusReport:
    """How a daemon is doing.

    Raises:
        UnreachableError: no daemon runs, and there is no state either.
    """
    try:
        reply = ask(request.state, {"verb": "status"})
    except UnreachableError:
        if not (request.state / "state.db").exists():
            raise
        return _at_rest(request.state)
    if "error" in reply:
        raise UnreachableError(f"the daemon on {request.state} answers: {reply['error']}", "try again in a moment")
    sources = tuple(_source(source) for source in reply.pop("sources"))
    return StatusReport(**reply, sources=sources)


def _source(told: dict[str, Any]) -> SourceReport:
    verdicts = tuple(VerdictReport(**verdict) for verdict in told.pop("verdicts", ()))
    return SourceReport(**told, verdicts=verdicts)


def report_of(session: Session, daemon: Daemon, uptime: float, kept: Sequence[Kept] = ()) -> dict[str, Any]:
    """What the daemon answers to `status`: the fields of a `StatusReport`."""
    model = next((d for d in session.pipeline.stages.detectors if hasattr(d, "version")), None)
    report = StatusReport(
        running=True,
        state=str(session.settings.state),
        version=__version__,
        uptime=uptime,
        records=daemon.progress.records,
        events_learned=session.lanes.seen,
        model=getattr(model, "version", ""),
        paused=daemon.progress.paused,
        last_commit=_rfc3339(session.lanes.committed),
        state_bytes=_size(session.settings.state),
        sources=tuple(session.sources()),
        sinks=tuple(daemon.delivery.status()),
        lanes=tuple(row for keeper in kept for row in keeper.status()),
        ready=not daemon.progress.waiting,
        waiting=daemon.progress.waiting,
        marks=marked(session),
    )
    return dataclasses.asdict(report)


def _at_rest(state: Path) -> StatusReport:
    """Read-only: the directory may belong to a daemon that is just starting."""
    path = state / "state.db"
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.DatabaseError as error:
        raise UnreachableError(f"{path} cannot be opened: {error}", "is it a state directory of logwatchd?") from error
    try:
        lanes = db.execute("SELECT value FROM cells WHERE component = 'pipeline' AND name = 'clock'").fetchall()
        streams = [json.loads(row[0]) for row in db.execute("SELECT value FROM cells WHERE component = 'registry'")]
        waiting = db.execute(
            "SELECT name, seq, (SELECT count(*) FROM alerts WHERE alerts.seq > sinks.seq) FROM sinks"
        ).fetchall()
    except sqlite3.DatabaseError as error:
        raise UnreachableError(f"{path} cannot be read: {error}", "is it a state directory of logwatchd?") from error
    finally:
        db.close()
    clocks = [json.loads(row[0]) for row in lanes]
    names = sorted({source for source, _, _ in streams})
    return StatusReport(
        running=False,
        state=str(state),
        version=__version__,
        events_learned=sum(int(clock["seen"]) for clock in clocks),
        last_commit=_rfc3339(max((int(clock.get("time", 0)) for clock in clocks), default=0)),
        state_bytes=_size(state),
        sources=tuple(SourceReport(name, "paused") for name in names),
        sinks=tuple({"sink": name, "delivered": seq, "waiting": left, "error": ""} for name, seq, left in waiting),
    )


def _rfc3339(ns: int) -> str | None:
    return datetime.fromtimestamp(ns // 10**9, UTC).isoformat().replace("+00:00", "Z") if ns else None


def _size(state: Path) -> int:
    return sum(path.stat().st_size for path in state.glob("state.db*"))
