"""The verb `risk`: what the assessors of a running daemon said of each source, and why nothing where they did not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from logwatch.app.risk_live import Answer
from logwatch.app.session import Session
from logwatch.config import format_duration
from logwatch.decide.risks import sentence
from logwatch.sinks.schema import rfc3339

OLDEST_S = 300.0
"""An older answer is none; three times as old as windows come, where that is more."""

MISSING = "no risk plugin is configured"


def handlers(session: Session) -> Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]:
    """What a daemon answers."""
    return {"risk": partial(answer, session)}


def answer(session: Session, request: Mapping[str, Any]) -> dict[str, Any]:
    """`{"verb": "risk", "source": NAME}`, or without a source all that have metrics: `{"results": [row…]}`.

    A row has a `probability`, or else says in `error` why it has none. `heat`: with what drove it, as an array.
    """
    risks, wanted = session.risks, request.get("source") or ""
    if not isinstance(wanted, str):
        return {"error": "source must be the name of one", "code": 64, "status": 400}
    if risks is None:
        return {"error": MISSING, "hint": "add [risk.cnn] to the configuration", "code": 65, "status": 404}
    windows = [pipeline.stages.metrics.windows for pipeline in session.lanes]
    measured = {one.name(number) for one in windows for number in one.sources()}
    if wanted and wanted not in measured:
        said = {"error": f"no metrics of a source {wanted!r}", "hint": "see `logwatchd status`"}
        return {**said, "code": 65, "status": 404}
    oldest = max(OLDEST_S, 3 * session.settings.heatmap.every)
    heat = bool(request.get("heat")) and "by" not in request  # arrays stay within the process
    rows = []
    latest = risks.latest()
    for source in sorted({wanted} if wanted else measured):
        for name in risks.names:
            rows.append(_row(source, name, latest.get((source, name)), session.clock.now(), oldest, heat))
    return {"results": rows}


def _row(source: str, name: str, known: Answer | None, now: int, oldest: float, heat: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "source": source, "model": name, "probability": None, "horizon": None, "time": None, "detail": "",
        "drivers": [], "error": None,
    }  # fmt: skip
    if known is None:
        return row | {"error": "no window has been assessed yet"}
    row["time"] = rfc3339(known.window.end)
    age = (now - known.window.end) / 1e9
    if known.risk is None:
        return row | {"error": "nothing can be said of the latest window: too few samples, or the plugin failed"}
    if age > oldest:
        return row | {"error": f"too old: the latest window ended {format_duration(round(age))} ago"}
    risk = known.risk
    row |= {"probability": risk.probability, "horizon": risk.horizon, "detail": risk.detail}
    row["drivers"] = [[metric, share] for metric, share in risk.drivers]
    return row | ({"heat": risk.heat, "note": sentence(risk)} if heat else {})
