"""Which series of the table samples belong to, and how many new ones a source may bring.

A series is its source's: the source, the name and the labels. Not the stream's: a file is rotated and a pod replaced,
and their metrics go on; with the stream in it, each rotation would forget what is normal and fill the table. Two pods
that say the same of one source are one series: name the source after the pod, or give the pod a label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from logwatch.samples import SeriesName
from logwatch.score.detectors.sources import SourceRows
from logwatch.score.keys import KeyTable
from logwatch.score.series.names import name_of, text_of
from logwatch.score.series.passage import FAR
from logwatch.types import NO_TIME, Bool, Int32, Int64

MINUTE = 60 * 10**9
LEARNING = 60
"""Minutes of a source's time in which its series make themselves known: none of them is news, or too new."""

NEW_PER_MINUTE = 1000
"""New series of a source in a minute of its time, after that: some pods deployed, not a label that holds an id."""

FULL, FAST, LONG = 1, 2, 3
REASONS = {FULL: "max_series", FAST: "new_series", LONG: "long_name"}

_LIMITS = [("begun", "i8"), ("minute", "i8"), ("new", "i4"), ("count", "i4"), ("told", "u1"), ("known", "u1")]


_NONE: dict[SeriesName, int] = {}


class Identified(NamedTuple):
    """Of k samples."""

    slot: Int32  # [k] row of the table; -1: refused
    reason: Int64  # [k] why; 0 where it is not
    fresh: Int32  # [f] slots that were not in memory before
    first: Int64  # [f] the sample with which they came
    news: Bool  # [f] they are news: the source is known for long enough
    refused: Int64  # [r] samples with which a source was refused some for the first time


class Identity:
    """Slots of series, by source and name.

    Args:
        table: holds the rows; its streams are the sources' numbers.
        most: series of a source in memory.
        ttl: silence after which a series leaves the table, ns of its source's watermark.
    """

    def __init__(self, table: KeyTable, most: int, ttl: int) -> None:
        self.table, self.most, self.ttl = table, most, ttl
        self._limits = SourceRows(_LIMITS)
        self._known: dict[int, dict[SeriesName, int]] = {}  # source -> slots of those in memory
        self._names: dict[int, tuple[int, SeriesName]] = {}  # slot -> how it is known

    def name(self, slot: int) -> SeriesName:
        """The series in a slot in use. Raises KeyError."""
        known = self._names.get(slot)
        return known[1] if known is not None else name_of(self.table.key(slot)[1] or "")

    def slots(self, names: Sequence[SeriesName], series: Int32, source: Int32, watermark: Int64) -> Identified:
        """Slots of k samples.

        Args:
            series: [k] index into `names`.
            source: [k] number of the source.
            watermark: [k] of the source after the sample's record, ns; FAR before any time was seen.
        """
        self._limits.reach(source)
        pairs, pair, known = self._look_up(names, series, source)
        slot = known[pair]
        missing = np.flatnonzero(slot < 0)
        none32, none = np.zeros(0, np.int32), np.zeros(0, np.int64)
        reason = np.zeros(len(slot), np.int64)
        if not len(missing):
            return Identified(slot, reason, none32, none, np.zeros(0, np.bool_), none)
        admission = _Admission(self, names, source, series, watermark)
        minute = watermark // MINUTE
        minutes, which = np.unique(minute[missing], return_inverse=True)
        _, first, of = np.unique(pair[missing] * len(minutes) + which, return_index=True, return_inverse=True)
        verdict, since = np.zeros(len(first), np.int64), np.zeros(len(first), np.int64)
        for one in np.argsort(first).tolist():  # in the order of the stream, each name once a minute
            sample = int(missing[first[one]])
            verdict[one], since[one] = admission.ask(int(pair[sample]), sample, int(minute[sample]))
        admission.seat()
        reason[missing] = verdict[of]
        found = np.array([admission.slot.get(one, -1) for one in range(len(pairs))], np.int32)
        slot[missing] = np.where(verdict[of] == 0, found[pair[missing]], -1)
        return admission.result(slot, reason)

    def _look_up(self, names: Sequence[SeriesName], series: Int32, source: Int32) -> tuple[Int64, Int64, Int32]:
        """Pairs of source and name, the pair of each sample, and the slots of the pairs; -1: not known."""
        if len(source) and source[0] == source[-1] and (source == source[0]).all():
            of = self._known.get(int(source[0]), {})
            found = [of.get(name, -1) for name in names]
            return np.arange(len(names)), series.astype(np.int64), np.array(found, np.int32)
        both = source.astype(np.int64) * len(names) + series
        pairs, pair = np.unique(both, return_inverse=True)
        known, many = self._known, len(names)
        found = [known.get(one // many, _NONE).get(names[one % many], -1) for one in pairs.tolist()]
        return pairs, pair, np.array(found, np.int32)

    def begin(self, source: Int64, watermark: Int64) -> None:
        """The first watermarks that sources [s] come to know, ns; learning begins."""
        self._limits.reach(source)
        self._limits.rows["begun"][source], self._limits.rows["known"][source] = watermark // MINUTE, 1
        self._limits.mark(source)

    def admit(self, source: int, minute: int) -> tuple[int, bool, bool]:
        """Room for a new series: why there is none (or 0), whether it is news, whether a refusal is told first."""
        row = self._limits.rows[source]
        if minute != row["minute"]:
            row["minute"], row["new"] = minute, 0
        learning = not row["known"] or minute - int(row["begun"]) < LEARNING
        why = 0
        if row["count"] >= self.most:
            why = FULL
        elif not learning and row["new"] >= NEW_PER_MINUTE:
            why = FAST
        else:
            row["new"] += 1
            row["count"] += 1
        first = bool(why) and not row["told"] & why
        row["told"] |= why
        self._limits.mark(np.array([source]))
        return why, not learning, first

    def know(self, source: int, name: SeriesName, slot: int) -> None:
        """Remember where a series is."""
        if self._names.setdefault(slot, (source, name)) == (source, name):
            self._known.setdefault(source, {})[name] = slot

    def leaving(self, watermark: Int64) -> Int32:
        """At a chunk's end: slots of series that were silent for too long, or are too many.

        Args:
            watermark: by source, ns; FAR before any time was seen.
        """
        table = self.table
        table.expiry.horizon(np.arange(len(watermark), dtype=np.int32), np.where(watermark == FAR, NO_TIME, watermark))
        used = table.in_use()
        rows = table.rows
        heard, now = rows["heard"][used], watermark[rows["source"][used]]
        begun = used[(heard == NO_TIME) & (now != FAR)]
        rows["heard"][begun] = watermark[rows["source"][begun]]
        table.mark(begun)
        silent = used[(heard != NO_TIME) & (heard < np.maximum(now, self.ttl) - self.ttl)]
        slots: Int32 = np.union1d(table.surplus(), silent).astype(np.int32)
        return slots

    def evict(self, slots: Int32) -> None:
        """Series leave the table."""
        if not len(slots):
            return
        gone, count = np.unique(self.table.rows["source"][slots], return_counts=True)
        self._limits.rows["count"][gone] -= count.astype(np.int32)
        self._limits.mark(gone)
        for slot in slots.tolist():
            known = self._names.pop(slot, None)
            if known is not None:
                self._known[known[0]].pop(known[1], None)
        self.table.evict(slots)

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`; the table's own rows are its own."""
        return self._limits.changes("limits")

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        self._limits.restore("limits", cells)


class _Admission:
    """New series of a batch, asked for in the order of the stream."""

    def __init__(
        self, identity: Identity, names: Sequence[SeriesName], source: Int32, series: Int32, watermark: Int64
    ) -> None:
        self._identity, self._names = identity, names
        self._source, self._series, self._watermark = source, series, watermark
        self.slot: dict[int, int] = {}  # by pair; -1: waits for a row
        self._new: dict[tuple[int, str], list[int]] = {}  # pairs that are to be the same series; the first sample
        self._first: list[int] = []
        self._news: list[bool] = []
        self._refused: list[int] = []
        self.fresh: Int32 = np.zeros(0, np.int32)

    def ask(self, pair: int, sample: int, minute: int) -> tuple[int, int]:
        """Why a sample is refused, or 0."""
        if pair in self.slot:
            return 0, sample
        source, name = int(self._source[sample]), self._names[self._series[sample]]
        text = text_of(name)
        if text is None:
            return LONG, sample
        slot = self._identity.table.find(source, text)
        if slot is not None:
            self.slot[pair] = slot
            self._identity.know(source, name, slot)
            return 0, sample
        waiting = self._new.get((source, text))
        if waiting is None:
            why, news, first = self._identity.admit(source, minute)
            if first:
                self._refused.append(sample)
            if why:
                return why, sample
            waiting = self._new[source, text] = []
            self._first.append(sample)
            self._news.append(news)
        waiting.append(pair)
        self.slot[pair] = -1
        return 0, sample

    def seat(self) -> None:
        """Give the new ones their rows."""
        if not self._new:
            return
        first = np.array(self._first)
        source = self._source[first]
        mark = np.where(self._watermark[first] == FAR, NO_TIME, self._watermark[first])
        texts: list[str | None] = [text for _, text in self._new]
        self.fresh = self._identity.table.assign(source, source, texts, mark)
        for slot, sample, pairs in zip(self.fresh.tolist(), self._first, self._new.values(), strict=True):
            self._identity.know(int(self._source[sample]), self._names[self._series[sample]], slot)
            for pair in pairs:
                self.slot[pair] = slot

    def result(self, slot: Int32, reason: Int64) -> Identified:
        """What came of it."""
        return Identified(
            slot, reason, self.fresh, np.array(self._first, np.int64), np.array(self._news, np.bool_),
            np.array(self._refused, np.int64),
        )  # fmt: skip
