"""Windows of closed steps: which of them are due, by event time alone, and what they hold.

Windows of a source end at the multiples of `every` in its own time, and where an incident opened. One is due with the
first step that ends after it: what belongs into it is known then, and nothing that came later shows. So neither batches
nor the hour at which somebody looks matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from logwatch.errors import StateCorrupt
from logwatch.samples import Points, SeriesName
from logwatch.score.series.closed_steps import ClosedSteps
from logwatch.score.series.window_source import NOBODY, SourceWindow
from logwatch.telemetry import DROPPED
from logwatch.types import NO_TIME, Alert, Int32, Int64, Mark, MetricWindow

MOST_METRICS = 1024
"""Of one source."""

ROOM = 1 << 25
"""Numbers of all sources together (128 MiB): 4,000 sources of 32 metrics and 120 steps."""


class Windows:
    """The windows of every source.

    Args:
        width: steps of a window.
        every: their ends are its multiples, ns.
        source_name: of a source's number.
        series_name: of a series' slot.
        room: numbers of all sources; beyond it, those that were silent for longest begin anew.

    Attributes:
        on_window: sees every window as it becomes due, and the incident that it is of, if any; None: nobody does, and
            none is made.
    """

    def __init__(
        self, width: int, every: int, source_name: Callable[[int], str], series_name: Callable[[int], SeriesName],
        most_metrics: int = MOST_METRICS, room: int = ROOM,
    ) -> None:  # fmt: skip
        self.width, self.every, self.most_metrics, self.room = width, every, most_metrics, room
        self.on_window: Callable[[MetricWindow, str], None] | None = None
        self._source_name, self._series_name = source_name, series_name
        self._sources: dict[int, SourceWindow] = {}
        self._column: Int64 = np.zeros(0, np.int64)  # by slot; NOBODY: none
        self._rows: dict[int, tuple[tuple[str, ...], Int64]] = {}  # source -> names of its metrics, sorted; columns
        self._step = 0  # steps so far
        self._dirty: set[int] = set()
        self._saved: set[int] = set()
        self._gone: set[int] = set()

    def sources(self) -> list[int]:
        """Numbers of the sources that have a window."""
        return sorted(self._sources)

    def name(self, source: int) -> str:
        """Of a source."""
        return self._source_name(source)

    def span(self, source: int) -> tuple[int, int]:
        """From where to where steps of a source that has a window went, ns."""
        state = self._sources[source]
        return state.begun, state.clock

    def add(self, closed: ClosedSteps, members: Mapping[int, str] | None = None) -> None:
        """Steps in the order in which they closed; `members`: the incidents that some of them belong to, by row."""
        points, members = closed.scores.points, members or {}
        self._reach(points.slot)
        begin, end, after = closed.begin.tolist(), closed.end.tolist(), _late_runs(closed, members)
        row = 0
        while row < len(closed):
            run = points.take(slice(begin[row], end[after[row] - 1]))
            taken = self._take_late(run) if len(run) > 1 and after[row] > row + 1 else 0
            if not taken:
                self._take(points.take(slice(begin[row], end[row])), members.get(row))
            row += taken or 1

    def _take(self, points: Points, incident: str | None) -> None:
        """One step [m], and the incident that it belongs to."""
        source, time, step = int(points.source[0]), int(points.time[0]), int(points.step[0])
        state = self._state(source)
        self._step += 1
        state.used = self._step
        if time > state.clock:
            self._due(source, state, time)
            state.begun, state.clock = state.begun or time - step, time
        columns = self._columns(source, state, points.slot)
        known = columns >= 0
        some = slice(None) if known.all() else known
        if known.any():
            state.take(time, step, columns[some], points.value[some])
        if incident is not None:
            state.open(time, incident)

    def _take_late(self, points: Points) -> int:
        """Late points [m] of one source, as many as can be taken at once; returns how many."""
        source, columns = int(points.source[0]), self._column[points.slot]
        known = int((columns < 0).argmax()) if (columns < 0).any() else len(columns)
        state = self._sources.get(source)
        if state is None or not known or not state.take_late(points.take(slice(0, known)), columns[:known]):
            return 0
        self._dirty.add(source)
        self._step += known
        state.used = self._step
        return known

    def want(self, alerts: Iterable[Alert]) -> None:
        """Incidents that opened, for another reason than metrics: those come with their steps."""
        for alert in alerts:
            if alert.state == "open" and alert.kind != "metric" and alert.last != NO_TIME:
                numbers = (number for number in self._sources if self._source_name(number) == alert.source)
                number = next(numbers, None)
                if number is not None:
                    self._sources[number].open(alert.last, alert.incident)
                    self._dirty.add(number)

    def mark(self, source: int, mark: Mark) -> None:
        """Something happened beside the metrics of a source that has a window."""
        self._sources[source].mark(mark)
        self._dirty.add(source)

    def latest(self, source: int) -> MetricWindow | None:
        """The window that ends with a source's newest step; None where it has none yet."""
        state = self._sources.get(source)
        return None if state is None or not state.step else self._window(source, state, state.clock)

    def _reach(self, slots: Int32) -> None:
        more = int(slots.max(initial=-1)) + 1 - len(self._column)
        if more > 0:
            self._column = np.append(self._column, np.full(max(more, len(self._column)), NOBODY))

    def _state(self, source: int) -> SourceWindow:
        self._dirty.add(source)
        if source not in self._sources:
            self._sources[source] = SourceWindow(self.width, self.most_metrics)
        return self._sources[source]

    def _columns(self, source: int, state: SourceWindow, slots: Int32) -> Int64:
        """Columns [m] of metrics in slots [m]; NOBODY where there is no more room."""
        columns = self._column[slots]
        if (columns < 0).any():
            refused = state.admit(slots[columns < 0])
            if refused:
                DROPPED.inc(refused, reason="heatmap_metrics")
            self._place(source, state)
            columns = self._column[slots]
        return columns

    def _place(self, source: int, state: SourceWindow) -> None:
        used = np.flatnonzero(state.slots != NOBODY)
        self._column[state.slots[used]] = used
        self._rows.pop(source, None)

    def _due(self, source: int, state: SourceWindow, time: int) -> None:
        """Windows that end before a step, and not before the one before it."""
        wanted = [one for one in state.wanted if one[0] < time]
        if wanted:
            state.wanted = [one for one in state.wanted if one[0] >= time]
        if self.on_window is None or not state.step:
            return
        for end, incident in wanted:
            self.on_window(self._window(source, state, max(end, state.clock)), incident)
        first = -(-state.clock // self.every)
        last = -(-time // self.every) - 1
        seen = (state.clock + (self.width - 1) * state.step) // self.every  # after it, the window would be empty
        for end in range(first, min(last, seen) + 1):
            self.on_window(self._window(source, state, end * self.every), "")

    def _window(self, source: int, state: SourceWindow, end: int) -> MetricWindow:
        names, columns = self._named(source, state)
        start, values, past = state.until(end, columns)
        stop = start + self.width * state.step
        marks = tuple(mark for mark in state.marks if start <= mark.time <= stop)
        return MetricWindow(self._source_name(source), names, start, state.step, values, past, marks)

    def _named(self, source: int, state: SourceWindow) -> tuple[tuple[str, ...], Int64]:
        if source not in self._rows:
            used = np.flatnonzero(state.slots != NOBODY).tolist()
            named = sorted((str(self._series_name(int(state.slots[column]))), column) for column in used)
            self._rows[source] = tuple(name for name, _ in named), np.array([at for _, at in named], np.int64)
        return self._rows[source]

    def release(self, slots: Int32) -> None:
        """Slots [k] are no series any more; at a chunk's end."""
        if not len(slots):
            return
        for source, state in self._sources.items():
            columns = np.flatnonzero(np.isin(state.slots, slots) & (state.slots != NOBODY))
            if len(columns):
                state.free(columns)
                self._forget(source, slots)

    def _forget(self, source: int, slots: Int32) -> None:
        self._reach(slots)
        self._column[slots] = NOBODY
        self._rows.pop(source, None)
        self._dirty.add(source)

    def bound(self) -> None:
        """At a chunk's end: silent metrics make room for others, and sources beyond the room begin anew."""
        filled = 0
        for source, state in self._sources.items():
            gone = state.make_room()
            if len(gone):
                self._forget(source, gone)
            filled += state.size
        if filled <= self.room:
            return
        for source in sorted(self._sources, key=lambda one: self._sources[one].used):
            state = self._sources.pop(source)
            self._forget(source, state.slots[state.slots != NOBODY])
            self._dirty.discard(source)
            self._gone.add(source)
            DROPPED.inc(reason="heatmap_sources")
            filled -= state.size
            if filled <= self.room:
                return

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Of each source that changed: its head, and the blocks of steps that did."""
        for source in sorted((self._gone & self._saved) - set(self._sources)):
            for name in SourceWindow(self.width, 0).parts():
                yield f"{source:x}/{name}", None
        for source in sorted(self._dirty):
            for name, cell in self._sources[source].cells():
                yield f"{source:x}/{name}", cell
        self._saved = (self._saved - self._gone) | self._dirty
        self._gone, self._dirty = set(), set()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`. Raises StateCorrupt."""
        of: dict[int, dict[str, bytes]] = {}
        for name, cell in cells.items():
            source, part = name.split("/")
            of.setdefault(int(source, 16), {})[part] = cell
        for number in sorted(of):
            state = self._sources[number] = SourceWindow(self.width, self.most_metrics)
            try:
                state.restore(of[number])
            except (KeyError, TypeError, ValueError) as error:
                raise StateCorrupt(f"the cells of the window of source {number} do not fit together") from error
            self._reach(state.slots)
            self._place(number, state)
        self._step = max((state.used for state in self._sources.values()), default=0)
        self._saved = set(self._sources)


def _late_runs(closed: ClosedSteps, members: Mapping[int, str]) -> list[int]:
    """The row [m] after the run of late points of one source that each is in, without an incident; else the next."""
    if closed.late is None or not closed.late.any():
        return list(range(1, len(closed) + 1))
    late, source = closed.late.copy(), closed.scores.points.source[closed.begin]
    late[list(members)] = False
    head = np.append(True, (late[1:] != late[:-1]) | (source[1:] != source[:-1]))
    after = np.append(np.flatnonzero(head)[1:], len(late))
    found: list[int] = np.where(late, after[np.cumsum(head) - 1], np.arange(1, len(late) + 1)).tolist()
    return found
