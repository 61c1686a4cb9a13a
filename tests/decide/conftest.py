"""Streams of units with known scores, and evidence for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from logwatch.config.values import Budget
from logwatch.decide.alerts import Facts
from logwatch.decide.budget import BudgetThresholds
from logwatch.decide.judge import Judge
from logwatch.score.calibration import Calibration
from logwatch.types import EventBatch, Expected, Kind, Line, Stream, UnitBatch

DETECTORS = ("lstm", "new", "rare", "markov", "set", "rate", "silence")
COLUMN = {Kind.EVENT: 0, Kind.VISIT: 0, Kind.WINDOW: 5, Kind.SILENCE: 6, Kind.METRIC: 5}
T0 = 1_700_000_000 * 10**9
SECOND = 10**9


def make_units(nats, time, first=0, source=0, kind=Kind.EVENT, final=True, start=None, **over) -> UnitBatch:
    """Units whose deciding detector said `nats`; one for each event, positions by event unless `start` is given."""
    m = len(nats)
    values = np.full((m, len(DETECTORS)), np.nan, dtype=np.float32)
    kinds = np.broadcast_to(np.asarray(kind, dtype=np.uint8), m)
    values[np.arange(m), [COLUMN[Kind(int(k))] for k in kinds]] = nats
    at = np.arange(first, first + m, dtype=np.int64)
    position = at * 100 if start is None else np.broadcast_to(np.asarray(start, dtype=np.int64), m)
    wide = {"kind": (kinds, np.uint8), "final": (final, np.bool_), "source": (source, np.int32)}
    wide |= {"stream": (source, np.int32), "slot": (over.get("slot", -1), np.int32)}
    columns = {name: np.array(np.broadcast_to(value, m), dtype=dtype) for name, (value, dtype) in wide.items()}
    times = np.asarray(time, dtype=np.int64)
    row = np.arange(m, dtype=np.int32)
    return UnitBatch(
        **columns, at=at, row=row, first=times, last=times.copy(), start=position, end=position + 99, nats=values,
        detectors=DETECTORS,
    )  # fmt: skip


def make_events(time, first=0, source=0, level=3) -> EventBatch:
    """Events whose watermark is the running maximum of their times (of all sources)."""
    n = len(time)
    times = np.asarray(time, dtype=np.int64)

    def wide(value, dtype):
        return np.array(np.broadcast_to(value, n), dtype=dtype)

    return EventBatch(
        first, wide(source, np.int32), wide(source, np.int32), wide(0, np.int32), times,
        np.maximum.accumulate(times), wide(level, np.int8), wide(0, np.int32), np.arange(n) + first,
        np.arange(n) + first + 1, wide(0, np.uint8), [None] * n, ["line"] * n,
    )  # fmt: skip


def take(units: UnitBatch, rows: slice) -> UnitBatch:
    """A contiguous part, as the units of a sub-batch of its own."""
    part = {
        name: getattr(units, name)[rows]
        for name in ("kind", "final", "source", "stream", "slot", "at", "first", "last", "start", "end", "nats")
    }
    return UnitBatch(**part, row=np.arange(len(part["kind"]), dtype=np.int32), detectors=units.detectors)


@dataclass
class Known:
    """Evidence for units whose lines are their event numbers."""

    levels: Mapping[int, int] = field(default_factory=dict)  # event number → level
    facts_of: Facts = field(default_factory=Facts)

    def lines(self, units, row):
        return (Line(f"line {units.at[row]}", int(units.last[row]), int(units.start[row])),)

    def before(self, units, row):
        return (Line(f"line {units.at[row] - 1}", int(units.last[row]), int(units.start[row]) - 100),)

    def expected(self, units, row):
        return (Expected("all is well", 0.9),)

    def template(self, units, row):
        return 7, "line <*>"

    def level(self, units, row):
        return self.levels.get(int(units.at[row]), 3)

    def facts(self, units, row):
        return self.facts_of

    def stream(self, number):
        return Stream(f"source{number}", f"file{number}")

    def entity(self, slot):
        return f"entity{slot}"

    def position(self, stream, offset) -> Mapping[str, Any]:
        return {"file": f"sig{stream}", "offset": int(offset)}

    def model(self):
        return "v1"


def make_judge(budget="2/day") -> Judge:
    """A judge whose sources all have one budget."""
    return Judge(Calibration(DETECTORS, BudgetThresholds(lambda source: Budget.parse(budget))))


def chunk_ends(n: int) -> list[int]:
    """Ends of the chunks of n events."""
    ends = [end for end in (64, 128, 256, 512) if end < n]
    return [*ends, *range(1024, n, 1024), n]


@pytest.fixture(scope="session")
def made() -> SimpleNamespace:
    """Makers of units, events, evidence and judges."""
    return SimpleNamespace(
        units=make_units, events=make_events, take=take, judge=make_judge, ends=chunk_ends, known=Known, t0=T0,
        second=SECOND, detectors=DETECTORS,
    )  # fmt: skip
