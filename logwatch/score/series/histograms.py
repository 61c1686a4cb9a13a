"""Samples of histograms' buckets become readings of quantiles, means and rates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from logwatch.samples import SampleKind, SeriesName
from logwatch.score.grouped import Groups, gather, scatter
from logwatch.score.keys import KeyTable
from logwatch.score.series.incoming import Incoming, drop
from logwatch.score.series.names import QUANTILES, Bucket, bucket_of, part_of, quantile_of
from logwatch.score.series.passage import FAR
from logwatch.score.series.quantiles import quantiles
from logwatch.score.series.rates import HUGE, RATE, Increase, Readings, increases
from logwatch.score.series.table import REASONS, Identity
from logwatch.types import NO_TIME, Bool, Float64, Int32, Int64, UInt8

BUCKETS_A_SERIES = 4
"""Buckets that a source may have for each series that it may have: their rows are small."""

CAPACITY = 200_000
"""Buckets in memory (25 MB); what is beyond at a chunk's end is forgotten, and costs one reading."""

BUCKET, SUM, COUNT = 0, 1, 2


class _Family(NamedTuple):
    """Names of a histogram."""

    parts: tuple[tuple[int, SeriesName], ...]  # its sum and its count
    derived: tuple[SeriesName, ...]  # quantiles, mean, rate


class _Roles(NamedTuple):
    """What names of a batch are to histograms."""

    families: list[_Family]
    family: Int32  # [s] number of the family; -1: none
    part: UInt8  # [s] BUCKET, SUM or COUNT
    bound: Float64  # [s]


class Histograms:
    """Remembers the counts of buckets.

    Args:
        most: series that a source may have.
        ttl: silence after which a bucket is forgotten, ns.
    """

    def __init__(self, most: int, ttl: int) -> None:
        self.table = KeyTable([("rate", list(RATE))], CAPACITY)
        self._identity = Identity(self.table, most * BUCKETS_A_SERIES, ttl)
        self._buckets: dict[SeriesName, Bucket | None] = {}
        self._latest: tuple[list[SeriesName], Int32, _Roles | None] = [], np.zeros(0, np.int32), None
        self._families: dict[SeriesName, _Family] = {}

    def with_readings(self, given: Incoming) -> Incoming:
        """The samples without the buckets among them, and with readings of what they say."""
        buckets = given.kind == SampleKind.BUCKET
        if not buckets.any():
            return given
        roles = self._roles(given, buckets)
        drop("histogram", int(np.count_nonzero(buckets & (roles.family[given.series] < 0))))
        rows, group = _candidates(given, roles)
        part, bound = roles.part[given.series[rows]], roles.bound[given.series[rows]]
        some = given.take(rows)
        found = self._identity.slots(given.names, some.series, some.source, some.after)
        for reason, name in REASONS.items():
            drop(name, int(np.count_nonzero((found.reason == reason) & (part == BUCKET))))
        held = np.flatnonzero(found.slot >= 0)
        rise = self._increase(some.take(held), found.slot[held])
        drop("late", int(np.count_nonzero(~rise.ordered & (part[held] == BUCKET))))
        kept, amount, seconds = held[rise.ordered], rise.amount[rise.ordered], rise.seconds[rise.ordered]
        order = np.lexsort((bound[kept], part[kept], group[kept]))
        at = kept[order]
        sums = _Sums(group[at], part[at], bound[at], amount[order], seconds[order])
        drop("histogram", sums.incomplete)
        names, series, sample, value = _readings(roles, roles.family[given.series[rows[at]]], rows[at], sums)
        return given.with_readings(names, series, sample, value, buckets)

    def _increase(self, some: Incoming, slot: Int32) -> Increase:
        """Increases of counts [n] since the ones before, in the order of the samples."""
        groups = Groups(slot)
        order, rows, at = groups.order, self.table.rows, groups.keys
        read = Readings(groups.group, some.time[order], some.value[order], some.row[order], order)
        state = gather(rows["rate"], at)
        rise = increases(read, some.stream[order], np.zeros(len(order), np.bool_), state)
        scatter(rows["rate"], at, state)
        after = some.after[groups.last]
        rows["used"][at], rows["heard"][at] = some.number[groups.last], np.where(after == FAR, NO_TIME, after)
        rows["events"][at] += groups.counts
        self.table.mark(at.astype(np.int32))
        return Increase(*(groups.ungroup(column) for column in rise))

    def _roles(self, given: Incoming, buckets: Bool) -> _Roles:
        """What the names are; a source's scrapes are all alike, so those of the batch before are at hand."""
        which = np.unique(given.series[buckets])
        names, before, roles = self._latest
        if roles is None or names != given.names or not np.array_equal(before, which):
            roles = self._roles_of(given.names, which)
            self._latest = list(given.names), which, roles
        return roles

    def _roles_of(self, names: list[SeriesName], buckets: Int32) -> _Roles:
        family = np.full(len(names), -1, np.int32)
        part, bound = np.zeros(len(names), np.uint8), np.zeros(len(names))
        number: dict[SeriesName, int] = {}
        for one in buckets.tolist():
            bucket = self._bucket(names[one])
            if bucket is not None:
                family[one], bound[one] = number.setdefault(bucket.family, len(number)), bucket.bound
        families = [self._family(one) for one in number]
        roles = {name: (which, role) for which, one in enumerate(families) for role, name in one.parts}
        if roles:
            for at, found in enumerate(map(roles.get, names)):
                if found is not None:
                    family[at], part[at] = found
        return _Roles(families, family, part, bound)

    def _family(self, name: SeriesName) -> _Family:
        known = self._families.get(name)
        if known is None:
            if len(self._families) >= CAPACITY:
                self._families.clear()
            parts = (SUM, part_of(name, "sum")), (COUNT, part_of(name, "count"))
            derived = [quantile_of(name, quantile) for quantile in QUANTILES]
            derived += [part_of(name, "mean"), part_of(name, "count")]
            known = self._families[name] = _Family(parts, tuple(derived))
        return known

    def _bucket(self, name: SeriesName) -> Bucket | None:
        if name not in self._buckets:
            if len(self._buckets) >= CAPACITY:
                self._buckets.clear()
            self._buckets[name] = bucket_of(name)
        return self._buckets[name]

    def begin(self, source: Int64, watermark: Int64) -> None:
        """See `Identity.begin`."""
        self._identity.begin(source, watermark)

    def evict(self, watermark: Int64) -> None:
        """At a chunk's end: forget buckets. `watermark` by source, ns."""
        self._identity.evict(self._identity.leaving(watermark))
        for _ in self.table.spilled.changes():
            pass  # they are not kept: what comes back begins anew
        self.table.spilled.any = False

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        for name, cell in self.table.changes():
            yield f"bucket/{name}", cell
        for name, cell in self._identity.changes():
            yield f"family/{name}", cell

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        for prefix, part in (("bucket/", self.table), ("family/", self._identity)):
            part.restore({name.removeprefix(prefix): cell for name, cell in cells.items() if name.startswith(prefix)})


def _candidates(given: Incoming, roles: _Roles) -> tuple[Int64, Int64]:
    """Samples [n], ascending, that are parts of histograms with buckets in the same record, and which histogram."""
    family = roles.family[given.series]
    rows = np.flatnonzero(family >= 0)
    order = np.lexsort((given.time[rows], family[rows], given.row[rows]))
    at = rows[order]
    columns: list[Any] = [given.row[at], family[at], given.time[at]]
    changes = np.zeros(len(at), np.int64)
    for column in columns:
        changes[1:] |= column[1:] != column[:-1]
    group = np.empty(len(at), np.int64)
    group[order] = np.cumsum(changes)
    size = int(group.max(initial=-1)) + 1
    whole = np.zeros(size, np.bool_)
    whole[group[roles.part[given.series[rows]] == BUCKET]] = True
    keep = whole[group]
    return rows[keep], group[keep]


class _Sums:
    """Histograms, from the increases of their parts, sorted by histogram, part and bound."""

    def __init__(self, group: Int64, part: UInt8, bound: Float64, amount: Float64, seconds: Float64) -> None:
        buckets = np.flatnonzero(part == BUCKET)
        found = quantiles(group[buckets], bound[buckets], amount[buckets])
        sizes = np.diff(np.append(found.first, len(buckets)))
        self.incomplete = int(sizes[~found.whole].sum())
        keep = np.flatnonzero(found.whole)
        self.first: Int64 = buckets[found.first[keep]]
        self.values: Float64 = found.values[keep]
        observed = found.observed[keep]
        last = buckets[found.first[keep] + sizes[keep] - 1]
        groups = group[self.first]
        total, count = (_of(group, part, amount, which, groups) for which in (SUM, COUNT))
        self.counted: Bool = _there(group, part, COUNT, groups)
        self.summed: Bool = _there(group, part, SUM, groups)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            number = np.where(self.counted, count, observed)
            self.mean: Float64 = np.where(number > 0, total / number, np.nan)
            self.rate: Float64 = observed / seconds[last]


def _there(group: Int64, part: UInt8, which: int, groups: Int64) -> Bool:
    found: Bool = np.isin(groups, group[part == which])
    return found


def _of(group: Int64, part: UInt8, amount: Float64, which: int, groups: Int64) -> Float64:
    """Increase of one part of each histogram [h]; NaN where it has none."""
    rows = np.flatnonzero(part == which)
    if not len(rows):
        return np.full(len(groups), np.nan)
    at = np.searchsorted(group[rows], groups)
    inside = np.minimum(at, len(rows) - 1)
    return np.where(group[rows[inside]] == groups, amount[rows[inside]], np.nan)


def _readings(roles: _Roles, family: Int32, rows: Int64, sums: _Sums) -> tuple[list[SeriesName], Int32, Int64, Float64]:
    """Names, and by reading its name, the sample whose record and time it has, and its value.

    Args:
        family, rows: of the samples that `sums` is made of.
    """
    names = [name for one in roles.families for name in one.derived]
    each = len(QUANTILES) + 2
    sample, of = rows[sums.first], family[sums.first] * each
    always = np.ones(len(sample), np.bool_)
    columns = [(column, sums.values[:, column], always) for column in range(len(QUANTILES))]
    columns += [(each - 2, sums.mean, sums.summed), (each - 1, sums.rate, ~sums.counted)]
    return (
        names,
        np.concatenate([(of + column)[have] for column, _, have in columns]).astype(np.int32),
        np.concatenate([sample[have] for _, _, have in columns]),
        np.clip(np.concatenate([value[have] for _, value, have in columns]), -HUGE, HUGE),
    )
