"""Cells: arrays come back as they went, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.cells import pack, unpack
from logwatch.errors import StateCorrupt

ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "empty": np.zeros((0, 4), np.int64),
    "b": np.array(True),
    "rows": np.array([(1, [2.0, 3.0])], dtype=[("id", "<i4"), ("h", "<f4", (2,))]),
}


def test_arrays_and_facts_come_back() -> None:
    got, facts = unpack(pack(ARRAYS, name="é", detectors=("x", "y")))
    assert facts == {"name": "é", "detectors": ["x", "y"]}
    assert list(got) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(got[name], array)
        assert got[name].dtype == array.dtype


def test_a_view_of_every_second_row_is_packed_as_it_reads() -> None:
    got, _ = unpack(pack({"a": np.arange(8)[::2]}))
    assert got["a"].tolist() == [0, 2, 4, 6]


def test_objects_are_refused() -> None:
    with pytest.raises(StateCorrupt):
        unpack(pack({"o": np.array([None], dtype=object)}))


@given(st.integers(0, 300))
def test_a_cell_that_was_cut_is_corrupt_and_no_other_error(length: int) -> None:
    cell = pack(ARRAYS, name="x")
    if length < len(cell):
        with pytest.raises(StateCorrupt):
            unpack(cell[:length])
