"""From nats to tail probabilities and thresholds, per (source, kind), in tables over all sources.

Between two calls of `learn` everything is frozen. A source is silent until it has shown `ENOUGH` units; its first
`WARM` units are not learned (to a new source everything is new).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from logwatch.score import tail, tail_openings
from logwatch.score.calibration_clock import BLOCK_S, Clock
from logwatch.score.calibration_detectors import DetectorTails
from logwatch.score.calibration_votes import Votes
from logwatch.score.tail import BINS, EDGES, Fit
from logwatch.score.tail_rows import Rows
from logwatch.types import Bool, Float32, Float64, Int64, Kind, UnitBatch

KINDS = len(Kind)
MEMORY = 20_000.0  # units: probes ask for 10,000 and more; at 5,000 decisions a day this forgets a habit in weeks
# By kind: how fast weights grow at first. Visits close late and in waves: n² forgot too soon how wide they spread (the
# threshold of a share ran down; HDFS: 4.7 to 6.2 % of the blocks alerted where 2 % were asked for, 2.7 to 2.8 % so).
GROWTH = np.array([2.0, 0.75, 2.0, 2.0, 2.0])
AGEING, AGEING_CELL = b"2", "ageing"  # version of the weights: `base` of older rows stands for others
WARM = np.array([128, 64, 30, 0, 64])  # by kind: units of a new source that are not learned
ENOUGH = np.array([384, 264, 60, 1, 264])  # by kind: units before the first p; windows are few, and sums already
# Least scale of a tail, by kind: s nats of one surprise claim a probability of e^-s; what a window's sum of excesses
# claims only the source's past can say.
SIGMA_LEAST = np.array([1.0, 1.0, 0.1, 1.0, 1.0])
BLOCKS = 2.0  # aged blocks in which visits have closed before they are judged
REFIT_LEAST, REFIT_SHARE = 32, 1 / 8  # a row is fitted again after this many units, or this share of what it holds
# With many sources a chunk makes few rows due; fitting them together, every fourth chunk, spreads the fixed cost.
MANY, FIT_EVERY, CHUNK = 256, 4, 1024
EACH_EVENT = 4  # single detectors, which are only shown, learn every fourth event: a third of the cost of learning

# The small fields stand together: at thousands of sources a row's cache lines are what learning costs.
ROW = np.dtype(
    [
        ("count", "<i8"),  # units so far, warm-up included
        ("fitted", "<i8"),  # count at the last fit
        ("due", "<i8"),  # waits for its next fit
        ("base", "<f8"),  # log of the weight that stands for 1 in `units`
        *tail_openings.BLOCK,
        ("start", "<i8"),  # from here to `log_survival`: frozen since the last fit
        ("log_share", "<f8"),
        ("sigma", "<f8"),
        ("xi", "<f8"),
        ("z", "<f8"),  # threshold in nats
        ("log_pz", "<f8"),  # ln P(S ≥ z)
        ("provisional", "<i8"),
        ("log_survival", "<f4", (BINS,)),
        ("units", "<f4", (2, BINS)),  # unflagged, flagged
        *tail_openings.OPENS,
    ]
)
FIT_FIELDS = ["start", "log_share", "sigma", "xi", "z", "log_pz", "provisional"]
NO_ROWS: Int64 = np.zeros(0, dtype=np.int64)
UNFITTED = dict.fromkeys(("log_survival", "log_share", "sigma", "xi", "log_pz"), np.nan)
FRESH = {**tail_openings.FRESH, **UNFITTED, "z": np.inf}


@dataclass(slots=True)
class Curves:
    """What a threshold may be chosen from, for r rows (source, kind); masses in units of today's weight."""

    source: Int64  # [r]
    kind: Int64  # [r] of Kind
    kinds: Bool  # [r, 5] kinds that the source has shown
    edges: Float32  # [BINS] nats
    unflagged: Float64  # [r, BINS] aged units at or above each edge
    everything: Float64  # [r, BINS] the same, flagged ones included
    opens_unflagged: Float64  # [r, BINS] aged incidents that a threshold at each edge would have opened
    opens: Float64  # [r, BINS] the same, flagged units included
    busy: Float64  # [r, BINS] share of the recent blocks of event time that reached each edge
    seconds: Float64  # [r] aged event time that the openings stand for
    per_second: Float64  # [r] units per second of event time, over the row's life
    fit: Fit


class Thresholds(Protocol):
    """Chooses thresholds in nats."""

    def ready(self, source: Int64, seconds: Float64) -> Bool:
        """Which sources [r] have shown enough event time [r] to be judged."""
        ...

    def choose(self, curves: Curves) -> Float64:
        """[r] nats; a unit at or above crosses."""
        ...

    def silence(self, source: Int64, kinds: Bool, per_second: Float64) -> Float64:
        """[r] nats at which a silence crosses, as far as the rate of the source's decisions tells."""
        ...


@dataclass(slots=True)
class Scored:
    """Units [m] against the past of their (source, kind); NaN (z: inf) before calibration."""

    nats: Float64  # [m] combined
    log_p: Float64  # [m] ln P(S ≥ nats), ≥ −69.1
    z: Float64  # [m] threshold in nats
    log_threshold: Float64  # [m] ln P(S ≥ z)
    provisional: Bool  # [m] fewer units so far than a tenth of 1 / P(S ≥ z)


class Calibration:
    """Tables of tails over (source, kind).

    Args:
        detectors: names of the columns of `UnitBatch.nats`.
        thresholds: chooses z at each fit.
        votes: how nats are combined; by default `Votes(detectors)`.
    """

    def __init__(self, detectors: Sequence[str], thresholds: Thresholds, votes: Votes | None = None) -> None:
        self.detectors = tuple(detectors)
        self.votes = votes or Votes(self.detectors)
        self._thresholds = thresholds
        self._rows = Rows(ROW, KINDS, FRESH)
        self._clock = Clock()
        self._each = DetectorTails(self.detectors)
        self._due = NO_ROWS

    def score(self, units: UnitBatch) -> Scored:
        """Judge units by what was learned up to the last chunk end; changes nothing."""
        nats = self.votes.combine(units.nats, units.kind)
        found = self._rows.find(units.source, units.kind)
        data = self._rows.data
        row = np.maximum(found, 0)
        fits = {name: data[name][row] for name in FIT_FIELDS}  # a copy of whole records is 20 times slower
        binned = tail.bin_of(nats)
        log_p = data["log_survival"][row, binned].astype(np.float64)
        over = np.flatnonzero(binned >= fits["start"])
        above = nats[over].astype(np.float64) - EDGES[fits["start"][over]]
        log_p[over] = tail.log_sf(above, fits["log_share"][over], fits["sigma"][over], fits["xi"][over])
        unknown = (found < 0) | np.isnan(nats)
        log_p[unknown] = np.nan
        z = np.where(unknown, np.inf, fits["z"])
        log_z = np.where(unknown, np.nan, fits["log_pz"])
        scored = Scored(nats.astype(np.float64), log_p, z, log_z, fits["provisional"] != 0)
        silences = np.flatnonzero(units.kind == Kind.SILENCE)
        if len(silences):
            self._score_silences(scored, silences, units, found)
        return scored

    def _score_silences(self, scored: Scored, which: Int64, units: UnitBatch, found: Int64) -> None:
        """Silences are too few for a tail of their own: their nats are taken at their word, p = e^-nats, and the
        threshold follows the rate of the source's decisions; past silences can only raise it."""
        row, data = found[which], self._rows.data
        own = np.where((row >= 0) & (data["fitted"][row] > 0), data["z"][row], -np.inf)
        by_rate, provisional = self._clock.silence(units.source[which].astype(np.int64))
        z = np.maximum(by_rate, own)
        known = np.isfinite(z)
        scored.z[which] = np.where(known, z, np.inf)
        scored.log_p[which] = np.where(known, np.maximum(-scored.nats[which], tail.LOG_FLOOR), np.nan)
        scored.log_threshold[which] = np.where(known, -z, np.nan)
        scored.provisional[which] = provisional

    def learn(self, units: UnitBatch, flagged: Bool) -> None:
        """Learn one chunk's units: final ones only.

        Args:
            units: every unit judged since the last chunk end, in order.
            flagged: [m] units that crossed: kept apart from the tail of what is normal.
        """
        nats = self.votes.combine(units.nats, units.kind)
        chosen = np.flatnonzero(units.final & ~np.isnan(nats))
        if not len(chosen):
            return
        row = self._rows.need(units.source[chosen], units.kind[chosen])
        kind = units.kind[chosen]
        cold = self._rows.data["count"][row] < WARM[kind]
        touched, times = np.unique(row, return_counts=True)
        self._rows.data["count"][touched] += times
        self._rows.mark(touched, "count", "block")
        self._count_lines(units)
        if cold.any():
            chosen, row = chosen[~cold], row[~cold]
        if len(chosen):
            self._add(units, chosen, row, nats[chosen], flagged[chosen])
            self._fit(touched, int(units.at[-1]))

    def learn_anew(self, sources: Int64) -> None:
        """Forget all of these sources: they are judged as new ones."""
        for rows in (self._rows, self._each.rows, self._clock.rows):
            rows.renew(sources)
        self._due = self._due[self._rows.data["due"][self._due] != 0]

    def _count_lines(self, units: UnitBatch) -> None:
        """A visit's running unit is a line; events are counted by their rows."""
        running = ~units.final & (units.kind == Kind.VISIT)
        if running.any():
            self._clock.speak(*np.unique(units.source[running].astype(np.int64), return_counts=True))

    def _lines_per_second(self, source: Int64) -> Float64:
        row = self._rows.find(source, np.full(len(source), int(Kind.EVENT)))
        events = np.where(row >= 0, self._rows.data["count"][row], 0)
        rate: Float64 = (events + self._clock.lines(source)) / self._clock.seconds(source)[1]
        return rate

    def _add(self, units: UnitBatch, chosen: Int64, row: Int64, nats: Float32, flagged: Bool) -> None:
        data = self._rows.data
        weight = np.exp(self._log_now(row)).astype(np.float32)
        flat, stride, offset = tail_openings.floats(data, "units")
        at = row * stride + offset + np.where(flagged, BINS, 0) + tail.bin_of(nats)
        np.add.at(flat, at, weight)
        self._rows.mark_numbers(at)
        told = ~flagged & ((units.kind[chosen] != Kind.EVENT) | (units.at[chosen] % EACH_EVENT == 0))
        self._each.add(units, chosen[told], weight[told])
        block = np.maximum(tail_openings.block_of(units.last[chosen]), data["block"][row])
        segments = tail_openings.gather(row, block, nats, flagged)
        begun = segments.block > data["block"][segments.row]
        self._rows.mark(np.unique(segments.row[begun]), "opens", "opens")
        self._clock.advance(self._rows.source[segments.row[begun]], segments.block[begun])
        segments = tail_openings.news(data, segments)
        if len(segments.row):
            tail_openings.advance(data, segments, self._clock.weight(self._rows.source[segments.row]))

    def _rescale(self, rows: Int64) -> None:
        """Scale back rows whose newest weight has grown large; between two fits it cannot outgrow float32."""
        data = self._rows.data
        heavy = rows[self._log_now(rows) > tail.RESCALE]
        if len(heavy):
            down = np.float32(np.exp(-tail.RESCALE))
            data["units"][heavy] *= down
            data["base"][heavy] += tail.RESCALE
            self._rows.mark(heavy)
            self._each.scale(self._rows.source[heavy], self._rows.column[heavy], down)
        for source in self._clock.rescale(np.unique(self._rows.source[rows])).tolist():
            mine = np.flatnonzero(self._rows.source[: self._rows.used] == source)
            data["opens"][mine] *= np.float32(np.exp(-tail.RESCALE))
            self._rows.mark(mine, "opens", "opens")

    def _log_now(self, rows: Int64) -> Float64:
        """Log of today's weight in each row's own scale [r]."""
        data = self._rows.data
        growth = GROWTH[self._rows.column[rows]]
        weight: Float64 = tail.log_weight(data["count"][rows].astype(np.float64), MEMORY, growth) - data["base"][rows]
        return weight

    def _renew_weights(self) -> None:
        """Rows whose weights grew as n² up to now go on from today's: nothing that was learned gains or loses."""
        rows, data = np.arange(self._rows.used), self._rows.data
        count, growth = data["count"][rows].astype(np.float64), GROWTH[self._rows.column[rows]]
        data["base"][rows] += tail.log_weight(count, MEMORY, growth) - tail.log_weight(count, MEMORY)
        self._rows.mark(rows, "count", "base")

    def _fit(self, touched: Int64, at: int) -> None:
        """Fit the rows that have grown enough since their last fit, and choose their thresholds; `at`: event number."""
        data = self._rows.data
        count, kind = data["count"][touched], self._rows.column[touched]
        grown = np.maximum(REFIT_LEAST, np.minimum(count, MEMORY) * REFIT_SHARE)
        grown[kind == Kind.SILENCE] = 1
        due = touched[(count >= ENOUGH[kind]) & (count - data["fitted"][touched] >= grown)]
        self._rescale(due)  # ready or not: 2,000 lines/s outgrow float32 before they stand for enough event time
        due = due[data["units"][due].sum(axis=(1, 2)) > 0]
        due = due[self._ready(due)]
        data["due"][due] = 1
        self._due = np.union1d(self._due, due)
        if not len(self._due) or (len(touched) > MANY and (at // CHUNK) % FIT_EVERY):
            return
        due, self._due = self._due, NO_ROWS
        data["due"][due] = 0
        self._rows.mark(due, "count", "log_survival")
        curves = self._curves(due)
        fit, z = curves.fit, self._thresholds.choose(curves)
        log_pz = fit.log_sf(z)
        for field in ("log_survival", "start", "log_share", "sigma", "xi"):
            data[field][due] = getattr(fit, field)
        data["z"][due], data["log_pz"][due], data["fitted"][due] = z, log_pz, data["count"][due]
        data["provisional"][due] = np.log(10.0 * data["count"][due]) < -log_pz
        primary = np.flatnonzero(curves.kind <= Kind.VISIT)
        if len(primary):
            source, kinds = curves.source[primary], curves.kinds[primary]
            nats = self._thresholds.silence(source, kinds, self._lines_per_second(source))
            self._clock.set_silence(source, nats, data["provisional"][due[primary]] != 0)

    def _ready(self, rows: Int64) -> Bool:
        """Rows [r] that stand for enough event time.

        Visits are learned as they close, maybe all at once: they must have closed in several blocks.
        """
        source = self._rows.source[rows]
        blocks = self._rows.data["opens"][rows, 2].sum(axis=1) / self._clock.weight(source)
        ready = self._thresholds.ready(source, self._seconds(rows)[1])
        enough: Bool = ready & ((self._rows.column[rows] != Kind.VISIT) | (blocks >= BLOCKS))
        return enough

    def _seconds(self, rows: Int64) -> tuple[Float64, Float64]:
        """Event time [r], aged and in all. A source without any time is taken to bring one unit a second."""
        source = self._rows.source[rows]
        aged, total = self._clock.seconds(source)
        count = self._rows.data["count"][rows].astype(np.float64)
        timeless = self._clock.is_timeless(source)
        return np.where(timeless, count, aged), np.where(timeless, count, total)

    def _curves(self, rows: Int64) -> Curves:
        data, source = self._rows.data, self._rows.source[rows]
        now = np.exp(self._log_now(rows))[:, None]
        units, opens = data["units"][rows], data["opens"][rows]
        unflagged = tail.survival(units[:, 0]) / now
        everything = unflagged + tail.survival(units[:, 1]) / now
        # Where all was flagged there is nothing unflagged to fit; then all of it must serve.
        calm = unflagged[:, 0] >= 1.0
        fitted = np.where(calm[:, None], units[:, 0], units.sum(axis=1))
        least = SIGMA_LEAST[self._rows.column[rows]]
        fit = tail.fit(fitted, np.where(calm, unflagged[:, 0], everything[:, 0]), least)
        aged, total = self._seconds(rows)
        openings = self._clock.weight(source).astype(np.float64)[:, None]
        kinds = np.stack([self._rows.find(source, np.full(len(rows), kind)) >= 0 for kind in Kind], axis=1)
        return Curves(
            source, self._rows.column[rows], kinds, EDGES, unflagged, everything,
            tail.survival(opens[:, 0]) / openings, tail.survival(opens[:, 1]) / openings,
            tail.survival(opens[:, 2]) / openings / (aged[:, None] / BLOCK_S),
            aged, data["count"][rows] / total, fit,
        )  # fmt: skip

    def each(self, source: int, kind: int, nats: Float32) -> list[float | None]:
        """Tail probability of each detector's nats [D] among the source's unflagged past; None where unknown."""
        row = int(self._rows.find(np.array([source]), np.array([kind]))[0])
        if row < 0 or self._rows.data["fitted"][row] == 0:
            return [None] * len(nats)
        return self._each.probabilities(source, kind, nats, float(np.exp(self._log_now(np.array([row]))[0])))

    def status(self) -> list[dict[str, Any]]:
        """One row for each (source, kind) so far: the cold path, for people."""
        rows = []
        for row in range(self._rows.used):
            data, kind = self._rows.data[row], int(self._rows.column[row])
            ready = data["fitted"] > 0
            rows.append(
                {
                    "source": int(self._rows.source[row]),
                    "kind": Kind(kind).name.lower(),
                    "state": "watching" if ready else "learning",
                    "decisions": int(data["count"]),
                    "to_go": 0 if ready else max(1, int(ENOUGH[kind] - data["count"])),
                    "threshold": float(data["z"]) if ready else None,
                    "threshold_p": float(np.exp(data["log_pz"])) if ready else None,
                    "provisional": bool(data["provisional"]),
                    "seconds": float(self._clock.seconds(self._rows.source[[row]])[1][0]),
                }
            )
        return rows

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Cells: `tail/N`, `each/N` and `clock/N` (blocks of rows), `detectors` (the columns' names), `ageing`."""
        for prefix, table in (("tail", self._rows), ("each", self._each.rows), ("clock", self._clock.rows)):
            wrote = False
            for name, cell in table.changes():
                wrote = True
                yield f"{prefix}/{name}", cell
            if wrote and prefix == "each":
                yield "detectors", json.dumps(self.detectors).encode()
            if wrote and prefix == "tail":
                yield AGEING_CELL, AGEING

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`; detectors that are gone are dropped, new ones start empty."""

        def part(prefix: str) -> dict[str, bytes]:
            return {name.partition("/")[2]: cell for name, cell in cells.items() if name.startswith(prefix + "/")}

        self._rows.restore(part("tail"))
        if AGEING_CELL not in cells:
            self._renew_weights()
        self._due = np.flatnonzero(self._rows.data["due"][: self._rows.used])
        self._clock.rows.restore(part("clock"))
        if "detectors" in cells:
            self._each.restore(part("each"), tuple(json.loads(cells["detectors"])))
