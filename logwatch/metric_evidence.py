"""What an alert on metrics shows: the reading, what was expected, and the last lines of the same source."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from logwatch.decide.alerts import Facts, Reading
from logwatch.evidence import Context
from logwatch.metric_stages import Judging
from logwatch.samples import SeriesName
from logwatch.types import Expected, Line, Stream, UnitBatch


class MetricEvidence:
    """Implements `logwatch.decide.alerts.Evidence` for METRIC units.

    Args:
        judging: the units that are judged.
        name: of the series in a slot.
        context: of the lines.
    """

    def __init__(self, judging: Judging, name: Callable[[int], SeriesName], context: Context) -> None:
        self._judging, self._name, self._context = judging, name, context

    def facts(self, units: UnitBatch, row: int) -> Facts:
        """The reading of the series that has the most to say."""
        scores, top = self._judging.steps.scores, int(self._judging.top[row])
        value, low, high = (float(part[top]) for part in (scores.points.value, scores.low, scores.high))
        known = not (math.isnan(low) or math.isnan(high))
        return Facts(
            reading=Reading(
                str(self._name(int(units.slot[row]))),
                None if math.isnan(value) else value,
                low if known else None,
                high if known else None,
                int(self._judging.others[row]),
                tuple(str(self._name(slot)) for slot in self._judging.movers[row].tolist() if slot >= 0),
            )
        )

    def lines(self, units: UnitBatch, row: int) -> tuple[Line, ...]:
        """None: a metric says nothing in words."""
        return ()

    def before(self, units: UnitBatch, row: int) -> tuple[Line, ...]:
        """The last lines of the source."""
        return self._context.latest(int(units.source[row]))

    def expected(self, units: UnitBatch, row: int) -> tuple[Expected, ...]:
        """None: see `facts`."""
        return ()

    def template(self, units: UnitBatch, row: int) -> tuple[int, str]:
        """None."""
        return -1, ""

    def level(self, units: UnitBatch, row: int) -> int:
        """None."""
        return 0

    def stream(self, number: int) -> Stream:
        """Source and instance."""
        return self._context.stream(number)

    def entity(self, slot: int) -> str | None:
        """The series."""
        return str(self._name(slot))

    def position(self, stream: int, offset: int) -> Mapping[str, Any]:
        """Of the record that completed the point."""
        return self._context.position(stream, offset)

    def model(self) -> str:
        """None."""
        return ""
