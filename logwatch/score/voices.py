"""What each detector would have alerted alone at the same budget, and what the whole would without the LSTM.

A voice is one detector, or the vote without the LSTM. Each has thresholds of its own, from its own past, by the same
rule as the vote of all (see `calibration`), in bins of twice the width. It learns at chunk ends, from what the chunk
was judged by, so that results do not depend on batches. What most units say is looked at only where it reaches a
threshold: blocks of event time tell by their maxima.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from logwatch.score import tail_openings
from logwatch.score.calibration import BLOCKS, ENOUGH, KINDS, REFIT_LEAST, REFIT_SHARE, WARM, Curves
from logwatch.score.calibration_clock import Clock
from logwatch.score.calibration_votes import SHOWN, VOTES, Votes
from logwatch.score.tail_rows import Rows
from logwatch.score.voice_tails import FRESH, LOUD, SAMPLED, VOICE, bin_of, curves
from logwatch.types import Bool, Float32, Float64, Int32, Int64, Kind, UnitBatch

WHOLE, WITHOUT = "whole", "without"
"""Names of what has alerted, and of the vote without the LSTM, beside those of the detectors."""

SOURCES = 10_000
"""Sources that have voices, the first ones: 6 KB each."""

LONG, SKIPPED = 6144, 4
"""Events in a chunk from which on only one chunk in so many has its values counted: there are enough."""

SILENT = -1.0
BOUND_BY_KIND = ("course", "set", "rate", "silence")
"""What units say of themselves: of visits, windows, silences."""

Masks = NDArray[np.uint64]
"""Bits of the voices that crossed, by their place in `Voices.names`."""

SEEN = np.dtype([("count", "<i8"), ("fitted", "<i8")])  # units so far, at the last fit; of silences: lines


class Thresholds(Protocol):
    """See `logwatch.decide.budget.BudgetThresholds`."""

    def ready(self, source: Int64, seconds: Float64) -> Bool: ...
    def choose(self, curves: Curves, alone: Bool | None = None) -> Float64: ...
    def silence(self, source: Int64, kinds: Bool | None, per_second: Float64) -> Float64: ...


class _Parts(NamedTuple):
    """Units [n] of one kind, sources together, in g parts by (source, block)."""

    begin: Int64  # [g]
    size: Int64  # [g]
    source: Int64  # [g]
    block: Int64  # [g] never falling within a source

    def peaks(self, values: Float32) -> Float32:
        """Largest values [g, C] of each part's units [n, C]."""
        found: Float32 = np.maximum.reduceat(values.T, self.begin, axis=1).T
        return found

    def of_unit(self) -> Int64:
        """Part [n] of each unit."""
        return np.repeat(np.arange(len(self.begin)), self.size)


def _parts(source: Int32, time: Int64) -> _Parts:
    """Parts of units [n] ≥ 1 of sources [n], those of one together, that end at `time` [n]."""
    if source[0] == source[-1]:
        ends = tail_openings.block_of(np.array([time[0], time.max()]))
        if ends[0] == ends[1]:  # as nearly always, where lines are many
            return _Parts(np.zeros(1, np.int64), np.array([len(source)]), source[:1].astype(np.int64), ends[:1])
    starts = np.concatenate([[True], source[1:] != source[:-1]])
    block = tail_openings.block_of(time)
    lift = (np.cumsum(starts) - 1) << 28  # one running maximum over all sources, each above the one before it
    block = np.maximum.accumulate(block + lift) - lift
    begin = np.flatnonzero(starts | np.concatenate([[True], block[1:] != block[:-1]]))
    return _Parts(begin, np.diff(begin, append=len(source)), source[begin].astype(np.int64), block[begin])


class Voices:
    """Thresholds of every voice, per source and kind of unit.

    Args:
        detectors: names of the columns of `UnitBatch.nats`.
        thresholds: chooses them.
        lstm_votes: the vote without the LSTM is another than that of the whole.
    """

    def __init__(self, detectors: Sequence[str], thresholds: Thresholds, *, lstm_votes: bool) -> None:
        self.names = (WHOLE, WITHOUT, *detectors)
        self._thresholds = thresholds
        rest = tuple(group for group in VOTES if group != ("lstm",))
        self._without = Votes(detectors, rest, SHOWN | {"lstm"}) if lstm_votes and "lstm" in detectors else None
        self._voices = len(self.names) - 1  # columns of a kind: all but the whole
        self._of_kind: dict[Kind, Int64] = {kind: self._speaking(kind) for kind in Kind if kind != Kind.SILENCE}
        self._rows = Rows(VOICE, KINDS * self._voices, FRESH)
        self._seen = Rows(SEEN, KINDS)
        self._clock = Clock()

    def _speaking(self, kind: Kind) -> Int64:
        """Voices that units of a kind have: of windows, which sum up what events said, only their own."""
        own = {Kind.VISIT: ("course", "set"), Kind.WINDOW: ("rate",)}.get(kind, ())
        told = [
            place
            for place, name in enumerate(self.names[1:])
            if name in own
            or (name == WITHOUT and self._without is not None and kind != Kind.METRIC)
            or (name not in (WITHOUT, *BOUND_BY_KIND) and kind != Kind.WINDOW)
        ]
        return np.array(told, np.int64)

    def learn(self, units: UnitBatch, crossed: Bool) -> Masks:
        """Which voices each unit [m] of a chunk crosses, by thresholds from before it; then learn the chunk.

        Args:
            crossed: [m] units that crossed the threshold of the whole.
        """
        masks: Masks = crossed.astype(np.uint64)
        if self._without is None:  # what the LSTM says has no part in it
            masks |= masks << np.uint64(1)
        known = int(units.source.max(initial=0)) < SOURCES
        for kind in np.flatnonzero(np.bincount(units.kind, minlength=KINDS)).tolist():
            rows = np.flatnonzero(units.kind == kind)
            rows = rows if known else rows[units.source[rows] < SOURCES]
            if not len(rows):
                continue
            if kind == Kind.SILENCE:
                self._judge_silences(units, rows, masks)
            else:
                self._learn_kind(Kind(kind), units, rows, masks)
            self._count_lines(Kind(kind), units, rows)
        return masks

    def _learn_kind(self, kind: Kind, units: UnitBatch, rows: Int64, masks: Masks) -> None:
        source = units.source[rows]
        if (source[1:] != source[:-1]).any():
            order = np.argsort(source, kind="stable")
            rows, source = rows[order], source[order]
        values, parts = self._values(kind, units, rows), _parts(source, units.last[rows])
        peaks = parts.peaks(values)
        flagged = self._judge(kind, parts, values, peaks)
        if flagged is not None:
            bits = np.uint64(1) << (self._of_kind[kind] + 1).astype(np.uint64)
            masks[rows] |= np.where(flagged, bits, np.uint64(0)).sum(axis=1, dtype=np.uint64)
        final = units.final[rows]
        if not final.all():
            if not final.any():
                return
            rows, values, flagged = rows[final], values[final], None if flagged is None else flagged[final]
            parts = _parts(source[final], units.last[rows])
            peaks = parts.peaks(values)
        self._learn_final(kind, units.at[rows], values, flagged, parts, peaks)

    def _values(self, kind: Kind, units: UnitBatch, rows: Int64) -> Float32:
        """Nats [n, voices of the kind], by column in memory; −1 where a voice has no opinion."""
        nats, speaking = units.nats.T.take(rows, axis=1).T, self._of_kind[kind]
        values = np.empty((len(speaking), len(rows)), np.float32).T
        for column, voice in enumerate(speaking.tolist()):
            if voice == 0 and self._without is not None:
                said = self._without.combine(nats, np.full(len(rows), kind, np.uint8))
            else:
                said = nats[:, voice - 1]
            np.fmax(said, np.float32(SILENT), out=values[:, column])
        return values

    def _judge(self, kind: Kind, parts: _Parts, values: Float32, peaks: Float32) -> Bool | None:
        """Which values [n, C] cross; None: none does."""
        found = self._find(kind, parts.source)
        z = np.where(found >= 0, self._rows.data["z"][found], np.inf)
        loud = np.flatnonzero((peaks >= z).any(axis=0))
        if not len(loud):
            return None
        flagged, part = np.zeros(values.shape, np.bool_), parts.of_unit()
        for column in loud.tolist():
            flagged[:, column] = values[:, column] >= z[part, column]
        return flagged

    def _judge_silences(self, units: UnitBatch, rows: Int64, masks: Masks) -> None:
        """A silence is taken at its word, as by the whole; the vote without the LSTM hears it as the whole does."""
        masks[rows] |= (masks[rows] & np.uint64(1)) << np.uint64(1)
        if "silence" not in self.names:
            return
        place = self.names.index("silence")
        source = units.source[rows].astype(np.int64)
        lines = self._count(source, Kind.SILENCE)
        z = self._thresholds.silence(source, None, lines / self._clock.seconds(source)[1])
        said = units.nats[rows, place - 2] >= np.where(self._watching(source), z, np.inf)
        masks[rows] |= said.astype(np.uint64) << np.uint64(place)

    def _find(self, kind: Kind, source: Int64) -> Int64:
        """Rows [g, C]; −1 where there is none."""
        columns = int(kind) * self._voices + self._of_kind[kind]
        return self._rows.find(np.repeat(source, len(columns)), np.tile(columns, len(source))).reshape(
            len(source), len(columns)
        )

    def _learn_final(
        self, kind: Kind, at: Int64, values: Float32, flagged: Bool | None, parts: _Parts, peaks: Float32
    ) -> None:
        """Learn final units [n] that were judged at events `at` [n]."""
        sources, which = np.unique(parts.source, return_inverse=True)
        seen = self._seen.need(sources, np.full(len(sources), kind))
        warm = self._seen.data["count"][seen] >= WARM[kind]
        self._seen.data["count"][seen] += np.bincount(which, parts.size).astype(np.int64)
        self._seen.mark(seen)
        if not warm.any():
            return
        self._clock.advance(parts.source[warm[which]], parts.block[warm[which]])
        row = self._open(kind, values, flagged, parts, peaks, warm[which])
        self._count_values(kind, at, values, flagged, row, parts)
        self._fit(kind, sources[warm])

    def _open(
        self, kind: Kind, values: Float32, flagged: Bool | None, parts: _Parts, peaks: Float32, warm: Bool
    ) -> Int64:
        """Count the openings of parts [g] that are of `warm` sources; returns rows [g, C], −1 where there is none."""
        calm = peaks if flagged is None else parts.peaks(np.where(flagged, np.float32(SILENT), values))
        part, voice = np.nonzero((peaks >= 0) & warm[:, None])
        found = self._rows.need(parts.source[part], int(kind) * self._voices + self._of_kind[kind][voice])
        row = np.full(peaks.shape, -1, np.int64)
        row[part, voice] = found
        order = np.argsort(found, kind="stable")
        part, voice, found = part[order], voice[order], found[order]
        data = self._rows.data
        block = np.maximum(parts.block[part], data["block"][found])
        peak = np.stack([calm[part, voice], peaks[part, voice]], axis=1)
        news = tail_openings.news(data, tail_openings.Segments(found, block, peak))
        if len(news.row):
            self._rows.mark(np.unique(news.row), "peak", "opens")
            tail_openings.advance(data, news, self._clock.weight(self._rows.source[news.row]))
        return row

    def _count_values(
        self, kind: Kind, at: Int64, values: Float32, flagged: Bool | None, row: Int64, parts: _Parts
    ) -> None:
        """Count what voices said: all that is loud, and of the rest of single events one in `SAMPLED`; of the longest
        chunks only one in `SKIPPED`, for all."""
        times, units = 1, len(values)
        if kind == Kind.EVENT and units >= LONG:
            times = SKIPPED
            if (at[0] // LONG) % SKIPPED:
                return
        each = SAMPLED if kind == Kind.EVENT else 1
        spoken = values.T  # by column in memory
        loud = np.flatnonzero(spoken >= LOUD)
        sample = np.flatnonzero(at % each == 0)
        some = spoken[:, sample]
        quiet = np.flatnonzero((some >= 0) & (some < LOUD))
        place = np.concatenate([loud, quiet // len(sample) * units + sample[quiet % len(sample)]])
        weights = np.repeat(np.array([times, times * each], np.float32), [len(loud), len(quiet)])
        voice, unit = np.divmod(place, units)
        part = np.searchsorted(parts.begin, unit, side="right") - 1 if len(parts.begin) > 1 else np.zeros_like(unit)
        to = row[part, voice]
        told = to >= 0
        part, to, place = part[told], to[told], place[told]
        odd = None if flagged is None else flagged.T.ravel()[place]
        flat, stride, offset = tail_openings.floats(self._rows.data, "units")
        number = to * stride + offset + bin_of(spoken.ravel()[place], odd)
        np.add.at(flat, number, weights[told] * self._clock.weight(parts.source)[part])
        self._rows.mark_numbers(number)

    def _count_lines(self, kind: Kind, units: UnitBatch, rows: Int64) -> None:
        """Lines by source: events, and running units of visits."""
        if kind not in (Kind.EVENT, Kind.VISIT):
            return
        counts = np.bincount(units.source[rows if kind == Kind.EVENT else rows[~units.final[rows]]])
        sources = np.flatnonzero(counts)
        at = self._seen.need(sources, np.full(len(sources), Kind.SILENCE))
        self._seen.data["count"][at] += counts[sources]
        self._seen.mark(at)

    def _count(self, source: Int64, kind: Kind) -> Float64:
        row = self._seen.find(source, np.full(len(source), kind))
        return np.where(row >= 0, self._seen.data["count"][row], 0).astype(np.float64)

    def _watching(self, source: Int64) -> Bool:
        """Sources [n] whose events, visits or metrics are judged."""
        fitted = np.zeros(len(source), np.bool_)
        for kind in (Kind.EVENT, Kind.VISIT, Kind.METRIC):
            row = self._seen.find(source, np.full(len(source), kind))
            fitted |= (row >= 0) & (self._seen.data["fitted"][row] > 0)
        return fitted

    def _fit(self, kind: Kind, source: Int64) -> None:
        """New thresholds for sources [s] that have grown enough since the last ones."""
        at = self._seen.find(source, np.full(len(source), kind))
        count, fitted = self._seen.data["count"][at], self._seen.data["fitted"][at]
        due = (count >= ENOUGH[kind]) & (count - fitted >= np.maximum(REFIT_LEAST, fitted * REFIT_SHARE))
        due &= self._thresholds.ready(source, self._seconds(source, kind)[1])
        if not due.any():
            return
        self._rescale(source[due])
        rows = self._find(kind, source[due]).ravel()
        voice = np.tile(self._of_kind[kind], int(due.sum()))[rows >= 0]
        rows = rows[rows >= 0]
        weight = self._clock.weight(self._rows.source[rows]).astype(np.float64)
        enough = self._rows.data["units"][rows].sum(axis=(1, 2)) > 0
        if kind == Kind.VISIT:
            enough &= self._rows.data["opens"][rows, 2].sum(axis=1) >= BLOCKS * weight
        rows, voice, weight = rows[enough], voice[enough], weight[enough]
        if not len(rows):
            return
        self._seen.data["fitted"][at[due]] = count[due]
        self._seen.mark(at[due])
        self._rows.data["z"][rows] = self._choose(kind, rows, voice != 0, weight)
        self._rows.mark(rows, "z", "z")

    def _choose(self, kind: Kind, rows: Int64, alone: Bool, weight: Float64) -> Float64:
        source = self._rows.source[rows]
        kinds = np.stack([self._seen.find(source, np.full(len(rows), one)) >= 0 for one in Kind], axis=1)
        # Lines are counted as silences: those have their part with or without any.
        aged, total = self._seconds(source, kind)
        found = curves(self._rows.data[rows], source, int(kind), kinds, weight, aged, self._count(source, kind) / total)
        return self._thresholds.choose(found, alone)

    def _seconds(self, source: Int64, kind: Kind) -> tuple[Float64, Float64]:
        """As `Calibration` takes it: a source without any time brings one unit a second."""
        (aged, total), count = self._clock.seconds(source), self._count(source, kind)
        timeless = self._clock.is_timeless(source)
        return np.where(timeless, count, aged), np.where(timeless, count, total)

    def _rescale(self, source: Int64) -> None:
        for one in self._clock.rescale(source).tolist():
            mine = np.flatnonzero(self._rows.source[: self._rows.used] == one)
            for field in ("units", "opens"):
                self._rows.data[field][mine] *= np.float32(np.exp(-40.0))
            self._rows.mark(mine)

    def now(self, source: int) -> int:
        """How far the source's time has come, ns, to the block; 0 before any."""
        row = int(self._clock.rows.find(np.array([source]), np.array([0]))[0])
        return 0 if row < 0 else max(0, int(self._clock.rows.data["block"][row])) * tail_openings.BLOCK_NS

    def learn_anew(self, sources: Int64) -> None:
        """Forget all of these sources."""
        for rows in (self._rows, self._seen, self._clock.rows):
            rows.renew(sources)

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Cells: blocks of rows, and the names of the voices."""
        for prefix, table in (("voice", self._rows), ("seen", self._seen), ("clock", self._clock.rows)):
            wrote = False
            for name, cell in table.changes():
                wrote = True
                yield f"{prefix}/{name}", cell
            if wrote and prefix == "voice":
                yield "names", json.dumps(self.names).encode()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`; voices that are gone are dropped, new ones start empty."""

        def part(prefix: str) -> dict[str, bytes]:
            return {name.partition("/")[2]: cell for name, cell in cells.items() if name.startswith(prefix + "/")}

        self._seen.restore(part("seen"))
        self._clock.rows.restore(part("clock"))
        if "names" in cells:
            saved = tuple(json.loads(cells["names"]))
            self._rows.restore(part("voice"), None if saved == self.names else self._moved(saved))

    def _moved(self, saved: tuple[str, ...]) -> dict[int, int]:
        """Columns of then to those of now."""
        return {
            kind * (len(saved) - 1) + old: kind * self._voices + self.names[1:].index(name)
            for kind in range(KINDS)
            for old, name in enumerate(saved[1:])
            if name in self.names[1:]
        }
