"""The hash table behind the detectors: exact while there is room, bounded beyond, and saved by the page."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.score.detectors.table import WAYS, HashTable


def keys(numbers: list[int]) -> np.ndarray:
    return np.array(numbers, dtype=np.uint64) + np.uint64(1)


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(0, 5000), min_size=1, max_size=200), min_size=1, max_size=12))
def test_it_counts_like_a_dict_while_there_is_room(chunks: list[list[int]]) -> None:
    table, truth = HashTable(np.float32, limit=1 << 16), {}
    for number, chunk in enumerate(chunks, 1):
        at = table.learn(keys(chunk), number)
        assert (at >= 0).all()
        np.add.at(table.values, at, 1)
        for key in chunk:
            truth[key] = truth.get(key, 0) + 1
    assert len(table) == len(truth)
    at = table.find(keys(list(truth)))
    assert table.values[at].tolist() == list(truth.values())
    assert (table.find(keys([5001, 5002])) == -1).all()


def test_a_full_table_stays_at_its_limit_and_forgets_the_least_recently_learned() -> None:
    table = HashTable(np.float32, limit=1024)
    hot = keys(list(range(10**6, 10**6 + 50)))
    for chunk in range(1, 60):
        table.learn(hot, 2 * chunk)
        table.learn(keys(list(range(chunk * 200, chunk * 200 + 200))), 2 * chunk + 1)
    assert len(table) <= 1024
    # A bucket of 8 drops a hot key only where 8 newer ones met in it within one round.
    assert np.count_nonzero(table.find(hot) >= 0) >= 48
    assert np.count_nonzero(table.find(keys(list(range(200, 400)))) >= 0) == 0


def test_more_new_keys_than_a_bucket_has_ways_are_refused_not_mixed_up() -> None:
    table = HashTable(np.float32, limit=1024)
    many = keys(list(range(20_000)))
    at = table.learn(many, 1)
    kept = at[at >= 0]
    assert len(np.unique(kept)) == len(kept) <= 128 * WAYS
    assert (table.find(many) == at).all()


@settings(max_examples=20)
@given(st.lists(st.lists(st.integers(0, 9000), min_size=1, max_size=900), min_size=1, max_size=6))
def test_pages_that_changed_are_enough_to_rebuild_it(chunks: list[list[int]]) -> None:
    table, cells = HashTable(np.float32, limit=1 << 14), {}
    for number, chunk in enumerate(chunks, 1):
        at = table.learn(keys(chunk), number)
        table.values[at[at >= 0]] += 1
        table.stamps[at[at >= 0]] = number
        cells.update(table.changes("t/"))
    again = HashTable(np.float32, limit=1 << 14)
    again.restore("t/", cells)
    every = keys(list(range(9001)))
    at = table.find(every)
    assert (again.find(every) == at).all()
    assert (again.values == table.values).all()
    assert (again.stamps == table.stamps).all()
    assert len(again) == len(table)


def test_a_commit_after_a_small_chunk_is_small() -> None:
    table = HashTable(np.float32)
    table.learn(keys(list(range(40_000))), 1)
    list(table.changes("t/"))
    table.learn(keys([7]), 2)
    assert sum(len(cell) for _, cell in table.changes("t/") if cell) < 4096
