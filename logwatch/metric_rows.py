"""The rows of `score` for metrics: one per point of a series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from logwatch.decide.judge import Judged
from logwatch.metric_stages import DETECTORS, SERIES, Judging, of_many
from logwatch.rows import Names, framed, named, placed, rfc3339, who
from logwatch.samples import SeriesName
from logwatch.types import Float64, Int64, Kind, UnitBatch


@dataclass(slots=True)
class Measured:
    """Closed steps after judgement."""

    judging: Judging
    name: Callable[[int], SeriesName]  # of a slot
    judge: Callable[[UnitBatch], Judged]
    incident: dict[int, str]  # row of the unit -> id of the incident it belongs to


def point_rows(measured: Measured, names: Names) -> pl.DataFrame:
    """One row per point, in the order of the steps; each is judged as if it had been its step's most surprising."""
    judging, scores = measured.judging, measured.judging.steps.scores
    rows = np.concatenate([np.zeros(0, np.int64), *map(np.arange, judging.steps.begin, judging.steps.end)])
    step = np.repeat(np.arange(len(judging)), judging.steps.end - judging.steps.begin)
    units = _units(judging, rows, step)
    judged = measured.judge(units)
    points = scores.points
    alert: list[str | None] = [None] * len(rows)
    for row in np.flatnonzero(rows == judging.top[step]).tolist():
        alert[row] = measured.incident.get(int(step[row]))
    n, nothing = len(rows), pl.Series([None] * len(rows), dtype=pl.String)
    columns = {
        "kind": ["metric"] * n,
        **who(points.source[rows], points.stream[rows], names),
        "entity": nothing,
        "position": placed(points.stream[rows], points.start[rows], None, names),
        "time": rfc3339(points.time[rows]),
        "level": nothing,
        "template_id": pl.Series([None] * n, dtype=pl.Int32),
        "template": nothing,
    }
    series = {
        "series": named(points.slot[rows], lambda slot: str(measured.name(slot))),
        "value": _known(points.value[rows]),
        "expected": _known((scores.low[rows] + scores.high[rows]) / 2),
        "low": _known(scores.low[rows]),
        "high": _known(scores.high[rows]),
    }
    frame = framed(columns, units.nats, DETECTORS, judged.p, judged.score, alert, series)
    return frame.with_columns(surprise=pl.Series(scores.together[rows]).fill_nan(None))


def _units(judging: Judging, rows: Int64, step: Int64) -> UnitBatch:
    """A unit for each point, with what was said of its step as a whole only where it is the step's first voice."""
    scores, units = judging.steps.scores, judging.units
    nats = units.nats[step].copy()
    nats[:, : scores.nats.shape[1]] = scores.nats[rows]
    series = (judging.steps.end - judging.steps.begin)[step]
    nats[:, SERIES] = of_many(scores.together[rows], series)
    nats[rows != judging.top[step], SERIES + 1 :] = np.nan
    arrays = {name: getattr(units, name)[step] for name in ("final", "source", "stream", "at", "row", "first", "last")}
    points = scores.points
    return replace(
        units, kind=np.full(len(rows), Kind.METRIC, np.uint8), slot=points.slot[rows], start=points.start[rows],
        end=points.end[rows], nats=nats, **arrays,
    )  # fmt: skip


def _known(values: Float64) -> pl.Series:
    return pl.Series(values, dtype=pl.Float64).fill_nan(None)
