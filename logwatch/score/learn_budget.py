"""How much is learned, as a function of the stream alone: never of how busy the machine is."""

from __future__ import annotations

from logwatch.types import NO_TIME

LEAST = 4
"""Segments a chunk is always worth, however fast the stream's own time runs."""

STEP = 32
"""Segments saved up before a training step is worth its fixed cost."""

MOST = 256
"""Segments of one step, at most: 1,024 keys that speak once each in a chunk would otherwise cost 0.1 s of training.
Average precision on HDFS, mean of four seeds: 0.90 with 1,024, 0.91 with 256, 0.88 with 128."""

EVENTS_PER_SEGMENT = 8
"""In a long chunk (of a fast stream) one segment for so many events is the most, if that is more: as many as few busy
keys offer, so that a line costs the same however many keys share the stream."""

UNTIMED = 5000.0
"""Events that pass for a second where lines bear no time: a file learns a good part, a firehose stays affordable."""


class LearningBudget:
    """Segments that may be trained on: `cap` per second of event time.

    Args:
        cap: segments a second.
        per_segment: events of a long chunk for each segment.
    """

    def __init__(self, cap: float, per_segment: int = EVENTS_PER_SEGMENT) -> None:
        self._cap, self._per_segment = cap, per_segment
        self.credit = 0.0
        self.newest = 0  # newest event time so far, ns

    def spend(self, newest: int, events: int, offered: int) -> int:
        """Segments to train on at a chunk's end; 0: save up.

        Args:
            newest: newest event time of the chunk, ns, or NO_TIME.
            events: of the chunk.
            offered: segments that the full recipe would take.
        """
        if newest == NO_TIME:
            seconds = events / UNTIMED
        else:
            seconds = max(0, newest - self.newest) / 1e9 if self.newest else 0.0
            self.newest = max(self.newest, newest)
        full = min(offered, max(MOST, events // self._per_segment))
        self.credit = min(self.credit + max(float(LEAST), self._cap * seconds), float(max(full, STEP)))
        if self.credit < min(STEP, full):
            return 0
        spent = min(full, int(self.credit))
        self.credit -= spent
        return spent
