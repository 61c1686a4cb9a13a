"""What chunks teach: all of it as they end, or most of it a little later.

What scores the next events in a thread of its own (`begin`) learns as the chunk ends. The others may learn while it
does so: nothing looks at what they know before they score, so the results are the same bits. Whoever is to see what
was learned calls `finish` first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from logwatch.chunks import flagged_windows
from logwatch.score.detectors import too_rare
from logwatch.spent import timed
from logwatch.stages import Stages
from logwatch.types import Bool, EventBatch, Flag, Float32, UnitBatch

ALERTED = np.uint8(Flag.ALERTED)

WORTH = 2048
"""Events of a chunk that is worth putting off."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A chunk that has ended."""

    events: EventBatch
    nats: Float32  # [n, detectors]
    units: UnitBatch | None
    crossed: Bool  # [m] units that crossed their thresholds
    silent: bool  # it was there before the first start
    real: Bool  # [n] events that a person called real: nothing learns them
    new: Sequence[str] = ()  # detectors that have seen nothing of it


class Lessons:
    """Has detectors, units and tails learn; at most one chunk waits for that."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._rare = next((i for i, d in enumerate(stages.detectors) if d.name == "rare"), None)
        self._waiting: tuple[Lesson, EventBatch] | None = None

    def begin(self, lesson: Lesson, at_once: bool) -> None:
        """Learn what cannot wait, or all of it."""
        self.finish()
        usual = self._without_rare(lesson.events, lesson.nats)
        self._learn(lesson, usual, ahead=True)
        self._waiting = lesson, usual
        if at_once or len(lesson.events) < WORTH:
            self.finish()

    def finish(self) -> None:
        """Learn what waits."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        lesson, usual = waiting
        self._learn(lesson, usual, ahead=False)
        self._stages.drift.learn(lesson.events)
        self._stages.units.learn(flagged_windows(lesson.units, lesson.crossed))
        if lesson.units is not None:
            self._stages.judge.learn(lesson.units, lesson.crossed, silent=lesson.silent)

    def _learn(self, lesson: Lesson, usual: EventBatch, ahead: bool) -> None:
        for column, detector in enumerate(self._stages.detectors):
            if detector.name not in lesson.new and hasattr(detector, "begin") == ahead:
                events = lesson.events
                if getattr(detector, "usual_only", False):
                    events = usual
                elif getattr(detector, "counts_alerted", False):
                    events = replace(events, flags=np.where(lesson.real, events.flags, events.flags & ~ALERTED))
                timed(detector.name, detector.learn, events, lesson.nats[:, column])

    def _without_rare(self, chunk: EventBatch, nats: Float32) -> EventBatch:
        """The chunk for detectors that learn sequences: what is rare on its source counts as alerted, and stays out."""
        if self._rare is None:
            return chunk
        barred = too_rare(nats[:, self._rare]).astype(np.uint8) * np.uint8(Flag.ALERTED)
        return replace(chunk, flags=chunk.flags | barred)
