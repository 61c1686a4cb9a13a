"""The window of one source: which metrics it has, on which grid, and what happened beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from logwatch.cells import pack, unpack
from logwatch.heatmap.past import quantiles_of
from logwatch.samples import Points
from logwatch.score.series.window_columns import BLOCK, SAMPLE, Ring, Sample, blocks
from logwatch.types import Float32, Float64, Int32, Int64, Mark

NOBODY = -1
MOST_WANTED = 16
"""Windows of incidents that are still to come."""

MOST_MARKS = 32
"""Marks remembered; the oldest give way."""

HEAD, RING, PAST = "head", "ring", "past"


class SourceWindow:
    """State of one source.

    Args:
        width: steps of a window.
        most: metrics at most.

    Attributes:
        slots: [c] slot of each column's metric; `NOBODY` where it is free.
        step: length of the grid's steps, ns: of most of the metrics, the shorter of equals; 0: none yet.
        begun: beginning of the first step, ns.
        clock: end of the newest step that closed, ns.
        marks: what happened lately, by time.
        wanted: incidents whose window is still to come: the time at which it ends, and the incident.
        used: when it was last used, for whoever bounds the sources.
    """

    def __init__(self, width: int, most: int) -> None:
        self.ring, self.sample, self.most = Ring(width), Sample(), most
        self.slots: Int32 = np.zeros(0, np.int32)
        self.step = self.begun = self.clock = self.used = 0
        self.marks: list[Mark] = []
        self.wanted: list[tuple[int, str]] = []
        self._steps: Int64 = np.zeros(0, np.int64)  # [c] length of each metric's latest step
        self._refused = False  # some metric found no column
        self._incident = ""  # the latest

    @property
    def size(self) -> int:
        """Numbers held."""
        return self.ring.rows.size + self.sample.rows.size

    def take(self, time: int, step: int, columns: Int64, values: Float64) -> None:
        """Values [m] of a step that closed, of metrics in columns [m]."""
        if (self._steps[columns] != step).any():
            self._steps[columns] = step
            self._choose_grid()
        grid = self.step
        last = -(-time // grid)
        self.sample.offer(self.ring.advance(last))
        self.ring.put(min((time - step) // grid + 1, last), last, columns, values.astype(np.float32))

    def take_late(self, points: Points, columns: Int64) -> bool:
        """Points [m] of steps that closed before, of metrics in columns [m]; False, and nothing is taken, unless all
        of them are of the grid's own steps."""
        grid = self.step
        if not grid or (points.step != grid).any() or (self._steps[columns] != grid).any():
            return False
        bins = points.time // grid
        if (
            (bins * grid != points.time).any()
            or int(points.time.max()) > self.clock
            or int(bins.max()) > self.ring.newest
        ):
            return False
        self.ring.put_each(bins, columns, points.value.astype(np.float32))
        return True

    def _choose_grid(self) -> None:
        counts = Counter(self._steps[(self.slots != NOBODY) & (self._steps > 0)].tolist())
        step = min(counts, key=lambda one: (-counts[one], one))
        if self.step and step != self.step:
            self.ring.refit(self.step, step)
        self.step = step

    def admit(self, slots: Int32) -> int:
        """Give columns to new metrics, as far as there are; returns how many found none."""
        free = np.flatnonzero(self.slots == NOBODY)[: len(slots)]
        more = min(len(slots) - len(free), self.most - len(self.slots))
        columns = np.append(free, len(self.slots) + np.arange(more))
        self.slots = np.append(self.slots, np.full(more, NOBODY, np.int32))
        self._steps = np.append(self._steps, np.zeros(more, np.int64))
        self.slots[columns] = slots[: len(columns)]
        self._steps[columns] = 0
        self.ring.grow(len(self.slots))
        self.sample.grow(len(self.slots))
        self._refused |= len(columns) < len(slots)
        return len(slots) - len(columns)

    def make_room(self) -> Int32:
        """Metrics [k] that gave up their columns: silent for a whole window, where others found none."""
        if not self._refused:
            return self.slots[:0]
        self._refused = False
        silent = np.flatnonzero(np.isnan(self.ring.rows).all(axis=0) & (self.slots != NOBODY))
        gone = self.slots[silent].copy()
        self.free(silent)
        return gone

    def free(self, columns: Int64) -> None:
        """These columns are nobody's from now on."""
        if len(columns):
            self.slots[columns] = NOBODY
            self.ring.clear(columns)
            self.sample.clear(columns)

    def open(self, time: int, incident: str) -> None:
        """An incident, unless it is the latest one still: it is marked, and a window of it is wanted."""
        if incident != self._incident:
            self._incident = incident
            self.mark(Mark(time, "incident", incident))
            self.wanted = [*self.wanted, (max(time, self.clock), incident)][-MOST_WANTED:]

    def mark(self, mark: Mark) -> None:
        """Remember what happened."""
        self.marks = sorted([*self.marks, mark])[-MOST_MARKS:]

    def until(self, end: int, columns: Int64) -> tuple[int, Float32, Float32]:
        """Start (ns), values [m, width] and quantiles of the past [m, 17] of a window that ends with the last whole
        step up to `end`, which is not before the newest step."""
        last = max(end // self.step, self.ring.newest)
        values = np.ascontiguousarray(self.ring.until(last)[:, columns].T)
        start = (last - self.ring.width) * self.step
        return start, values, quantiles_of(self.sample.rows[: self.sample.filled, columns].T)

    def parts(self) -> Iterable[str]:
        """Names of all its cells."""
        yield HEAD
        for name, rows in ((RING, self.ring.width), (PAST, SAMPLE)):
            yield from (f"{name}{block}" for block in range(blocks(rows)))

    def cells(self) -> Iterable[tuple[str, bytes | None]]:
        """What changed since the last call."""
        ring, sample = self.ring, self.sample
        facts = {
            "step": self.step, "begun": self.begun,
            "clock": self.clock, "used": self.used, "newest": ring.newest, "width": ring.width,
            "filled": sample.filled, "stride": sample.stride, "offered": sample.offered, "refused": self._refused,
            "marks": [[one.time, one.kind, one.name] for one in self.marks], "wanted": self.wanted,
            "incident": self._incident,
        }  # fmt: skip
        yield HEAD, pack({"slots": self.slots, "steps": self._steps}, **facts)
        for part, name in ((ring, RING), (sample, PAST)):
            for block in sorted(part.dirty):
                yield f"{name}{block}", pack({"rows": part.rows[block * BLOCK : (block + 1) * BLOCK]})
            part.dirty.clear()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """From all cells, by their names; where windows had another width then, as far as they go."""
        arrays, facts = unpack(cells[HEAD])
        self.slots, self._steps = arrays["slots"].copy(), arrays["steps"].copy()
        self.step, self.begun, self.clock, self.used = (facts[name] for name in ("step", "begun", "clock", "used"))
        self._refused, self._incident = facts["refused"], facts["incident"]
        self.marks = [Mark(*one) for one in facts["marks"]]
        self.wanted = [(int(end), str(incident)) for end, incident in facts["wanted"]]
        sample, width = self.sample, int(facts["width"])
        sample.filled, sample.stride, sample.offered = facts["filled"], facts["stride"], facts["offered"]
        sample.rows = self._rows(cells, PAST, SAMPLE)
        ring = Ring(width)
        ring.rows, ring.newest = self._rows(cells, RING, width), facts["newest"]
        ring.dirty, sample.dirty = set(), set()
        if width != self.ring.width:
            ring.width = self.ring.width
            ring.refit(max(self.step, 1), max(self.step, 1))
        self.ring = ring

    def _rows(self, cells: Mapping[str, bytes], name: str, rows: int) -> Float32:
        whole: Float32 = np.full((rows, len(self.slots)), np.nan, np.float32)
        for block in range(blocks(rows)):
            cell = cells.get(f"{name}{block}")
            if cell is not None:
                part = unpack(cell)[0]["rows"]
                whole[block * BLOCK : block * BLOCK + len(part), : part.shape[1]] = part
        return whole
