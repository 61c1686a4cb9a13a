"""The trusted time of a source: exact in stream order, and moved by no absurd line."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.errors import StateCorrupt
from logwatch.parse.civil import DAY, SECOND
from logwatch.parse.clock import SourceClocks
from logwatch.parse.partial import DATELESS, YEARLESS, Partial
from logwatch.types import NO_TIME, Flag

NOW = 1_795_000_000 * SECOND
HOUR = 3600 * SECOND

Row = tuple[int, int, int, int]  # source, kind, day, ns: a whole time, where the kind is 0, is `ns`


def whole(*times: int | None, source: int = 0) -> list[Row]:
    return [(source, 0, 0, NO_TIME if t is None else t) for t in times]


def go(clocks: SourceClocks, rows: list[Row], now: int = NOW) -> list[tuple[int, int, int]]:
    source = np.array([row[0] for row in rows], dtype=np.int32)
    kind = np.array([row[1] for row in rows], dtype=np.uint8)
    ns = np.array([row[3] for row in rows], dtype=np.int64)
    own = np.where(kind == 0, ns, NO_TIME)
    day = np.array([row[2] for row in rows], dtype=np.int64)
    partial = Partial(kind, day, np.where(kind > 0, ns, 0), np.zeros(len(rows), dtype=np.int64))
    result = clocks.advance(source, own, partial, now)
    return list(zip(result.time.tolist(), result.high.tolist(), result.flags.tolist(), strict=True))


def test_live_a_time_more_than_five_minutes_ahead_takes_the_previous_one() -> None:
    rows = whole(NOW - HOUR, NOW + 299 * SECOND, NOW + 301 * SECOND, NOW + 99 * 365 * DAY, NOW)
    result = go(SourceClocks(), rows)
    assert [t for t, _, _ in result] == [NOW - HOUR, *[NOW + 299 * SECOND] * 3, NOW]
    assert [f for _, _, f in result] == [0, 0, Flag.UNTRUSTED_TIME, Flag.UNTRUSTED_TIME, 0]
    assert result[-1][1] == NOW + 299 * SECOND


def test_lines_without_a_time_take_the_previous_one() -> None:
    result = go(SourceClocks(), whole(None, NOW - 9, None, NOW - 5, None))
    assert [t for t, _, _ in result] == [NO_TIME, NOW - 9, NOW - 9, NOW - 5, NOW - 5]
    assert [f for _, _, f in result] == [Flag.NO_TIME, 0, Flag.NO_TIME, 0, Flag.NO_TIME]
    assert [h for _, h, _ in result] == [NO_TIME, NOW - 9, NOW - 9, NOW - 5, NOW - 5]


@pytest.mark.parametrize("finished", [False, True])
def test_times_may_go_back_and_move_no_clock(finished: bool) -> None:
    clocks = SourceClocks(finished)
    go(clocks, whole(*[NOW - DAY] * 4))
    assert go(clocks, whole(NOW - 90 * DAY, 0)) == [(NOW - 90 * DAY, NOW - DAY, 0), (0, NOW - DAY, 0)]


def steady(count: int, begin: int = NOW - 900 * DAY) -> list[int]:
    return [begin + i * SECOND for i in range(count)]


@pytest.mark.parametrize("absurd", [NOW + 70 * 365 * DAY, 0, NOW])
def test_finished_one_absurd_line_moves_no_clock(absurd: int) -> None:
    times = steady(30)
    for at in (0, 1, 3, 4, 5, 20):
        rows = whole(*times[:at], absurd, *times[at:])
        high = [h for _, h, _ in go(SourceClocks(finished=True), rows)]
        assert high[-1] == times[-1]
        assert max(high) == times[-1]


def test_finished_a_jump_is_untrusted_until_three_lines_follow_it() -> None:
    clocks = SourceClocks(finished=True)
    before = steady(10)
    go(clocks, whole(*before))
    later = [before[-1] + 5 * HOUR + i * SECOND for i in range(5)]
    result = go(clocks, whole(*later))
    untrusted = (before[-1], before[-1], int(Flag.UNTRUSTED_TIME))
    assert result == [*[untrusted] * 3, (later[3], later[2], 0), (later[4], later[4], 0)]


def test_finished_a_line_at_the_old_time_withdraws_a_jump() -> None:
    clocks = SourceClocks(finished=True)
    old = steady(60)
    go(clocks, whole(*old[:10]))
    rows = whole(*[t + 5 * HOUR if i % 2 else t for i, t in enumerate(old[10:])])
    assert max(h for _, h, _ in go(clocks, rows)) <= old[-1]


def test_finished_a_source_that_speaks_every_two_hours_is_believed_once_it_did() -> None:
    times = [NOW - 900 * DAY + i * 2 * HOUR for i in range(40)]
    result = go(SourceClocks(finished=True), whole(*times))
    assert [f for _, _, f in result] == [0] * 40
    assert [h for _, h, _ in result][4:] == times[4:]


def test_sources_do_not_touch_each_other() -> None:
    clocks = SourceClocks(finished=True)
    a, b = steady(20), steady(20, NOW - 2 * DAY)
    rows = [row for pair in zip(whole(*a), whole(*b, source=700), strict=True) for row in pair]
    result = go(clocks, rows)
    assert result[-2][:2] == (a[-1], a[-1])
    assert result[-1][:2] == (b[-1], b[-1])


STEPS = st.sampled_from(
    [0, 1, SECOND, 60 * SECOND, 50 * 60 * SECOND,
     2 * HOUR, 7 * HOUR, 60 * DAY, -SECOND, -3 * HOUR, -400 * DAY, 9000 * DAY]
)  # fmt: skip


@st.composite
def streams(draw: st.DrawFn) -> list[Row]:
    now = {source: NOW - 2000 * DAY for source in (0, 1, 300)}
    rows: list[Row] = []
    for _ in range(draw(st.integers(1, 60))):
        source = draw(st.sampled_from([0, 0, 1, 300]))
        kind = draw(st.sampled_from([0, 0, 0, YEARLESS, DATELESS]))
        time = now[source] + draw(STEPS)
        if draw(st.booleans()):
            now[source] = time
        if kind == 0:
            rows.append((source, 0, 0, draw(st.sampled_from([time, time, time, NO_TIME]))))
        else:
            date = np.datetime64(time, "ns").astype("M8[D]").item()
            rows.append((source, kind, date.month * 100 + date.day, time % DAY))
    return rows


@settings(max_examples=80)
@given(streams(), st.booleans(), st.lists(st.integers(1, 60), max_size=6), st.integers(0, 60))
def test_any_split_and_any_restart_give_the_same(
    rows: list[Row], finished: bool, cuts: list[int], restart: int
) -> None:
    at_once = go(SourceClocks(finished), rows)
    one_by_one, parts = SourceClocks(finished), SourceClocks(finished)
    assert [go(one_by_one, [row])[0] for row in rows] == at_once
    cells: dict[str, bytes] = {}
    result = []
    edges = sorted({0, len(rows), *(c for c in cuts if c < len(rows))})
    for begin, end in itertools.pairwise(edges):
        result += go(parts, rows[begin:end])
        if restart % 2 or begin == 0:
            cells.update({name: cell for name, cell in parts.changes() if cell is not None})
            parts = SourceClocks(finished)
            parts.restore(cells)
            restart //= 2
        else:
            cells.update({name: cell for name, cell in parts.changes() if cell is not None})
    assert result == at_once


@settings(max_examples=50)
@given(streams(), st.booleans())
def test_a_clock_never_falls(rows: list[Row], finished: bool) -> None:
    result = go(SourceClocks(finished), rows)
    for source in {row[0] for row in rows}:
        high = [h for row, (_, h, _) in zip(rows, result, strict=True) if row[0] == source]
        assert high == sorted(high)


def test_only_blocks_that_heard_a_line_are_written() -> None:
    clocks = SourceClocks()
    go(clocks, whole(NOW, source=5000) + whole(NOW, source=3))
    assert [name for name, _ in clocks.changes()] == ["clock/000000", "clock/000019"]
    assert list(clocks.changes()) == []


def test_a_cell_of_another_version_is_refused() -> None:
    with pytest.raises(StateCorrupt):
        SourceClocks().restore({"clock/000000": b'{"v": 2}\n'})
