"""The random split: a share of the normal entities, drawn at random, teaches first; all others are judged after it.

It flatters: what is judged lies between what was learned, and nothing new is new for long. It is there to be compared
with figures that were taken so, and always stands beside the chronological ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set

import numpy as np

from logwatch.backtest.cases import Cases
from logwatch.backtest.labels import Labels
from logwatch.config.values import Budget
from logwatch.parse.parser import Parser, ParseSettings
from logwatch.parse.shape import Shaper
from logwatch.score import tail
from logwatch.types import NO_TIME, Bool, EventBatch, Float32, Int32, RecordBatch

PAUSE = 3600 * 10**9
"""Between what teaches and what is judged, ns."""

SETTLED = 0.25
"""Share of what teaches whose scores set no threshold: to a beginner everything is new."""

LEAST = 1.0
"""Least scale of an end, nats: what `calibration` takes for visits."""

Entity = tuple[str, str]


def teachers(labels: Labels, share: float, seed: int) -> frozenset[Entity]:
    """A random share of the normal entities, at least one where there are any."""
    normal = sorted(key for key, bad in labels.entities.items() if not bad)
    count = min(max(round(share * len(normal)), 1), len(normal))
    chosen = np.random.default_rng(seed).permutation(len(normal))[:count]
    return frozenset(normal[at] for at in chosen.tolist())


class Teller:
    """Tells records that teach from those that are judged.

    Args:
        settings: how lines are read; with an entity.
        taught: (source, entity).
        redact: rules; entities are looked for in what they leave.
    """

    def __init__(self, settings: ParseSettings, taught: Set[Entity], redact: Sequence[str]) -> None:
        self._settings, self._taught, self._shaper = settings, taught, Shaper(redact)

    def some(self, batches: Iterable[RecordBatch], teaching: bool) -> Iterator[RecordBatch]:
        """Only those that teach, or only the others."""
        for batch in batches:
            entity = self._shaper.shape(batch.lines, [(self._settings, slice(None))]).entity
            source = [batch.streams[number].source for number in batch.stream.tolist()]
            teaches = np.array([key in self._taught for key in zip(source, entity, strict=True)], np.bool_)
            rows = np.flatnonzero(teaches == teaching)
            if len(rows):
                yield batch.take(rows)


class Later(Parser):
    """A fresh parser whose times go on after `since` (ns), the latest so far: what teaches may be of any time."""

    since: int = NO_TIME
    shift: int | None = None
    """What is added to its times, ns; None before the first of them."""

    def parse(self, records: RecordBatch, source: Int32, stream: Int32, first: int) -> EventBatch:
        """See `Parser.parse`."""
        events = super().parse(records, source, stream, first)
        known = events.time[events.time != NO_TIME]
        if self.shift is None and len(known) and self.since != NO_TIME:
            self.shift = self.since + PAUSE - int(known.min())
        for times in (events.time, events.watermark):
            times[times != NO_TIME] += self.shift or 0
        return events


def thresholds(taught: Cases, budget: Budget) -> Float32 | None:
    """Nats [voices] that the budget's share of what teaches is above, once it has settled. None: it is no share.

    A share inside the generalised-Pareto end that thresholds have in the stream, too, is read from that end: where the
    third of some hundred stands is chance.
    """
    if budget.percent is None or not taught.seen.any():
        return None
    order = np.argsort(taught.first[taught.seen], kind="stable")
    said = np.nan_to_num(taught.said[taught.seen][order], nan=0.0)
    settled = said[int(SETTLED * len(said)) :]
    bins = tail.bin_of(settled)
    counts = np.stack([np.bincount(one, minlength=tail.BINS) for one in bins.T]).astype(np.float64)
    voices = len(counts)
    ends = tail.fit(counts, np.full(voices, float(len(settled))), np.full(voices, LEAST))
    log_p = np.log(max(budget.percent, 1e-9) / 100.0)
    seen = np.quantile(settled, 1.0 - budget.percent / 100.0, axis=0, method="higher")
    found: Float32 = np.where(ends.log_share < log_p, seen, ends.quantile(np.full(voices, log_p))).astype(np.float32)
    return found


def above(said: Float32, least: Float32) -> Bool:
    """Which of what was said [n, voices] is above thresholds [voices]."""
    crossed: Bool = said > least
    return crossed
