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


FIELDS: dict[str, tuple[object, ...]] = {
    "sum": ("sum", "f4"),
    "ring": ("ring", "i4", (3,)),
    "wide": ("sum", "i8"),  # another type under the name of a column
    "nest": ("nest", [("open", "u1"), ("peak", "f4", (2,))]),
    "nest2": ("nest", [("bits", "u8"), ("peak", "f4", (2,))]),
}
LAYOUTS = [("sum", "ring", "nest"), ("ring", "sum"), ("nest2", "wide"), ("sum",), (), ("nest", "sum")]


@given(st.lists(st.tuples(st.sampled_from(LAYOUTS), st.lists(keys, min_size=1, max_size=12)), max_size=8))
def test_columns_that_stay_keep_their_values_and_others_begin_anew(
    runs: list[tuple[tuple[str, ...], list[tuple[int, str | None]]]],
) -> None:
    """Detectors are switched on and off between runs; keys are in memory, or spilled for many runs."""
    store, spilled = Stored(), Stored()
    truth: dict[str, dict[tuple[int, str | None], int]] = {}  # parts of columns that have been on since -> counts
    for names, spoken in runs:
        table = KeyTable([FIELDS[name] for name in names], capacity=3, fetch=spilled.get)
        table.restore(store)
        parts = {part for name in names for part in PARTS[name]}
        truth = {part: truth.get(part, {}) for part in parts}
        stream = np.array([key[0] for key in spoken], np.int32)
        slots = table.assign(stream, stream, [key[1] for key in spoken])
        for slot, key in zip(slots.tolist(), spoken, strict=True):
            for part, counts in truth.items():
                value = _part(table, part)
                assert value[slot].max() == value[slot].min() == counts.get(key, 0)
                value[slot] += 1
                counts[key] = counts.get(key, 0) + 1
        table.touch(slots, 0)
        table.evict(table.surplus())
        store.write(table.changes())
        spilled.write(table.spilled.changes())


PARTS = {
    "sum": ["sum f4"], "ring": ["ring i4"], "wide": ["sum i8"],
    "nest": ["nest.open u1", "nest.peak f4"], "nest2": ["nest.bits u8", "nest.peak f4"],
}  # fmt: skip


def _part(table: KeyTable, part: str) -> np.ndarray:
    column = table.rows
    for name in part.split()[0].split("."):
        column = column[name]
    return column


def test_rows_of_another_version_are_refused_not_misread() -> None:
    store, table = Stored(), KeyTable(COLUMNS)
    _feed(table, [(0, "a"), (1, None)], 0)
    store.write(table.changes())
    for header in (b"{}", b'{"layouts": [[["used", "<i8"]]]}', b'{"layouts": [[["used"]]]}', b'{"layouts": 3}'):
        with pytest.raises(StateCorrupt, match="another version"):
            KeyTable(COLUMNS).restore({**store, "table": header})
