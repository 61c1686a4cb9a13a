"""Points and news, with the places of the records that brought them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from logwatch.samples import Points
from logwatch.score.detectors.sources import SourceRows
from logwatch.score.series.news import News, NewsKind
from logwatch.score.series.passage import Where
from logwatch.score.series.resample import Made
from logwatch.types import Int32, Int64

PLACE = (("stream", "i4"), ("start", "i8"), ("end", "i8"))
"""Columns by source: where its latest record stands."""


class Told(NamedTuple):
    """What happened to series."""

    kind: NewsKind
    source: Int32  # [n]
    slot: Int32  # [n]
    time: Int64  # [n] ns
    row: Int64  # [n]


class Places:
    """Where things came about.

    Args:
        where: the records of the batch; None: no record came, and the source's latest one stands for it.
        sources: rows with the columns PLACE.
    """

    def __init__(self, where: Where | None, sources: SourceRows) -> None:
        self._where, self._sources = where, sources

    def points(self, parts: list[Made], slots: Int64, owner: Int32) -> Points:
        """Points in the order of the records that completed them, by time and slot.

        Args:
            slots: of the series at work.
            owner: by slot: its source.
        """
        at, time, step, value, row = (
            np.concatenate([getattr(part, name) for part in parts]) if parts else np.zeros(0, kind)
            for name, kind in (("at", "i8"), ("time", "i8"), ("step", "i8"), ("value", "f8"), ("row", "i8"))
        )
        slot = slots[at].astype(np.int32)
        order = np.lexsort((slot, time, row))
        slot, time, row = slot[order], time[order], row[order]
        source = owner[slot]
        stream, start, end = self._of(source, row)
        return Points(source, stream, slot, time, step[order], value[order], start, end)

    def news(self, told: list[Told]) -> News:
        """News in the order of the records."""
        parts = [one for one in told if len(one.slot)]
        if not parts:
            return News.joined([])
        kind = np.concatenate([np.full(len(one.slot), one.kind, np.uint8) for one in parts])
        source, slot, time, row = (np.concatenate([column[i] for column in parts]) for i in range(1, 5))
        order = np.lexsort((slot, kind, time, row))
        source, row = source[order].astype(np.int32), row[order]
        stream, start, end = self._of(source, row)
        return News(kind[order], source, stream, slot[order].astype(np.int32), time[order], start, end)

    def _of(self, source: Int32, row: Int64) -> tuple[Int32, Int64, Int64]:
        stream, start, end = (self._sources.rows[name][source] for name, _ in PLACE)
        if self._where is None:
            return stream, start, end
        return self._where.stream[row], self._where.start[row], self._where.end[row]
