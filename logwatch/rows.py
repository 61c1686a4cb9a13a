"""The rows of `score`: one per event, one for each visit, window and silence that was judged, one per point of metrics.

Columns: kind (event visit window silence), source, instance, entity, position ({file, offset, last}; `last` is null for
events), time (RFC 3339, UTC), level, template_id, template, surprise (nats of the LSTM; of metrics, of the series),
detectors (name → nats), score (−log10 p, at most 30), p, alert (id of the incident, or null), and of metrics series,
value, expected, low, high. Before calibration `score` and `p` are null.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Literal, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from logwatch.errors import UsageError
from logwatch.types import NO_TIME, EventBatch, Float32, Float64, Int64, Kind, Stream, UnitBatch

COLUMNS = (
    "kind", "source", "instance", "entity", "position", "time", "level", "template_id", "template", "surprise",
    "detectors", "score", "p", "alert", "series", "value", "expected", "low", "high",
)  # fmt: skip
LEVELS = ("unknown", "trace", "debug", "info", "notice", "warning", "error", "critical")


@dataclass(slots=True)
class Scored:
    """One sub-batch after judgement: n events and m units. Units that no event brought come with none: those of a
    tick, and of keys that leave the table."""

    events: EventBatch
    nats: Float32  # [n, D] of the event detectors
    detectors: tuple[str, ...]
    units: UnitBatch
    p: Float64  # [m] NaN before calibration
    score: Float64  # [m]
    incident: dict[int, str]  # row of the unit -> id of the incident it belongs to


class Names(Protocol):
    """What numbers mean."""

    def stream(self, number: int) -> Stream: ...
    def source(self, number: int) -> str: ...
    def entity(self, slot: int) -> str | None: ...
    def template(self, number: int) -> str: ...


class RowWriter:
    """Writes rows as they come: JSON lines, CSV (detectors and position as JSON columns) or Parquet (as a map).

    Args:
        target: a file, made anew, or an open stream (not for Parquet).

    Raises:
        UsageError: the file cannot be written.
    """

    def __init__(self, target: Path | BinaryIO, form: Literal["jsonl", "csv", "parquet"], names: Names) -> None:
        self._target, self._form, self._names = target, form, names
        self._parts: tempfile.TemporaryDirectory[str] | None = None
        self._out: IO[bytes] | None = None
        self._pieces = 0
        self.count = 0
        if form == "parquet":
            self._parts = tempfile.TemporaryDirectory(prefix="logwatchd-rows-")
        if isinstance(target, Path):
            try:
                self._out = target.open("wb")
            except OSError as error:
                raise UsageError(f"cannot write {target}: {(error.strerror or str(error)).lower()}") from error
        else:
            self._out = target

    def write(self, scored: Scored) -> None:
        """Rows of one sub-batch: its events in input order, then what was closed."""
        if len(scored.events):
            self.append(event_rows(scored, self._names))
        closed = unit_rows(scored, self._names)
        if len(closed):
            self.append(closed)

    def append(self, frame: pl.DataFrame) -> None:
        """Rows with all of `COLUMNS`."""
        self.count += len(frame)
        if self._parts is not None:
            part = Path(self._parts.name) / f"{self._pieces:08d}"
            frame.with_columns(_as_map(frame["detectors"])).write_parquet(part)
        elif self._form == "csv":
            as_json = frame.with_columns(pl.col("detectors", "position").struct.json_encode())
            self._file().write(as_json.write_csv(include_header=self._pieces == 0).encode())
        else:
            frame.write_ndjson(self._file())
        self._pieces += 1

    def _file(self) -> IO[bytes]:
        assert self._out is not None  # noqa: S101  # for the type checker: closed only at the end
        return self._out

    def close(self) -> None:
        """Finish the file. Safe to call twice."""
        if self._parts is not None:
            parts = sorted(Path(self._parts.name).iterdir())
            if parts:
                pl.scan_parquet(parts).sink_parquet(self._file())
            else:
                pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String)).write_parquet(self._file())
            self._parts.cleanup()
            self._parts = None
        if self._out is not None:
            if self._form == "csv" and not self._pieces:
                self._out.write((",".join(COLUMNS) + "\n").encode())
            self._out.flush()
            if isinstance(self._target, Path):
                self._out.close()
            self._out = None


def event_rows(scored: Scored, names: Names) -> pl.DataFrame:
    """One row per event [n]. An event of an entity carries the p of its visit so far."""
    events, units = scored.events, scored.units
    n = len(events)
    running = (units.row >= 0) & ((units.kind == Kind.EVENT) | ((units.kind == Kind.VISIT) & ~units.final))
    rows = np.flatnonzero(running)
    # Several units may be judged at one event (its rungs, its own): the last one is its own.
    p, score = np.full(n, np.nan), np.full(n, np.nan)
    p[units.row[rows]], score[units.row[rows]] = scored.p[rows], scored.score[rows]
    alert: list[str | None] = [None] * n
    for unit, incident in scored.incident.items():
        if running[unit]:
            alert[units.row[unit]] = incident
    columns = {
        "kind": ["event"] * n,
        **who(events.source, events.stream, names),
        "entity": pl.Series(events.entity, dtype=pl.String),
        "position": placed(events.stream, events.start, None, names),
        "time": rfc3339(events.time),
        "level": named(events.level, lambda level: LEVELS[level]),
        "template_id": events.template,
        "template": named(events.template, names.template),
    }
    return framed(columns, scored.nats, scored.detectors, p, score, alert)


def unit_rows(scored: Scored, names: Names) -> pl.DataFrame:
    """One row for each final visit, window and silence."""
    units = scored.units
    rows = np.flatnonzero((units.kind != Kind.EVENT) & units.final)
    source, stream = units.source[rows], units.stream[rows]
    entity = [names.entity(slot) if slot >= 0 else None for slot in units.slot[rows].tolist()]
    m = len(rows)
    columns = {
        "kind": named(units.kind[rows], lambda kind: Kind(kind).name.lower()),
        **who(source, stream, names),
        "entity": pl.Series(entity, dtype=pl.String),
        "position": placed(stream, units.start[rows], units.end[rows], names),
        "time": rfc3339(units.last[rows]),
        "level": pl.Series([None] * m, dtype=pl.String),
        "template_id": pl.Series([None] * m, dtype=pl.Int32),
        "template": pl.Series([None] * m, dtype=pl.String),
    }
    alert = [scored.incident.get(row) for row in rows.tolist()]
    return framed(columns, units.nats[rows], units.detectors, scored.p[rows], scored.score[rows], alert)


def rfc3339(times: Int64) -> pl.Series:
    """Times [n] as text, null where there is none."""
    series = pl.Series(times).replace(NO_TIME, None).cast(pl.Datetime("ns", "UTC"))
    return series.dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")


def framed(
    columns: dict[str, Any],
    nats: Float32,
    detectors: tuple[str, ...],
    p: Float64,
    score: Float64,
    alert: Sequence[str | None],
    series: Mapping[str, pl.Series] | None = None,
) -> pl.DataFrame:
    """The columns of rows [n] in their order; `series`: those of metrics."""
    named = pl.DataFrame({name: pl.Series(nats[:, i]) for i, name in enumerate(detectors)}).fill_nan(None)
    surprise = named["lstm"] if "lstm" in detectors else pl.Series([None] * len(nats), dtype=pl.Float32)
    return pl.DataFrame(
        {
            **columns,
            "surprise": surprise,
            "detectors": named.to_struct(),
            "score": pl.Series(score).fill_nan(None),
            "p": pl.Series(p).fill_nan(None),
            "alert": pl.Series(alert, dtype=pl.String),
            **(series or _no_series(len(nats))),
        }
    )


def _no_series(count: int) -> dict[str, pl.Series]:
    name, *numbers = COLUMNS[-5:]
    return {name: pl.Series([None] * count, dtype=pl.String)} | {
        name: pl.Series([None] * count, dtype=pl.Float64) for name in numbers
    }


def _as_map(detectors: pl.Series) -> pl.Series:
    """Struct → map, without the detectors that had no opinion."""
    rows = [[{"key": k, "value": v} for k, v in row.items() if v is not None] for row in detectors]
    pairs = pl.List(pl.Struct({"key": pl.String, "value": pl.Float32}))
    return pl.Series("detectors", rows, dtype=pairs).cast(pl.Map(pl.String, pl.Float32))


def named(numbers: NDArray[Any], name: Callable[[int], str | None]) -> pl.Series:
    """Text of many numbers, each distinct one looked up once."""
    distinct, inverse = np.unique(numbers, return_inverse=True)
    return pl.Series([name(number) for number in distinct.tolist()], dtype=pl.String)[inverse]


def who(source: NDArray[Any], stream: NDArray[Any], names: Names) -> dict[str, pl.Series]:
    """Names of sources and instances."""
    return {"source": named(source, names.source), "instance": named(stream, lambda s: names.stream(s).instance)}


def placed(stream: NDArray[Any], start: Int64, last: Int64 | None, names: Names) -> pl.Series:
    """Positions of rows [n]."""
    file = named(stream, lambda s: names.stream(s).instance)
    end = pl.Series([None] * len(start), dtype=pl.Int64) if last is None else pl.Series(last)
    return pl.DataFrame({"file": file, "offset": start, "last": end}).to_struct("position")
