"""Samples → points: identity, rates and quantiles, the grid of each series, and what is news of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from logwatch.errors import StateCorrupt
from logwatch.samples import Points, Samples, SeriesName
from logwatch.score.detectors.sources import SourceRows
from logwatch.score.grouped import Groups, gather, scatter
from logwatch.score.keys import KeyTable
from logwatch.score.series.histograms import Histograms
from logwatch.score.series.incoming import Incoming, drop, usable
from logwatch.score.series.news import News, NewsKind
from logwatch.score.series.passage import FAR, Passage, Where
from logwatch.score.series.places import PLACE, Places, Told
from logwatch.score.series.rates import RATE, Readings, rated
from logwatch.score.series.resample import GRID, NEVER, Resampler, due, relent, still_open
from logwatch.score.series.table import REASONS, Identified, Identity
from logwatch.telemetry import MARKED_SAMPLES, SAMPLES
from logwatch.types import NO_TIME, Int32, Int64

COLUMNS: tuple[tuple[Any, ...], ...] = (("rate", list(RATE)), ("grid", list(GRID)))
"""What the table's rows need to hold for this stage: 251 bytes."""


class Series:
    """Makes points of samples, for every source.

    Args:
        table: rows of the series, with COLUMNS among them; its streams are the numbers of sources.
        max_series: of a source in memory.
        lateness: how far the watermark stays behind a source's largest time, ns.
        ttl: silence after which a series leaves the table, ns of its source's watermark.
    """

    def __init__(self, table: KeyTable, max_series: int, lateness: int, ttl: int) -> None:
        self.table, self.lateness = table, lateness
        self._identity = Identity(table, max_series, ttl)
        self._histograms = Histograms(max_series, ttl)
        self._sources = SourceRows([("mark", "i8"), *PLACE])
        self._seen = 0  # samples of the whole run
        self._saved = 0  # likewise, as last saved
        self.refused: dict[int, SeriesName] = {}  # by source, an example of what REFUSED news is about
        self._news: list[News] = []
        self._due: Int64 = np.zeros(0, np.int64)  # by slot: the watermark at which something is complete
        self._owner: Int32 = np.zeros(0, np.int32)  # by slot: its source

    def name(self, slot: int) -> SeriesName:
        """The series in a slot in use. Raises KeyError."""
        return self._identity.name(slot)

    def news(self) -> News:
        """What was noticed since the last call."""
        told, self._news = self._news, []
        return News.joined(told)

    def watermark(self, source: int) -> int:
        """Watermark of a source, ns; NO_TIME before any time was seen."""
        marks = self._sources.rows["mark"]
        return int(marks[source]) if source < len(marks) and marks[source] != FAR else NO_TIME

    def points(self, samples: Samples, high: Int64, where: Where) -> Points:
        """Points that k samples complete, in the order of the records that complete them.

        Args:
            samples: their times are trusted ones.
            high: [k] largest trusted time of the source up to each sample, ns; NO_TIME before any.
            where: the records of the batch.
        """
        SAMPLES.inc(len(samples))
        passage, record = self._pass(samples, high, where)
        given = self._histograms.with_readings(usable(samples, where, passage, record, self._seen))
        self._seen += len(samples)
        found = self._identity.slots(given.names, given.series, given.source, given.after)
        told = self._told(found, given)
        kept = np.flatnonzero(found.slot >= 0)
        if len(kept) < len(given):
            given = given.take(kept)
        return self._resampled(given, found.slot[kept], found.fresh, passage, Places(where, self._sources), told)

    def close(self, source: Int32, watermark: Int64) -> Points:
        """Points that are complete where watermarks [s] of sources [s], all different, rise without a sample, ns."""
        self._sources.reach(source)
        self._reach()
        passage = Passage(np.full(len(source), -1), source, watermark, self._sources.rows["mark"])
        self._begun(passage)
        slots = self._waiting(passage)
        return self._finish(slots, self._work(slots, np.zeros_like(slots), passage), Places(None, self._sources), [])

    def rest(self) -> Points:
        """Where nothing more comes: points of what is still open. Changes nothing: should more come, it goes on."""
        self._reach()
        used = self.table.in_use()
        made = still_open(gather(self.table.rows["grid"], used))
        return Places(None, self._sources).points([made], used.astype(np.int64), self._owner)

    def _pass(self, samples: Samples, high: Int64, where: Where) -> tuple[Passage, Int64]:
        """How the watermarks rise, and the record of each sample."""
        ends = np.ones(len(samples), np.bool_)
        np.not_equal(samples.row[1:], samples.row[:-1], out=ends[:-1])
        last = np.flatnonzero(ends)
        row = samples.row[last].astype(np.int64)
        source, rows = where.source[row], self._sources
        rows.reach(source)
        watermark = np.where(high[last] == NO_TIME, NO_TIME, high[last] - self.lateness)
        passage = Passage(row, source, watermark, rows.rows["mark"])
        for name, column in (("stream", where.stream), ("start", where.start), ("end", where.end)):
            rows.rows[name][passage.sources] = column[passage.last_rows]
        self._begun(passage)
        return passage, np.cumsum(ends) - ends

    def _begun(self, passage: Passage) -> None:
        """Watermarks rose."""
        self._sources.mark(passage.sources)
        for part in (self._identity, self._histograms):
            part.begin(passage.begun, passage.beginning)

    def _told(self, found: Identified, given: Incoming) -> list[Told]:
        """What is news of series that are new, or refused."""
        for reason, name in REASONS.items():
            drop(name, int(np.count_nonzero(found.reason == reason)))
        told = []
        new = (self.table.rows["events"][found.fresh] == 0) & found.news
        for kind, sample, slot in (
            (NewsKind.NEW, found.first[new], found.fresh[new]),
            (NewsKind.REFUSED, found.refused, -found.reason[found.refused].astype(np.int32)),
        ):
            told.append(Told(kind, given.source[sample], slot, given.time[sample], given.row[sample]))
        for sample in found.refused.tolist():
            self.refused[int(given.source[sample])] = given.names[given.series[sample]]
        return told

    def _resampled(
        self, given: Incoming, slot: Int32, fresh: Int32, passage: Passage, places: Places, told: list[Told]
    ) -> Points:
        """Points of samples [k] in slots [k]."""
        self._own(fresh)
        groups = Groups(slot)
        waiting = self._waiting(passage)
        slots = np.union1d(groups.keys, waiting) if len(waiting) else groups.keys
        place, order = np.searchsorted(slots, groups.keys), groups.order
        low = np.zeros(len(slots), np.int64)
        if len(fresh):
            low[place] = np.where(np.isin(groups.keys, fresh), given.row[groups.first], 0)
        work = self._work(slots, low, passage)
        read = Readings(
            place[groups.group], given.time[order], given.value[order], given.row[order], given.before[order]
        )
        rate = gather(self.table.rows["rate"], slots)
        said = rated(read, given.kind[order], given.stream[order], rate)
        scatter(self.table.rows["rate"], slots, rate)
        turned = order[said.turned]
        told.append(Told(NewsKind.TURNED, given.source[turned], slot[turned], given.time[turned], given.row[turned]))
        self._touch(groups, given)
        work.feed(said.readings)
        if said.resets:
            MARKED_SAMPLES.inc(said.resets, mark="reset")
        drop("late", said.late + work.late)
        return self._finish(slots, work, places, told)

    def _reach(self) -> None:
        more = len(self.table.rows) - len(self._due)
        if more > 0:
            self._due = np.append(self._due, np.full(more, NEVER))
            self._owner = np.append(self._owner, np.zeros(more, np.int32))

    def _own(self, slots: Int32) -> None:
        """Slots that are in use now."""
        self._reach()
        if len(slots):
            self._owner[slots] = self.table.rows["source"][slots]
            self._due[slots] = due(gather(self.table.rows["grid"], slots))

    def _waiting(self, passage: Passage) -> Int64:
        """Slots of series of which the passing watermarks complete something."""
        marks = np.zeros(len(self._sources.rows), np.int64)
        marks[passage.sources] = self._sources.rows["mark"][passage.sources]
        return np.flatnonzero(self._due <= marks[self._owner])

    def _work(self, slots: Int64, low: Int64, passage: Passage) -> Resampler:
        return Resampler(gather(self.table.rows["grid"], slots), self._owner[slots], low, passage)

    def _touch(self, groups: Groups, given: Incoming) -> None:
        """Series [g] had samples."""
        rows, slots, last = self.table.rows, groups.keys, groups.last
        after = given.after[last]
        rows["used"][slots], rows["last"][slots] = given.number[last], given.time[last]
        rows["heard"][slots] = np.where(after == FAR, NO_TIME, after)
        rows["events"][slots] += groups.counts

    def _finish(self, slots: Int64, work: Resampler, places: Places, told: list[Told]) -> Points:
        """Complete what the watermarks have passed; save the series, and place what was made."""
        work.close(self._sources.rows["mark"][self._owner[slots]])
        scatter(self.table.rows["grid"], slots, work.state)
        self._due[slots] = due(work.state)
        self.table.mark(slots.astype(np.int32))
        for kind, parts in ((NewsKind.VANISHED, work.vanished), (NewsKind.RETURNED, work.returned)):
            for part in parts:
                slot = slots[part.at].astype(np.int32)
                told.append(Told(kind, self._owner[slot], slot, part.time, part.row))
        news = places.news(told)
        if len(news):
            self._news.append(news)
        return places.points(work.points, slots, self._owner)

    def leaving(self) -> Int32:
        """At a chunk's end, and only there: slots of series that are silent, or too many, for `evict`."""
        self._reach()
        used = self.table.in_use()
        grid = gather(self.table.rows["grid"], used)
        changed = used[relent(grid)]
        scatter(self.table.rows["grid"], used, grid)
        self.table.mark(changed)
        self._due[used] = due(grid)
        return self._identity.leaving(self._sources.rows["mark"])

    def evict(self, slots: Int32) -> None:
        """Series leave the table; nothing may refer to their slots any more."""
        self._identity.evict(slots)
        self._due[slots] = NEVER
        self._histograms.evict(self._sources.rows["mark"])

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`; the table's rows are cells of its own."""
        if self._seen != self._saved:
            self._saved = self._seen
            yield "clock", json.dumps({"v": 1, "seen": self._seen}).encode()
        yield from self._sources.changes("sources")
        yield from self._identity.changes()
        yield from self._histograms.changes()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`; the table is restored before. Raises StateCorrupt."""
        if not cells:
            return
        clock = json.loads(cells["clock"])
        if clock.get("v") != 1:
            raise StateCorrupt("the series were saved by another version")
        self._seen = self._saved = int(clock["seen"])
        self._sources.restore("sources", cells)
        self._identity.restore(cells)
        self._histograms.restore(cells)
        self._own(self.table.in_use())
