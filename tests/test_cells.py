"""Cells: arrays come back as they went, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest

from logwatch.cells import pack, unpack


def test_arrays_and_header_come_back() -> None:
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "empty": np.zeros((0, 4), np.int64),
        "b": np.array(True),
    }
    got, header = unpack(pack(arrays, v=1, name="é"))
    assert header == {"v": 1, "name": "é"}
    for name, array in arrays.items():
        np.testing.assert_array_equal(got[name], array)
        assert got[name].dtype == array.dtype
        got[name].flags.writeable = True


def test_a_structured_dtype_survives_by_its_bytes() -> None:
    with pytest.raises(ValueError, match="objects"):
        unpack(pack({"o": np.array([None], dtype=object)}, v=1))
