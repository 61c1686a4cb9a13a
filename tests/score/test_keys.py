"""The key table: rows that survive growing, eviction and restarts."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.errors import StateCorrupt
from logwatch.score.keys import KeyTable
from logwatch.types import NO_TIME

COLUMNS = [("sum", "f4"), ("ring", "i4", (3,))]


class Stored(dict[str, bytes]):
    """Cells of one component."""

    def write(self, changes: Iterable[tuple[str, bytes | None]]) -> None:
        for name, cell in changes:
            if cell is None:
                self.pop(name, None)
            else:
                self[name] = cell


def _feed(table: KeyTable, keys: list[tuple[int, str | None]], first: int) -> None:
    """Adds the event's number to the sum of each key."""
    stream = np.array([key[0] for key in keys], dtype=np.int32)
    slots = table.assign(stream, stream, [key[1] for key in keys])
    np.add.at(table.view("sum"), slots, np.arange(first, first + len(keys), dtype=np.float32))
    table.touch(slots, first)


def _sums(table: KeyTable) -> dict[tuple[int, str | None], float]:
    return {table.key(slot): float(table.view("sum")[slot]) for slot in table.in_use().tolist()}


keys = st.tuples(st.integers(0, 3), st.one_of(st.none(), st.sampled_from([f"é{i}" for i in range(12)])))


@given(st.lists(st.lists(keys, min_size=1, max_size=20), max_size=12), st.data())
def test_rows_are_never_lost_by_eviction_growth_or_restart(
    batches: list[list[tuple[int, str | None]]], data: st.DataObject
) -> None:
    store, spilled = Stored(), Stored()
    table = KeyTable(COLUMNS, capacity=5, fetch=spilled.get)
    truth: dict[tuple[int, str | None], float] = {}
    first = 0
    for batch in batches:
        _feed(table, batch, first)
        for i, key in enumerate(batch):
            truth[key] = truth.get(key, 0.0) + first + i
        first += len(batch)
        table.evict(table.surplus())
        if data.draw(st.booleans()):
            store.write(table.changes())
            spilled.write(table.spilled.changes())
            assert not store.keys() & spilled.keys()
            if data.draw(st.booleans()):
                before = {table.key(slot): slot for slot in table.in_use().tolist()}
                table = KeyTable(COLUMNS, capacity=5, fetch=spilled.get)
                table.restore(store)
                assert {table.key(slot): slot for slot in table.in_use().tolist()} == before
    assert len(table) <= max(5, max(map(len, batches), default=0))
    for key, total in truth.items():
        slot = table.assign(np.array([key[0]], np.int32), np.array([key[0]], np.int32), [key[1]])[0]
        assert table.view("sum")[slot] == np.float32(total)


def test_the_least_recently_used_keys_go_first() -> None:
    table = KeyTable(COLUMNS, capacity=2)
    _feed(table, [(0, "a"), (0, "b"), (0, "c"), (0, "a")], 0)
    table.evict(table.surplus())
    assert set(_sums(table)) == {(0, "c"), (0, "a")}


def test_a_new_key_begins_with_zeros_and_no_time() -> None:
    table = KeyTable(COLUMNS)
    slot = table.assign(np.zeros(1, np.int32), np.zeros(1, np.int32), ["x"])[0]
    assert table.view("last")[slot] == NO_TIME
    assert table.view("ring")[slot].tolist() == [0, 0, 0]


@pytest.mark.parametrize("columns", [COLUMNS[::-1], COLUMNS[:1], [("sum", "i4"), COLUMNS[1]]])
def test_rows_of_other_columns_are_refused_not_misread(columns: list[tuple[object, ...]]) -> None:
    """Another detector may have been switched on since."""
    store, table = Stored(), KeyTable(COLUMNS)
    _feed(table, [(0, "a"), (1, None)], 0)
    store.write(table.changes())
    with pytest.raises(StateCorrupt, match="other detectors"):
        KeyTable(columns).restore(store)
