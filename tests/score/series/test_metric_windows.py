"""Windows of closed steps: due by event time alone, the same however they came, and blind to what comes later."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.errors import StateCorrupt
from logwatch.heatmap.past import quantiles_of
from logwatch.samples import Points, SeriesName
from logwatch.score.series.closed_steps import ClosedSteps, Scores
from logwatch.score.series.window_columns import MOST_STRIDE, SAMPLE, Ring, Sample
from logwatch.score.series.windows import Windows
from logwatch.types import NO_TIME, Alert, Mark, MetricWindow

SECOND = 10**9
WIDTH = 16
START = 1_790_000_000

Step = tuple[int, int, int, dict[int, float]]
"""Source, end in seconds, length in seconds, values by slot."""


def closed(steps: Sequence[Step]) -> ClosedSteps:
    rows = [(source, end, step, slot, value) for source, end, step, values in steps for slot, value in values.items()]
    source, end, step, slot, value = np.array(rows, np.float64).reshape(-1, 5).T
    none = np.zeros(len(rows), np.int64)
    points = Points(
        source.astype(np.int32), source.astype(np.int32), slot.astype(np.int32), (end * SECOND).astype(np.int64),
        (step * SECOND).astype(np.int64), value, none, none,
    )  # fmt: skip
    empty = np.full(len(rows), np.nan)
    scores = Scores(points, np.zeros((len(rows), 0), np.float32), empty.astype(np.float32), empty, empty)
    ends = np.cumsum([len(values) for *_, values in steps])
    return ClosedSteps(scores, np.append(0, ends[:-1])[: len(ends)], ends)


class Run:
    """Windows, and everything that they told."""

    def __init__(self, every: int = 60, width: int = WIDTH, names: str = "cpu{slot}", **bounds: int) -> None:
        self.told: list[tuple[MetricWindow, str]] = []
        self.windows = Windows(
            width, every * SECOND, lambda n: f"source{n}", lambda slot: SeriesName(names.format(slot=slot)), **bounds
        )
        self.windows.on_window = lambda window, incident: self.told.append((window, incident))

    def feed(
        self, steps: Sequence[Step], sizes: Iterator[int] | None = None, opened: Mapping[int, str] | None = None
    ) -> Run:
        """Steps, in parts of some sizes; `opened` counts rows of the whole."""
        at, opened = 0, opened or {}
        while at < len(steps):
            size = len(steps) if sizes is None else next(sizes)
            mine = {row - at: name for row, name in opened.items() if at <= row < at + size}
            self.windows.add(closed(steps[at : at + size]), mine)
            at += size
        return self

    def ends(self) -> list[int]:
        return [window.end // SECOND for window, _ in self.told]


def same(one: Sequence[tuple[MetricWindow, str]], other: Sequence[tuple[MetricWindow, str]]) -> None:
    assert len(one) == len(other)
    for (a, incident), (b, told) in zip(one, other, strict=True):
        assert (a.source, a.metrics, a.start, a.step, a.marks, incident) == (
            b.source, b.metrics, b.start, b.step, b.marks, told,
        )  # fmt: skip
        np.testing.assert_array_equal(a.values, b.values)
        np.testing.assert_array_equal(a.past, b.past)


def stream(seed: int, steps: int = 400, sources: int = 3) -> list[Step]:
    """Sources with steps of their own, metrics that come and go, gaps, belated points and missing values."""
    rng = random.Random(seed)
    clock, made = dict.fromkeys(range(sources), START), list[Step]()
    for _ in range(steps):
        source = rng.randrange(sources)
        length = (1, 10, 10, 15)[source % 4]
        clock[source] += length * (rng.choice([1] * 20 + [5, 40]))
        slots = [10 * source + one for one in range(rng.choice([2, 3, 3, 3, 5]))]
        values = {slot: rng.gauss(slot, 1) if rng.random() > 0.05 else float("nan") for slot in slots}
        made.append((source, clock[source], length, values))
        if rng.random() < 0.1:
            late = clock[source] - length * rng.randint(1, 30)
            made.append((source, late, length, {10 * source: rng.gauss(0, 1)}))
        if rng.random() < 0.05:
            made.append((source, clock[source], 60, {10 * source + 9: rng.random()}))
    return made


def test_windows_end_at_multiples_in_event_time_once_a_later_step_came() -> None:
    run = Run(every=60)
    steps: list[Step] = [(0, START + 10 * n, 10, {0: float(n)}) for n in range(20)]
    first = -(-START // 60) * 60
    before = [step for step in steps if step[1] <= first]
    run.feed(before)
    assert run.told == []
    run.feed(steps[len(before) :])
    assert run.ends() == [end - end % 10 for end in range(first, START + 190, 60)]
    for window, _ in run.told:
        value = window.values[0, -1]
        assert START + 10 * value == window.end // SECOND


def test_columns_are_the_steps_up_to_the_end_and_rows_stand_by_name() -> None:
    run = Run(every=10)
    run.feed([(0, START + 10 * n, 10, {5: 1.0 * n, 3: -1.0 * n, 11: 0.5}) for n in range(4)])
    window = run.windows.latest(0)
    assert window is not None
    assert window.metrics == ("cpu11", "cpu3", "cpu5")  # as texts are sorted
    assert window.end == (START + 30) * SECOND
    assert window.values.shape == (3, WIDTH)
    assert np.isnan(window.values[:, : WIDTH - 4]).all()
    np.testing.assert_array_equal(window.values[1, -4:], [0, -1, -2, -3])
    assert window.past is not None
    assert np.isnan(window.past).all()


@pytest.mark.parametrize("seed", range(4))
def test_neither_batches_nor_restarts_matter(seed: int) -> None:
    steps, opened = stream(seed), {17: "first", 90: "second", 91: "third", 300: "last"}
    whole = Run().feed(steps, opened=opened)
    assert len(whole.told) > 20
    assert {incident for _, incident in whole.told} >= {"first", "second", "third"}
    for size in (1, 7):
        same(Run().feed(steps, iter([size] * 999), opened).told, whole.told)
    rng, cells, at, told = random.Random(seed), dict[str, bytes](), 0, []
    while at < len(steps):
        run, size = Run(), rng.randint(1, 120)
        run.windows.restore(cells)
        run.feed(steps[at : at + size], opened={row - at: name for row, name in opened.items() if row >= at})
        changes = list(run.windows.changes())
        names = [name for name, _ in changes]
        assert len(names) == len(set(names))
        cells |= {name: cell for name, cell in changes if cell is not None}
        told += run.told
        at += size
    same(told, whole.told)


def test_what_comes_later_changes_nothing_before() -> None:
    steps = stream(7)
    whole = Run().feed(steps).told
    for cut in (50, 200, 350):
        part = Run().feed(steps[:cut]).told
        same(part, whole[: len(part)])


@given(st.permutations([0, 1, 2, 3]), st.integers(0, 3))
@settings(max_examples=20)
def test_the_order_of_metrics_in_their_steps_does_not_matter(order: list[int], turn: int) -> None:
    steps: list[Step] = [(0, START + 10 * n, 10, {slot: slot + 0.1 * n for slot in range(4)}) for n in range(30)]
    mixed = [(s, t, d, {slot: v[slot] for slot in (order if n % 4 == turn else range(4))}) for n, (s, t, d, v) in
             enumerate(steps)]  # fmt: skip
    same(Run().feed(mixed).told, Run().feed(steps).told)


def test_the_past_is_what_left_the_window_and_none_of_its_own_values() -> None:
    run = Run(every=10)
    run.feed([(0, START + 10 * n, 10, {0: float(n)}) for n in range(100)])
    window, _ = run.told[-1]
    oldest = window.values[0, 0]
    assert window.past is not None
    np.testing.assert_array_equal(window.past[0], quantiles_of(np.arange(oldest, dtype=np.float32)[None])[0])


def test_an_incident_has_a_window_of_its_own_and_a_mark_in_the_later_ones() -> None:
    run = Run(every=60)
    steps: list[Step] = [(0, START + 10 * n, 10, {0: float(n)}) for n in range(30)]
    run.feed(steps, opened={12: "deadbeef"})
    ((window, _),) = [one for one in run.told if one[1]]
    assert window.end == (START + 120) * SECOND
    assert window.values[0, -1] == 12
    mark = Mark((START + 120) * SECOND, "incident", "deadbeef")
    assert window.marks == (mark,)
    for later, incident in run.told:
        assert incident or (mark in later.marks) == (later.start <= mark.time <= later.end)
    before = [window for window, incident in run.told if not incident and window.end <= mark.time]
    assert before
    assert all(mark not in window.marks for window in before if window.end < mark.time)


def alert(source: str, time: int, incident: str, state: str = "open", kind: str = "event") -> Alert:
    return Alert(
        incident, incident, state, "warning", source, "", None, kind, "new", time, time, 1, 9.0, 1e-9, False, (), (),
        (), (), -1, "", {}, "",
    )  # fmt: skip


def test_an_incident_of_lines_has_a_window_too_once_a_later_step_closed() -> None:
    run = Run(every=3600)
    run.feed([(0, START + 10, 10, {0: 1.0})])
    at = (START + 13) * SECOND
    run.windows.want([
        alert("source0", at, "lines"), alert("source0", NO_TIME, "timeless"), alert("nobody", at, "other"),
        alert("source0", at, "goes on", state="update"), alert("source0", at, "of metrics", kind="metric"),
    ])  # fmt: skip
    assert run.told == []
    run.feed([(0, START + 20 + 10 * n, 10, {0: 2.0}) for n in range(3)], opened={1: "lines"})
    ((window, incident),) = run.told  # its metrics join it, and open nothing
    assert incident == "lines"
    assert window.end == (START + 10) * SECOND
    assert window.values[0, -1] == 1.0


def test_a_jump_in_time_makes_no_windows_without_a_value() -> None:
    run = Run(every=10)
    run.feed([(0, START, 10, {0: 1.0}), (0, START + 10**7, 10, {0: 2.0})])
    assert 0 < len(run.told) <= WIDTH
    assert all(~np.isnan(window.values).all() for window, _ in run.told)


def test_the_grid_is_that_of_most_metrics_and_longer_steps_fill_what_they_cover() -> None:
    run, base = Run(every=60), START - START % 60
    for n in range(1, 13):
        run.feed([(0, base + 10 * n, 10, {0: float(n), 1: 1.0})])
        if n % 3 == 0:
            run.feed([(0, base + 10 * n, 30, {2: float(n)})])
    window = run.windows.latest(0)
    assert window is not None
    assert window.step == 10 * SECOND
    np.testing.assert_array_equal(window.values[2, -6:], [9, 9, 9, 12, 12, 12])
    run.feed([(0, base + 121 + n, 1, {slot: float(n) for slot in (0, 1, 2)}) for n in range(20)])
    finer = run.windows.latest(0)
    assert finer is not None
    assert finer.step == SECOND
    np.testing.assert_array_equal(finer.values[0], np.arange(20 - WIDTH, 20))


def test_a_change_of_the_grid_keeps_what_was_there() -> None:
    ring = Ring(8)
    ring.grow(1)
    for bin_ in range(100, 108):
        ring.advance(bin_)
        ring.put(bin_, bin_, np.array([0]), np.array([bin_], np.float32))
    ring.refit(10, 20)
    np.testing.assert_array_equal(ring.until(54)[-4:, 0], [102, 104, 106, np.nan])
    ring.refit(20, 10)
    np.testing.assert_array_equal(ring.until(ring.newest)[:, 0], [102, 102, 104, 104, 106, 106, np.nan, np.nan])


def test_the_sample_of_the_past_reaches_back_evenly_and_is_bounded() -> None:
    sample = Sample()
    sample.grow(1)
    for n in range(200):
        sample.offer(np.full((1, 1), n, np.float32))
    kept = np.sort(sample.rows[: sample.filled, 0])
    np.testing.assert_array_equal(kept, np.arange(0, 200, 2))
    for n in range(200, 3 * SAMPLE * MOST_STRIDE):
        sample.offer(np.full((1, 1), n, np.float32))
    kept = np.sort(sample.rows[: sample.filled, 0])
    assert len(kept) == SAMPLE
    np.testing.assert_array_equal(np.diff(kept), MOST_STRIDE)


def test_metrics_beyond_the_bound_are_refused_until_others_are_gone() -> None:
    run = Run(most_metrics=4)
    run.feed([(0, START + 10, 10, dict.fromkeys(range(6), 1.0))])
    window = run.windows.latest(0)
    assert window is not None
    assert window.metrics == ("cpu0", "cpu1", "cpu2", "cpu3")
    run.feed([(0, START + 10 * n, 10, {4: 1.0, 3: 2.0}) for n in range(2, 40)])
    run.windows.bound()
    run.feed([(0, START + 400, 10, {4: 7.0, 3: 2.0})])
    window = run.windows.latest(0)
    assert window is not None
    assert window.metrics == ("cpu3", "cpu4")
    np.testing.assert_array_equal(window.values[1, -2:], [np.nan, 7.0])


def test_series_that_are_gone_leave_nothing_to_the_next_in_their_slot() -> None:
    run = Run()
    run.feed([(0, START + 10 * n, 10, {0: 1.0, 1: 2.0}) for n in range(40)])
    run.windows.release(np.array([1], np.int32))
    window = run.windows.latest(0)
    assert window is not None
    assert window.metrics == ("cpu0",)
    run.feed([(0, START + 400, 10, {1: 9.0})])
    window = run.windows.latest(0)
    assert window is not None
    assert np.count_nonzero(~np.isnan(window.values[1])) == 1
    assert window.past is not None
    assert np.isnan(window.past[1]).all()


def test_sources_beyond_the_room_begin_anew_and_leave_no_cells() -> None:
    run = Run(room=3 * (WIDTH + SAMPLE))
    for source in range(5):
        run.feed([(source, START + 10, 10, {source: 1.0})])
    saved = {name for name, cell in run.windows.changes() if cell is not None}
    run.windows.bound()
    assert run.windows.sources() == [2, 3, 4]
    gone = {name for name, cell in run.windows.changes() if cell is None}
    assert gone == {name for name in saved if name.startswith(("0/", "1/"))}
    run.feed([(0, START + 30, 10, {0: 5.0})])
    window = run.windows.latest(0)
    assert window is not None
    assert np.count_nonzero(~np.isnan(window.values)) == 1


def test_another_width_after_a_restart_keeps_the_newest_steps() -> None:
    run = Run(width=32)
    run.feed([(0, START + 10 * n, 10, {0: float(n)}) for n in range(50)])
    cells = {name: cell for name, cell in run.windows.changes() if cell is not None}
    for width in (16, 64):
        other = Run(width=width)
        other.windows.restore(cells)
        window = other.windows.latest(0)
        assert window is not None
        kept = min(width, 32)
        np.testing.assert_array_equal(window.values[0, -kept:], np.arange(50 - kept, 50))


def test_cells_that_do_not_fit_together_are_corrupt() -> None:
    run = Run()
    run.feed([(0, START + 10, 10, {0: 1.0})])
    cells = {name: cell for name, cell in run.windows.changes() if cell is not None}
    cells["0/ring0"] = cells["0/head"]
    with pytest.raises(StateCorrupt):
        Run().windows.restore(cells)


def test_windows_that_nobody_sees_are_not_made_and_change_nothing() -> None:
    steps, unseen, seen = stream(3), Run(), Run()
    unseen.windows.on_window = None
    for run in (unseen, seen):
        run.feed(steps, opened={30: "x"})
    assert dict(unseen.windows.changes()) == dict(seen.windows.changes())


@settings(max_examples=30)
@given(st.integers(0, 2**20))
def test_late_points_taken_together_leave_what_those_taken_one_by_one_leave(seed: int) -> None:
    dice = random.Random(seed)
    steps: list[Step] = [(0, START // 10 * 10 + 10 * k, 10, {s: dice.random() for s in range(4)}) for k in range(40)]
    late: list[Step] = []
    for _ in range(60):
        slot, length = dice.randrange(9), dice.choice((10, 10, 10, 10, 20))
        late.append((0, START // 20 * 20 + 20 * dice.randrange(19), length, {slot: dice.random()}))
    whole = closed(steps + late)
    whole.late = np.arange(len(whole)) >= len(steps)
    at_once, one_by_one = Run(most_metrics=7), Run(most_metrics=7)
    at_once.windows.add(whole, {len(steps) + 30: "an incident"})
    for row in range(len(whole)):
        one_by_one.windows.add(whole.part(slice(row, row + 1)), {0: "an incident"} if row == len(steps) + 30 else None)
    same(at_once.told, one_by_one.told)
    assert dict(at_once.windows.changes()) == dict(one_by_one.windows.changes())
