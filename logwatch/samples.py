"""The values of metric streams: samples as they come, and the points of a series' own grid that they become.

Samples → points: counters become rates, histograms quantiles, irregular times a step per series
(`logwatch.score.series`). Times are nanoseconds since the epoch, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from logwatch.types import Float64, Int32, Int64, UInt8


class SampleKind(IntEnum):
    """How the values of a series are to be read."""

    GAUGE = 0  # the value itself
    COUNTER = 1  # a count since a start: becomes a rate per second; where it falls, it began anew
    DELTA = 2  # a count since the sample before: becomes a rate per second
    BUCKET = 3  # of a histogram, counted since a start and from below; the label `le` is its upper bound
    UNKNOWN = 4  # the format does not say: the name and the values decide


LONGEST_NAME = 1024
"""Characters of a series' text; a longer one is refused: names come from outside, and each is kept."""

_QUOTED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class SeriesName(NamedTuple):
    """A series of a source."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()  # sorted

    def __str__(self) -> str:
        """As people write it: `http_requests{code="200"}`."""
        if not self.labels:
            return self.name
        return self.name + "{" + ",".join(f'{label}="{value.translate(_QUOTED)}"' for label, value in self.labels) + "}"


@dataclass(slots=True)
class Samples:
    """k samples of the records of a batch, in the order of the records."""

    names: list[SeriesName]  # [s] all different, each with its kind: two streams may read one name in two ways
    kind: UInt8  # [s] of SampleKind
    series: Int32  # [k] index into `names`
    row: Int32  # [k] row of the record in its batch, ascending
    time: Int64  # [k] ns; NO_TIME where the record has none
    value: Float64  # [k] as it came: NaN and infinite ones are for the next stage to count

    def __len__(self) -> int:
        return len(self.series)

    def take(self, rows: slice) -> Samples:
        """Some of the samples; the names stay."""
        return Samples(
            self.names, self.kind, self.series[rows], self.row[rows], self.time[rows], self.value[rows]
        )  # fmt: skip


@dataclass(slots=True)
class Points:
    """n values of series, each on its series' own grid, in the order in which they were made.

    The points of one series stand in the order of time, one step apart. Whoever keeps state per series goes through
    them in rounds (`logwatch.score.series.rounds`): each round has a series at most once.
    """

    source: Int32  # [n] number of the source
    stream: Int32  # [n] number of the stream
    slot: Int32  # [n] row of the series table
    time: Int64  # [n] ns: the end of the step
    step: Int64  # [n] ns > 0: length of the series' step
    value: Float64  # [n] finite; NaN: nothing was measured in this step
    start: Int64  # [n] position of the record that completed it
    end: Int64  # [n] position after that record

    def __len__(self) -> int:
        return len(self.slot)

    def take(self, rows: Int64 | slice) -> Points:
        """Some of the points."""
        return Points(
            self.source[rows], self.stream[rows], self.slot[rows], self.time[rows],
            self.step[rows], self.value[rows], self.start[rows], self.end[rows],
        )  # fmt: skip
