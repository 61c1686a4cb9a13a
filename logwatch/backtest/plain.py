"""A result as JSON."""

from __future__ import annotations

import math
from typing import Any

from logwatch.backtest.bootstrap import Figure
from logwatch.backtest.evaluation import Reached
from logwatch.backtest.result import Incident, Labelled, Result
from logwatch.sinks.schema import rfc3339, to_json

SCHEMA = 1


def plain(result: Result) -> dict[str, Any]:
    """Everything but curves and scores over time; what is not defined is null."""
    return {
        "schema": SCHEMA,
        "files": list(result.files), "lines": result.records, "values": result.points,
        "first": _time(result.first), "last": _time(result.last), "seconds": result.seconds,
        "warm": result.warm, "budget": result.budget, "seed": result.seed, "interrupted": result.interrupted,
        "incidents": result.incidents,
        "sources": [
            {"source": one.source, "asked": one.asked, "incidents": one.incidents, "days": _finite(one.days),
             "per_day": _finite(one.per_day), "achieved_over_asked": _finite(one.ratio)}
            for one in result.kept
        ],
        "alone": [
            {"voice": one.voice, "incidents": one.incidents, "per_day": _finite(one.per_day), "of_ours": one.shared}
            for one in result.alone
        ],
        "top": [_incident(one) for one in result.top],
        "calibration": [
            {"kind": one.kind, "count": one.count, "nominal": one.nominal.tolist(), "observed": one.observed.tolist()}
            for one in result.calibration
        ],
        "labels": None if result.labelled is None else _labelled(result.labelled),
        "random_split": None if result.random_split is None else _labelled(result.random_split),
    }  # fmt: skip


def _labelled(labelled: Labelled) -> dict[str, Any]:
    return {
        "form": labelled.form, "labels": labelled.labels, "matched": labelled.matched,
        "evaluated": labelled.evaluated, "positive": labelled.positive,
        "voices": [_reached(one) for one in labelled.reached],
        "anomalies": [
            {"source": one.source, "kind": one.kind, "start": _time(one.start), "end": _time(one.end),
             "delay": _finite(one.delay), "found_by": list(one.by)}
            for one in labelled.anomalies
        ],
    }  # fmt: skip


def _reached(one: Reached) -> dict[str, Any]:
    return {
        "voice": one.voice, "precision": _figure(one.precision), "recall": _figure(one.recall), "f1": _figure(one.f1),
        "average_precision": _figure(one.average_precision), "area_under_roc": _finite(one.area),
        "told": one.told, "found": one.found, "delay": _finite(one.delay),
    }  # fmt: skip


def _figure(figure: Figure) -> dict[str, float | None]:
    return {name: _finite(value) for name, value in zip(("value", "low", "high"), figure, strict=True)}


def _incident(one: Incident) -> dict[str, Any]:
    return {"alert": to_json(one.alert), "end": _time(one.end), "right": one.right}


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _time(time: int | None) -> str | None:
    return None if time is None else rfc3339(time)
