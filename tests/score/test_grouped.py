"""Segmented operations against loops."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from logwatch.score.grouped import Groups, distinct, scan, segment_begin

KEYS = st.lists(st.integers(0, 5), min_size=1, max_size=60)


@given(KEYS)
def test_groups_keep_stream_order_inside_each_group(keys: list[int]) -> None:
    groups = Groups(np.array(keys, dtype=np.int32))
    assert groups.order.tolist() == sorted(range(len(keys)), key=lambda row: (keys[row], row))
    assert groups.keys.tolist() == sorted(set(keys))
    assert groups.first.tolist() == [keys.index(key) for key in sorted(set(keys))]
    assert groups.last.tolist() == [len(keys) - 1 - keys[::-1].index(key) for key in sorted(set(keys))]
    assert groups.counts.tolist() == [keys.count(key) for key in sorted(set(keys))]
    assert [keys[row] for row in groups.order] == groups.keys[groups.group].tolist()
    values = np.arange(len(keys)) * 3
    assert groups.ungroup(values[groups.order]).tolist() == values.tolist()


def test_no_rows_are_no_groups() -> None:
    assert len(Groups(np.zeros(0, dtype=np.int32))) == 0


@given(KEYS)
def test_before_is_the_groups_previous_row_or_what_was_stored(keys: list[int]) -> None:
    groups = Groups(np.array(keys))
    rows = np.arange(len(keys))
    before = groups.ungroup(groups.before(rows, -1 - groups.keys)).tolist()
    stored = {key: -1 - key for key in keys}
    for row, key in enumerate(keys):
        assert before[row] == stored[key]
        stored[key] = row


@given(KEYS, st.data())
def test_sums_are_the_groups(keys: list[int], data: st.DataObject) -> None:
    numbers = data.draw(st.lists(st.integers(0, 9), min_size=len(keys), max_size=len(keys)))
    groups = Groups(np.array(keys))
    sums = {key: sum(n for k, n in zip(keys, numbers, strict=True) if k == key) for key in keys}
    assert dict(zip(groups.keys.tolist(), groups.sums(np.array(numbers)).tolist(), strict=True)) == sums


def test_no_rows_have_no_sums() -> None:
    assert Groups(np.zeros(0, np.int64)).sums(np.zeros(0, np.int64)).tolist() == []


@given(st.lists(st.integers(-6, 5), max_size=60))
def test_each_number_has_one_row_and_all_its_rows_know_it(numbers: list[int]) -> None:
    one, row = distinct(np.array(numbers, np.int64), 6)
    assert [numbers[i] % 6 for i in one[row]] == [number % 6 for number in numbers]
    assert sorted(numbers[i] % 6 for i in one) == sorted({number % 6 for number in numbers})


@given(st.lists(st.tuples(st.floats(0, 9, width=32) | st.just(np.nan), st.booleans()), min_size=1, max_size=70))
def test_scan_is_a_running_maximum_that_starts_anew_with_each_segment(rows: list[tuple[float, bool]]) -> None:
    values, starts = np.array([row[0] for row in rows], np.float32), np.array([row[1] for row in rows])
    starts[0] = True
    got = scan(np.fmax, values, segment_begin(starts))
    best = np.float32(np.nan)
    for i, value in enumerate(values):
        best = value if starts[i] else np.fmax(best, value)
        np.testing.assert_equal(got[i], best)
