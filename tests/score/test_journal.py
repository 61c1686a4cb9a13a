"""A table that is saved by its changes: whole after any interruption, and small to save where little changed."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from logwatch.errors import StateCorrupt
from logwatch.score.journal import TURNS, Columns, Journal

Steps = list[tuple[str, int]]


class Table:
    """Two columns that grow."""

    def __init__(self, rows: int = 4, *, sparse: bool = False) -> None:
        self.a, self.b = np.zeros(rows, np.int64), np.zeros((rows, 60), np.float32)
        self.journal = Journal(248, rows, sparse=sparse)

    def columns(self, rows: int = 0) -> Columns:
        if rows > len(self.a):
            more = rows - len(self.a)
            self.a, self.b = np.pad(self.a, (0, more)), np.pad(self.b, ((0, more), (0, 0)))
            self.journal.grow(rows)
        return {"a": self.a, "b": self.b}

    def write(self, rows: np.ndarray, value: int) -> None:
        self.columns(int(rows.max()) + 1)
        self.a[rows], self.b[rows, value % 60] = value, value
        self.journal.mark(rows)


STEPS = st.lists(
    st.tuples(st.sampled_from(["one", "many", "commit", "restart", "anew"]), st.integers(0, 400)), max_size=90
)


@settings(max_examples=60)
@given(STEPS, st.booleans())
def test_whatever_was_committed_comes_back(steps: Steps, sparse: bool) -> None:
    table, cells = Table(sparse=sparse), dict[str, bytes]()
    saved: tuple[NDArray[Any], NDArray[Any]] = np.zeros(0), np.zeros((0, 60))
    for number, (step, row) in enumerate([*steps, ("commit", 0), ("restart", 0)], 1):
        if step == "one":
            table.write(np.array([row]), number)
        elif step == "many":
            table.write(np.arange(row, row + 50), number)
        elif step == "anew":
            table.a[:], table.b[:] = number, 0
            table.a[row:] = 0
            table.journal.renew(len(table.a))
        elif step == "commit":
            for name, cell in table.journal.changes("t/", table.columns()):
                cells.pop(name, None)
                if cell is not None:
                    cells[name] = cell
            saved = table.a.copy(), table.b.copy()
        else:
            table = Table(sparse=sparse)
            table.journal.restore("t/", cells, table.columns)
            for now, then in zip((table.a, table.b), saved, strict=True):
                assert not now[len(then) :].any()
                assert (now[: len(then)] == then[: len(now)]).all()
                assert not then[len(now) :].any()


def size(table: Table) -> int:
    return sum(len(cell) for _, cell in table.journal.changes("t/", table.columns()) if cell)


def test_what_changed_is_written_and_little_else() -> None:
    rng = np.random.default_rng(0)
    table = Table(50_000)
    table.b[:] = rng.random(table.b.shape)  # nothing to compress
    table.journal.renew(50_000)
    assert size(table) > 10_000_000
    assert size(table) == 0
    several = []
    for value in range(3 * TURNS):
        table.write(rng.choice(50_000, 500, replace=False), value)
        several.append(size(table))
    assert max(several) < 10 * 500 * 248  # rows and the pages whose turn it is, also at the worst of commits


def test_of_a_new_table_only_what_is_in_it_is_written() -> None:
    table = Table(10_000, sparse=True)
    table.journal.renew(10_000)
    table.write(np.array([7, 9000]), 1)
    pages = [name for name, cell in table.journal.changes("t/", table.columns()) if cell and name[2] != "j"]
    assert len(pages) == 2


def test_the_journal_does_not_grow() -> None:
    table, cells = Table(1000), dict[str, bytes]()
    for value in range(5 * TURNS):
        table.write(np.array([value % 1000, 7]), value)
        cells.update((name, cell) for name, cell in table.journal.changes("t/", table.columns()) if cell)
    assert sum(name.startswith("t/j") for name in cells) == TURNS


def test_a_cell_that_cannot_be_read_is_refused() -> None:
    table = Table(1000)
    table.write(np.arange(1000), 1)
    cells = {name: cell for name, cell in table.journal.changes("t/", table.columns()) if cell}
    spoilt = {name: zlib.compress(zlib.decompress(cell).replace(b'"v":1', b'"v":9')) for name, cell in cells.items()}
    for wrong in (spoilt, {name: cell[:20] for name, cell in cells.items()}):
        with pytest.raises(StateCorrupt):
            Table().journal.restore("t/", wrong, Table().columns)
