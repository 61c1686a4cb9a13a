"""What a pipeline has taken in during this run, and how the counters of `/metrics` come to know it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from logwatch import telemetry
from logwatch.stages import Stages
from logwatch.types import NO_TIME, EventBatch, Flag, Int32, Int64, RecordBatch


class Sizes(NamedTuple):
    """What a pipeline holds."""

    sources: int
    keys: int
    templates: int
    incidents: int  # open


class Tally:
    """Counts records by source, cheaply; `observe` brings the counters up to date.

    Args:
        model: the detector that trains, for `trained_events`; None without one.
    """

    def __init__(self, stages: Stages, model: Any) -> None:
        self._stages, self._model = stages, model
        self.counts: Int64 = np.zeros(0, np.int64)  # records of this run, by source number
        self._bytes: Int64 = np.zeros(0, np.int64)  # not yet observed, by source number
        self._observed = self.counts
        self.begin()

    def begin(self) -> None:
        """What was trained and mined until now belongs to earlier runs."""
        self._trained, self._mined = self._trained_so_far(), self._mined_so_far()

    def count(self, source: Int32, records: RecordBatch) -> None:
        """Records [n] of sources [n] came."""
        known = len(self._stages.registry.sources)
        more = known - len(self.counts)
        if more:
            self.counts, self._bytes, self._observed = (
                np.pad(counts, (0, more)) for counts in (self.counts, self._bytes, self._observed)
            )
        self.counts += np.bincount(source, minlength=known)
        # Elsewhere than in Kafka, whose positions are offsets, they tell how long the records are.
        size = np.fromiter(map(len, records.lines), np.int64) if records.lane else records.end - records.start
        self._bytes += np.bincount(source, size, minlength=known).astype(np.int64)

    def observe(self) -> Sizes:
        """Bring the counters up to date; returns what the gauges show the sum of."""
        stages = self._stages
        for number in np.flatnonzero(self.counts != self._observed).tolist():
            name = stages.registry.sources[number]
            telemetry.RECORDS.inc(float(self.counts[number] - self._observed[number]), source=name)
            telemetry.BYTES.inc(float(self._bytes[number]), source=name)
            watermark = stages.idle.watermark(number)
            if watermark != NO_TIME:
                telemetry.WATERMARK.set(watermark / 1e9, source=name)
        self._observed, self._bytes[:] = self.counts.copy(), 0
        mined, trained = self._mined_so_far(), self._trained_so_far()
        revised, overflowed, retired = (now - before for now, before in zip(mined, self._mined, strict=True))
        telemetry.REVISED.inc(revised)
        telemetry.OVERFLOWED.inc(overflowed)
        telemetry.RETIRED.inc(retired)
        telemetry.TRAINED.inc(max(0, trained - self._trained))
        self._mined, self._trained = mined, trained
        incidents = sum(row["open"] is not None for row in stages.incidents.status())
        return Sizes(len(stages.registry.sources), len(stages.keys), len(stages.miner), incidents)

    def _mined_so_far(self) -> tuple[int, int, int]:
        miner = self._stages.miner
        return miner.revised, miner.overflowed, miner.retired

    def _trained_so_far(self) -> int:
        return int(getattr(self._model, "trained_events", 0))


def count_marks(events: EventBatch) -> None:
    """Count what is odd about the lines themselves."""
    marked = events.flags & np.uint8(Flag.TRUNCATED | Flag.UNTRUSTED_TIME | Flag.INVALID)
    if marked.any():
        for flag in (Flag.TRUNCATED, Flag.UNTRUSTED_TIME, Flag.INVALID):
            telemetry.MARKED.inc(int(np.count_nonzero(marked & flag)), mark=str(flag.name).lower())
