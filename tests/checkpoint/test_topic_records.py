"""Cells as records of a compacted topic: whatever is written, in whatever commits, is what is read."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.cells import SPILLED
from logwatch.checkpoint import topic_records
from logwatch.checkpoint.store import Cell
from logwatch.checkpoint.topic_records import MARKER, PART, Encoder, Newest, encode_marker
from logwatch.errors import StateCorrupt

CELLS = st.tuples(st.sampled_from(["keys", "detector/lstm", SPILLED]), st.sampled_from(["a", "b", "0/1f", "#1"]))
SIZES = st.one_of(st.none(), st.integers(0, 30), st.sampled_from([PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 7]))
COMMITS = st.lists(st.dictionaries(CELLS, SIZES, max_size=4), max_size=6)


class Aside:
    """The disk, in a dictionary."""

    def __init__(self) -> None:
        self.cells: dict[str, bytes] = {}

    def __call__(self, cells: Mapping[str, bytes | None]) -> None:
        for name, cell in cells.items():
            self.cells.pop(name, None)
            if cell is not None:
                self.cells[name] = cell


def value(cell: Cell, commit: int, size: int) -> bytes:
    return (f"{cell}{commit}".encode() * (size // 8 + 1))[:size]


@given(COMMITS, st.integers(0, 5))
def test_what_was_written_is_read(commits: list[dict[Cell, int | None]], moved_after: int) -> None:
    """Also where another owner, who knows only what he has read, goes on in the middle."""
    expected: dict[Cell, bytes] = {}
    log: list[tuple[bytes, bytes | None]] = []
    encoder = Encoder()
    for number, sizes in enumerate(commits):
        if number == moved_after:
            encoder = Encoder()
            encoder.knows(expected)
        cells = {cell: None if size is None else value(cell, number, size) for cell, size in sizes.items()}
        log += [*encoder.encode(cells), encode_marker({"next": number})]
        for cell, new in cells.items():
            expected.pop(cell, None)
            if new is not None:
                expected[cell] = new
    aside = Aside()
    newest = Newest(aside)
    for key, record in log:
        assert record is None or len(record) <= PART + 16
        newest.add(key, record)
    assert newest.marker() == ({"v": 1, "next": len(commits) - 1} if commits else None)
    live = {key for key in newest.values if key != MARKER}
    found = newest.take()
    held = [cell for (part, _), cell in expected.items() if part != SPILLED or len(cell) > PART]
    assert len(live) == sum(max(1, -(-len(cell) // PART)) for cell in held)  # nothing is left behind
    assert {**found, **{(SPILLED, name): cell for name, cell in aside.cells.items()}} == expected


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 40), st.one_of(st.none(), st.integers(0, 400))), max_size=80))
def test_keys_that_are_not_in_memory_go_to_the_disk_as_they_come(records: list[tuple[int, int | None]]) -> None:
    aside, bound = Aside(), 1000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(topic_records, "ASIDE_BYTES", bound)
        newest, encoder, expected = Newest(aside), Encoder(), dict[str, bytes]()
        for number, (key, size) in enumerate(records):
            cell = None if size is None else bytes([number]) * size
            expected.pop(f"k{key}", None)
            if cell is not None:
                expected[f"k{key}"] = cell
            for record in encoder.encode({(SPILLED, f"k{key}"): cell}):
                newest.add(*record)
            assert not newest.values
            assert newest._size < bound
        assert newest.take() == {}
    assert aside.cells == expected


def test_records_of_a_newer_program_are_refused() -> None:
    newest = Newest(Aside())
    newest.add(MARKER, json.dumps({"v": 2, "next": 5}).encode())
    with pytest.raises(StateCorrupt, match="newer than this program"):
        newest.marker()


def test_a_missing_part_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_records, "PART", 10)
    newest = Newest(Aside())
    records = list(Encoder().encode({("lstm", "model"): b"x" * 25}))
    for key, record in (records[0], records[2]):
        newest.add(key, record)
    with pytest.raises(StateCorrupt, match="part 1 of 3"):
        newest.take()


@given(st.binary(max_size=12))
def test_damaged_records_are_an_error_that_says_so_and_no_crash(data: bytes) -> None:
    newest = Newest(Aside())
    newest.add(b"keys\ta", data)
    newest.add(MARKER, data)
    for read in (newest.marker, newest.take):
        with contextlib.suppress(StateCorrupt):
            read()
