"""Windows: fixed spans of a source's watermark; how many events came in each, and how much surprise of different kinds.

Trouble seldom writes one odd line; it writes several kinds of odd lines within seconds. A window adds up what exceeds
`USUAL` nats, once for each template: a hundred odd lines of one kind are one surprise (and a matter for `rate`). Kinds
that came together before, in a window that did not alert, explain each other: a nightly job is one surprise, not ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logwatch.score import levels
from logwatch.score.calibration_votes import believed
from logwatch.score.detectors.merges import Untold
from logwatch.score.detectors.pending import Pending
from logwatch.score.detectors.sources import SourceRows
from logwatch.score.grouped import Groups, gather
from logwatch.score.outdated import Outdated
from logwatch.score.units_pieces import Piece, Rank, silent
from logwatch.score.units_rungs import DETECTORS
from logwatch.score.units_sets import WORDS
from logwatch.score.window_kinds import Kinds, Pairs, Parts
from logwatch.types import NO_TIME, EventBatch, Float32, Float64, Int32, Int64, Kind

COMPANY = 16
"""Earlier windows of a source whose odd templates are remembered together."""
USUAL = {"lstm": 5.0, "markov": 5.0, "rare": 2.5, "gap": 5.0, "values": 5.0, "rule": 1e9}
"""Nats of an event that are nothing special in a window of hundreds; 0 for detectors not named."""
VOTING = ("lstm", "new", "rare")
"""Detectors whose surprise makes an event odd; of an odd event all are added up."""
POINT = 20
"""Nats are summed in fixed point, 2^-20: exact, so that a sum does not depend on how a batch was split."""

OPEN = (
    ("open", "u1"),
    ("stream", "i4"),
    ("index", "i8"),  # watermark // window
    ("count", "i8"),
    ("errors", "i8"),  # events at level error or above
    ("odd", "i8"),  # events that surprise
    ("strange", "i8"),  # how unusual values were: whole nats from `STRANGE` on, where the first counts 1
    ("first", "i8"),
    ("start", "i8"),
    ("end", "i8"),
    ("sums", "i8", (DETECTORS,)),
    ("bits", "u8", (WORDS,)),  # templates that have surprised in this window
)
COUNTED = ("count", "errors", "odd", "strange")
"""What has a rate: all events, and errors, odd events and odd values, of which only many are news, never few."""
STRANGE = 3.0
"""Nats of `values` from which on an event's values are unusual: at most one in twenty of those that have some."""
RATE = (  # aged sums of 1, y, y² with y = √(count + 3/8)
    ("windows", "f8"),
    ("mean", "f8", (len(COUNTED),)),
    ("square", "f8", (len(COUNTED),)),
)
ERROR = 6
"""Levels from this on are errors."""


class Windows:
    """The open window of each source, and the usual rate of each source.

    An event counts in the window in which its source's watermark stood just after it, so that windows never overlap
    and close in stream order. A window without events is no unit: silence says that.

    Args:
        detectors: names of the event detectors.
        width: columns of a unit; the last two are `rate`, `silence`.
        window: length, ns.
        untold: merges of templates that are not learned yet.
    """

    def __init__(self, detectors: Sequence[str], width: int, window: int, untold: Untold | None = None) -> None:
        self._usual_nats = np.array([USUAL.get(name, 0.0) for name in detectors], dtype=np.float32)
        self._votes = np.array([name in VOTING for name in detectors])
        self._bounded = [detectors.index(name) for name in ("lstm", "rare", "new") if name in detectors]
        self._values = detectors.index("values") if "values" in detectors else None
        self._width = width
        self._window = window
        self._open = SourceRows(OPEN)
        self._rates = SourceRows(RATE)
        self._company = SourceRows((("next", "i8"), ("bits", "u8", (COMPANY, WORDS))))
        self._odd = Pending(source="i4", end="i8", bits="u8")
        self._closed = Pending(source="i4", level="f8")
        self._kinds = Kinds(untold)
        self._outdated = Outdated("usual counts of windows", "window/open/", "window/rate/")

    def build(self, events: EventBatch, nats: Float32, groups: Groups) -> list[Piece]:
        """Units of the windows that close in a batch; `groups` are its rows by source."""
        self._open.reach(events.source)
        rows = np.flatnonzero(events.watermark != NO_TIME)  # without any time there are no windows
        if len(rows) < len(events.source):
            groups = Groups(events.source[rows])
        if not len(rows):
            return []
        order = rows[groups.order]
        index = events.watermark[order] // self._window
        old = self._open.get(groups.keys)
        going_on = (old["open"] > 0) & (old["index"] == index[groups.begin])
        starts = groups.head.copy()
        starts[1:] |= index[1:] != index[:-1]
        at = np.flatnonzero(starts)
        group, head = groups.group[at], groups.head[at]
        carried = np.flatnonzero(head & going_on[group])
        open_ = self._segments(events, order, at, index)
        if self._values is not None:
            over = np.fmax(nats[order, self._values] - np.float32(STRANGE - 1.0), np.float32(0))  # NaN: 0
            open_["strange"] = np.add.reduceat(over.astype(np.int64), at)
        open_["bits"][carried] = old["bits"][group[carried]]
        self._surprise(open_, events.template, nats, order, at)
        self._carry(open_, carried, gather(old, group[carried]))
        closed = np.flatnonzero(~head[1:])
        before = np.flatnonzero((old["open"] > 0) & ~going_on)
        last = np.flatnonzero(np.append(head[1:], True))
        row = np.concatenate([order[groups.begin[before]], order[at[closed + 1]]])
        parts = Parts(order, at, groups.keys, group, carried, before, closed, last, events.first + row)
        piece = self._piece(
            np.concatenate([gather(old, before), gather(open_, closed)]),
            np.concatenate([groups.keys[before], groups.keys[group[closed]]]),
            row,
            self._kinds.build(events.template, parts),
        )
        self._open.put(groups.keys, gather(open_, last))
        return [piece]

    @staticmethod
    def _segments(events: EventBatch, order: Int64, at: Int64, index: Int64) -> NDArray[Any]:
        """The batch's part of each window [k]; the windows begin at `at` [k] of the grouped rows `order`."""
        part = np.zeros(len(at), dtype=np.dtype(list(OPEN)))
        last = np.append(at[1:], len(order)) - 1
        head = order[at]
        part["open"], part["index"], part["count"] = 1, index[at], last - at + 1
        part["stream"], part["first"], part["start"] = events.stream[head], events.time[head], events.start[head]
        part["end"] = events.end[order[last]]
        part["errors"] = np.add.reduceat(events.level[order] >= ERROR, at, dtype=np.int64)
        return part

    def _surprise(self, part: NDArray[Any], template: Int32, nats: Float32, order: Int64, at: Int64) -> None:
        """Add what exceeds the usual, at the first surprising event of each template in each window."""
        said = nats[order]
        if len(self._bounded) == 3:
            lstm, rare, new = self._bounded
            said[:, lstm] = believed(said[:, lstm], said[:, rare], said[:, new])
        excess = np.fmax(said - self._usual_nats, np.float32(0))  # NaN: no opinion, no surprise
        odd = np.flatnonzero((excess[:, self._votes] > 0).any(axis=1))
        if not len(odd):
            return
        window = np.searchsorted(at, odd, side="right") - 1
        part["odd"] += np.bincount(window, minlength=len(at))
        place = template[order[odd]].astype(np.int64) & (64 * WORDS - 1)
        _, first = np.unique(window * (64 * WORDS) + place, return_index=True)
        word, bit = place[first] >> 6, np.uint64(1) << (place[first] & 63).astype(np.uint64)
        fresh = (part["bits"][window[first], word] & bit) == 0
        first, word, bit = first[fresh], word[fresh], bit[fresh]
        np.bitwise_or.at(part["bits"], (window[first], word), bit)
        points = (excess[odd[first]].astype(np.float64) * (1 << POINT)).astype(np.int64)
        np.add.at(part["sums"], (window[first][:, None], np.arange(points.shape[1])), points)

    @staticmethod
    def _carry(part: NDArray[Any], rows: Int64, old: NDArray[Any]) -> None:
        """Windows `rows` go on from before the batch."""
        for name in ("stream", "first", "start"):
            part[name][rows] = old[name]
        part["count"][rows] += old["count"]
        part["errors"][rows] += old["errors"]
        part["odd"][rows] += old["odd"]
        part["strange"][rows] += old["strange"]
        part["sums"][rows] += old["sums"]

    def tick(self, source: Int32, watermark: Int64, at: int = 0) -> list[Piece]:
        """Units of the open windows of sources [s] that watermarks [s] have passed; `at`: number of the last event."""
        self._open.reach(source)
        old = self._open.get(source)
        rows = np.flatnonzero((old["open"] > 0) & (watermark // self._window > old["index"]))
        self._open.rows["open"][source[rows]] = 0
        self._open.mark(source[rows])
        own, now = source[rows].astype(np.int64), np.zeros(len(rows), dtype=np.int64)
        return [self._piece(gather(old, rows), own, now, self._kinds.tick(own, at))]

    def _piece(self, window: NDArray[Any], source: Int64, row: Int64, kinds: Float64) -> Piece:
        nats = np.full((len(row), self._width), np.nan, dtype=np.float32)
        level = np.sqrt(np.stack([window[name] for name in COUNTED], axis=1) + 0.375)
        self._closed.add(source=source, level=level)
        nats[:, self._width - 2] = np.fmax(self._rate(source, level), kinds)
        events = len(self._votes)
        nats[:, :events] = window["sums"][:, :events] / float(1 << POINT)
        nats[:, :events] *= self._unexplained(source, window["bits"], (window["index"] + 1) * self._window)[:, None]
        return Piece(
            Kind.WINDOW, Rank.WINDOW, True, row, source, source, window["stream"], silent(len(row)), window["first"],
            (window["index"] + 1) * self._window, window["start"], window["end"], nats,
        )  # fmt: skip

    def usual(self, source: int) -> tuple[float, float, float] | None:
        """Usual counts of a source's windows: low, mean, high; None before they are known."""
        mean, deviation, windows = self._usual(np.array([source]))
        if windows[0] < levels.LEAST:
            return None
        low, high = (max(float(mean[0, 0] + side * 2 * deviation[0, 0]), 0.0) ** 2 for side in (-1, 1))
        return low, float(mean[0, 0]) ** 2, high

    def _unexplained(self, source: Int64, bits: NDArray[np.uint64], end: Int64) -> Float32:
        """Share [m] of the odd templates of windows that no earlier window explains; one always stands for the rest."""
        count = np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
        several = np.flatnonzero(count >= 2)
        out = np.ones(len(source), dtype=np.float32)
        if not len(several):
            return out
        source, bits, count = source[several], bits[several], count[several]
        self._odd.add(source=source.astype(np.int32), end=end[several], bits=bits)
        self._company.reach(source)
        common = self._company.get(source)["bits"] & bits[:, None, :]
        explained = np.bitwise_count(common).sum(axis=2, dtype=np.int64).max(axis=1)
        out[several] = (count - np.maximum(explained - 1, 0)) / count
        return out

    def _rate(self, source: Int64, level: Float64) -> Float32:
        """Nats [m] of windows' counts, as levels √(count + 3/8) of what is `COUNTED` [m, 3]: how far out in Student's
        t, the largest of them."""
        self._rates.reach(source)
        mean, deviation, windows = self._usual(source)
        z = (level - mean) / deviation
        z[:, 1:] = np.maximum(z[:, 1:], 0.0)
        nats = levels.tail(z).max(axis=1)
        return np.where(windows >= levels.LEAST, nats, np.nan).astype(np.float32)

    def _usual(self, source: Int64) -> tuple[Float64, Float64, Float64]:
        """Mean and deviation of the levels [m, 3], and the aged number of windows [m]."""
        rows = self._rates.get(source)
        windows = rows["windows"].copy()
        n = np.maximum(windows, 1.0)[:, None]
        mean = rows["mean"] / n
        # The level of a Poisson count has variance 1/4 whatever its mean: nothing is steadier than that.
        variance = np.maximum(rows["square"] / n - mean * mean, 0.25) * (1 + 1 / n)
        return mean, np.sqrt(variance), windows

    def learn(self, flagged: Set[tuple[int, int]]) -> None:
        """At a chunk's end: the windows that closed in it; `flagged` are (source, end) of those that alerted."""
        self._learn_company(flagged)
        self._kinds.learn()
        closed = self._closed.take()
        if not len(closed["source"]):
            return
        source, level = closed["source"].astype(np.int64), closed["level"]
        self._rates.reach(source)
        mean, deviation, windows = self._usual(source)
        far = np.where(windows[:, None] >= levels.LEAST, levels.CLIP * deviation, np.inf)
        level = np.clip(level, mean - far, mean + far)
        unique, inverse, count = np.unique(source, return_inverse=True, return_counts=True)
        keep, rows = np.exp(-count / levels.MEMORY), self._rates.rows
        rows["windows"][unique] = rows["windows"][unique] * keep + count
        for which in range(len(COUNTED)):
            own = level[:, which]
            rows["mean"][unique, which] = rows["mean"][unique, which] * keep + np.bincount(inverse, own)
            rows["square"][unique, which] = rows["square"][unique, which] * keep + np.bincount(inverse, own * own)
        self._rates.mark(unique)

    def merged(self, pairs: Pairs) -> None:
        """See `Units.merged`."""
        self._kinds.merged(pairs)

    def _learn_company(self, flagged: Set[tuple[int, int]]) -> None:
        odd = self._odd.take()
        for source, end, bits in zip(odd["source"].tolist(), odd["end"].tolist(), odd["bits"], strict=True):
            if (source, end) not in flagged:
                row = self._company.rows[source : source + 1]
                row["bits"][0, row["next"][0] % COMPANY] = bits
                row["next"] += 1
                self._company.mark(np.array([source]))

    def regard(self) -> None:
        """See `Units.regard`."""
        self._open.rows["sums"] = 0
        self._open.mark(np.arange(len(self._open.rows)))

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        yield from self._open.changes("window/now/")
        yield from self._rates.changes("window/usual/")
        yield from self._closed.changes("window/closed")
        yield from self._company.changes("window/company/")
        yield from self._odd.changes("window/odd")
        yield from self._kinds.changes()
        yield from self._outdated.changes()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        self._open.restore("window/now/", cells)
        self._rates.restore("window/usual/", cells)
        self._closed.restore("window/closed", cells)
        if self._outdated.find(cells):
            self._closed.take()
        self._company.restore("window/company/", cells)
        self._odd.restore("window/odd", cells)
        self._kinds.restore(cells)
