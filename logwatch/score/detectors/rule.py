"""`rule`: what the configuration calls an alert: a pattern, a level, a rate.

A hit is an alert by itself: it has no vote, teaches calibration nothing and spends no budget; `max_incidents` holds.
Its nats say how severe it is, and which rule it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from logwatch.api import EventBatch, Float32, KeyFields, plugin
from logwatch.config.alert_rules import AlertRule, nats_of
from logwatch.score.detector_configs import RuleConfig
from logwatch.score.detectors.sources import SourceRows
from logwatch.score.grouped import Groups
from logwatch.types import NO_TIME, Bool, Int64

LEVELS = ("unknown", "trace", "debug", "info", "notice", "warning", "error", "critical")


@plugin(kind="detector", name="rule", api=(1, 0), config=RuleConfig)
class Rules:
    """Nats of the most severe rule that each event hits; NaN where none is.

    Args:
        config: the rules.
        keys: unused, as `has_entities`; all detectors are built alike.
    """

    name = "rule"
    FIELDS = KeyFields(())

    def __init__(self, config: RuleConfig, keys: Any = None, has_entities: Callable[..., Any] | None = None) -> None:
        self._rules = config.rule
        self._counts = {rule.name: SourceRows((("period", "i8"), ("count", "i8"))) for rule in config.rule if rule.rate}

    def score(self, events: EventBatch) -> Float32:
        """Nats [n]; counts the lines of rules with a rate."""
        nats = np.full(len(events), np.nan, np.float32)
        text = pl.Series(list(events.text), dtype=pl.String) if any(rule.pattern for rule in self._rules) else None
        for place, rule in enumerate(self._rules):
            rows = np.flatnonzero(_matches(rule, events, text))
            if rule.rate is not None and len(rows):
                rows = rows[self._too_many(rule, events, rows)]
            nats[rows] = np.fmax(nats[rows], np.float32(nats_of(place, rule.severity)))
        return nats

    def _too_many(self, rule: AlertRule, events: EventBatch, rows: Int64) -> Bool:
        """Which of a rule's lines [k] are the first beyond its rate in a period of their source's time."""
        assert rule.rate is not None  # noqa: S101  # for the type checker
        counts, source = self._counts[rule.name], events.source[rows]
        counts.reach(source)
        known = counts.rows
        time = np.where(events.time[rows] == NO_TIME, 0, events.time[rows])
        period, hits = time // int(rule.rate.per * 1e9), np.zeros(len(rows), np.bool_)
        groups = Groups(source)
        for number in groups.keys.tolist():
            mine = np.flatnonzero(source == number)
            latest = np.maximum(np.maximum.accumulate(period[mine]), known["period"][number])
            before = np.where(latest == known["period"][number], known["count"][number], 0)
            begins = np.flatnonzero(np.append(True, latest[1:] != latest[:-1]))
            nth = before + 1 + np.arange(len(mine)) - np.repeat(begins, np.diff(begins, append=len(mine)))
            hits[mine] = nth == int(rule.rate.count) + 1
            known["period"][number], known["count"][number] = latest[-1], nth[-1]
        counts.mark(groups.keys)
        return hits

    def learn(self, chunk: EventBatch, nats: Float32) -> None:
        """There is nothing to learn."""

    def merged(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Rules know no templates."""

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        for name, counts in self._counts.items():
            yield from counts.changes(f"{name}/")

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`; of rules that are gone nothing is left."""
        for name, counts in self._counts.items():
            counts.restore(f"{name}/", cells)


def _matches(rule: AlertRule, events: EventBatch, text: pl.Series | None) -> Bool:
    found = np.ones(len(events), np.bool_)
    if rule.level is not None:
        found &= events.level >= LEVELS.index(rule.level)
    if rule.pattern is not None and text is not None and found.any():
        rows = np.flatnonzero(found)
        found[rows] = text.gather(rows).str.contains(rule.pattern).to_numpy()
    return found
