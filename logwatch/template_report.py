"""What `logwatchd templates` shows: each template with its share, its span, an example and its variables' values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from logwatch.parse.headless import headless
from logwatch.parse.miner import TemplateMiner
from logwatch.parse.variable_types import Named, Variable, typed, variables
from logwatch.types import NO_TIME, EventBatch

SAMPLES = 500
"""Lines of a template whose values are looked at: enough to tell a constant from a variable."""


@dataclass
class TemplateRow:
    """One template over all input."""

    id: int
    template: str  # types for its variables
    count: int = 0
    first: int = NO_TIME  # ns
    last: int = NO_TIME
    example: str = ""
    samples: list[str] = field(default_factory=list)
    sources: set[int] = field(default_factory=set)  # numbers in the registry
    variables: list[Variable] = field(default_factory=list)  # of the samples

    def absorb(self, other: TemplateRow) -> None:
        """Take over a template that was merged into this one."""
        self.count += other.count
        times = [t for t in (self.first, other.first) if t != NO_TIME]
        self.first = min(times, default=NO_TIME)
        self.last = max(self.last, other.last)
        self.example = self.example or other.example
        self.samples = (self.samples + other.samples)[:SAMPLES]
        self.sources |= other.sources


def report(batches: Iterable[EventBatch], miner: TemplateMiner, named: Named | None = None) -> list[TemplateRow]:
    """Most frequent first. Batches come from a `Parser` that uses `miner`; `named`: see `variables`."""
    seen: dict[int, TemplateRow] = {}
    for events in batches:
        _count(events, seen)
    rows: dict[int, TemplateRow] = {}
    for number in sorted(seen):
        final = int(miner.find(np.array([number], np.int32))[0])
        rows.setdefault(final, TemplateRow(final, miner.text(final))).absorb(seen[number])
    for row in rows.values():
        row.variables = variables(row.template, headless(row.samples), named)
        row.template = typed(row.template, [variable.type for variable in row.variables])
    return sorted(rows.values(), key=lambda row: (-row.count, row.id))


def _count(events: EventBatch, seen: dict[int, TemplateRow]) -> None:
    ids, first, inverse, counts = np.unique(events.template, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(inverse, kind="stable")
    ends = np.cumsum(counts)
    for i, number in enumerate(ids.tolist()):
        row = seen.get(number)
        if row is None:
            row = seen[number] = TemplateRow(number, "", example=events.text[int(first[i])])
        rows = order[ends[i] - counts[i] : ends[i]]
        times = events.time[rows]
        known = times[times != NO_TIME]
        row.count += len(rows)
        row.sources.update(np.unique(events.source[rows]).tolist())
        if len(known):
            row.first = int(known.min()) if row.first == NO_TIME else min(row.first, int(known.min()))
            row.last = max(row.last, int(known.max()))
        room = SAMPLES - len(row.samples)
        row.samples.extend(events.text[j] for j in rows[:room].tolist())
