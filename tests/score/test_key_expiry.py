"""Keys that were silent for longer than `key_ttl` are new: whatever was deleted, however the stream is split."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.score.keys import HEADER, KeyTable
from logwatch.score.spilled import HEAD
from logwatch.types import NO_TIME

COLUMNS = [("sum", "f4")]
TTL = 100
CHUNK = 8

Event = tuple[int, str | None, int]
"""Source (and stream), entity, watermark."""


def events_of(steps: list[tuple[int, str | None, int]]) -> list[Event]:
    """From steps of the sources' watermarks; a source has no time before its first step."""
    at: dict[int, int] = {}
    events = []
    for source, entity, step in steps:
        if step or source in at:
            at[source] = at.get(source, 1000) + step
        events.append((source, entity, at.get(source, NO_TIME)))
    return events


def truth(events: list[Event]) -> list[int]:
    """How many events each key has had when it speaks, by the definition."""
    last: dict[tuple[int, str | None], tuple[int, int]] = {}
    counts = []
    for source, entity, watermark in events:
        heard, count = last.get((source, entity), (NO_TIME, 0))
        if entity is not None and heard != NO_TIME and watermark - heard > TTL:
            count = 0
        last[source, entity] = watermark, count + 1
        counts.append(count + 1)
    return counts


@dataclass
class Run:
    """A stream through a small table on a store."""

    events: list[Event]
    sweeps: bool = False
    store: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"keys": {}, "spilled": {}})
    counts: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    at: int = 0

    def __post_init__(self) -> None:
        self.table = self.open()

    def open(self) -> KeyTable:
        return KeyTable(COLUMNS, 3, self.store["spilled"].get, TTL)

    def advance(self, most: int) -> None:
        """One sub-batch, and the chunk's end where it is reached."""
        end = min(self.at + most, self.at - self.at % CHUNK + CHUNK, len(self.events))
        batch = self.events[self.at : end]
        source = np.array([one[0] for one in batch], np.int32)
        watermark = np.array([one[2] for one in batch], np.int64)
        slots = self.table.assign(source, source, [one[1] for one in batch], watermark)
        for i, slot in enumerate(slots.tolist()):
            self.table.view("sum")[slot] += 1
            self.counts.append(int(self.table.view("sum")[slot]))
            assert self.table.key(slot) == (batch[i][0], batch[i][1])
        self.table.touch(slots, self.at)
        self.slots += slots.tolist()
        self.at = end
        if end % CHUNK == 0:
            self.table.evict(self.table.surplus())

    def commit(self) -> None:
        for name, changes in (("keys", self.table.changes()), ("spilled", self.table.spilled.changes())):
            for cell, value in changes:
                if value is None:
                    self.store[name].pop(cell, None)
                else:
                    self.store[name][cell] = value
        self.table.expiry.saved()

    def sweep(self) -> None:
        spilled = self.store["spilled"]
        for name in [name for name, cell in spilled.items() if self.table.expiry.forgets(name, cell[: HEAD.size])]:
            del spilled[name]

    def restart(self) -> None:
        """Commit, die, start again."""
        self.commit()
        before = self.rows()
        self.table = self.open()
        self.table.restore(self.store["keys"])
        assert self.rows() == before

    def rows(self) -> dict[int, tuple[tuple[int, str | None], bool]]:
        """Key of each slot, and whether it is its key's."""
        keys = {slot: self.table.key(slot) for slot in self.table.in_use().tolist()}
        return {slot: (key, self.table.find(*key) == slot) for slot, key in keys.items()}

    def go(self, sizes: list[int], acts: list[str]) -> tuple[list[int], list[int]]:
        number = 0
        while self.at < len(self.events):
            self.advance(sizes[number % len(sizes)])
            for act in acts[number % len(acts)].split():
                getattr(self, act)()
            number += 1
        return self.counts, self.slots


steps = st.tuples(
    st.integers(0, 1),
    st.one_of(st.none(), st.sampled_from("abcdef")),
    st.sampled_from([0, 0, 1, 1, 30, 60, 100, 101, 500]),
)
ACTS = ["", "commit", "sweep", "commit sweep", "restart", "commit sweep restart", "restart sweep"]


@settings(max_examples=300)
@given(
    st.lists(steps, min_size=1, max_size=60),
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
    st.lists(st.sampled_from(ACTS), min_size=1, max_size=8),
)
def test_what_is_forgotten_depends_on_the_stream_alone(steps: list[Any], sizes: list[int], acts: list[str]) -> None:
    events = events_of(steps)
    whole = Run(events).go([CHUNK], [""])
    assert whole[0] == truth(events)
    assert Run(events).go(sizes, acts) == whole


@settings(max_examples=150)
@given(
    st.lists(steps, min_size=1, max_size=60),
    st.lists(st.sampled_from(ACTS), min_size=1, max_size=8),
    st.integers(0, 20),
)
def test_a_crash_after_a_sweep_changes_nothing(steps: list[Any], acts: list[str], crash: int) -> None:
    """What was not committed is done again, on the state that the sweep has left."""
    events = events_of(steps)
    run, saved, number = Run(events), 0, 0
    while run.at < len(events):
        run.advance(3)
        act = acts[number % len(acts)]
        if "commit" in act or "restart" in act:
            run.commit()
            saved = run.at
        run.sweep()
        if number == crash:
            run.table, run.at = run.open(), saved
            run.counts, run.slots = run.counts[:saved], run.slots[:saved]
            run.table.restore(run.store["keys"])
        number += 1
    assert (run.counts, run.slots) == Run(events).go([CHUNK], [""])


def test_a_key_that_speaks_twice_in_a_batch_long_after_is_new_in_a_row_of_its_own() -> None:
    run = Run([(0, "a", 1000), (0, "a", 1100), (0, "a", 1201), (0, None, 1201)])
    run.advance(4)
    assert run.counts == [1, 2, 1, 1]
    assert run.slots == [0, 0, 1, 2]
    assert len(run.table) == 2
    run.restart()
    assert run.table.key(0) == (0, "a")
    assert run.table.find(0, "a") == 1
    run.table.evict(run.table.surplus())
    run.commit()
    assert sorted(cell[4] for name, cell in run.store["keys"].items() if name != HEADER) == [1, 2]
    assert run.store["spilled"] == {}


def test_a_streams_own_key_is_never_forgotten() -> None:
    run = Run([(0, None, 1000), *((0, name, 1000) for name in "abcdefg"), (0, "x", 10**9), (0, None, 10**9)])
    run.advance(CHUNK)
    run.commit()
    run.sweep()
    assert any(name.endswith("/") for name in run.store["spilled"])
    run.advance(2)
    run.commit()
    run.sweep()
    assert run.counts[-1] == 2
    assert run.store["spilled"] == {}


def test_restoring_reads_no_spilled_cell() -> None:
    run = Run([(0, f"k{i}", 1000) for i in range(CHUNK)])
    run.advance(CHUNK)
    run.commit()
    assert len(run.store["spilled"]) == CHUNK - 3
    assert len(run.store["keys"]) == 3 + 1
    read: list[str] = []
    table = KeyTable(COLUMNS, 3, lambda name: read.append(name), TTL)
    table.restore(run.store["keys"])
    assert not read
    assert len(table) == 3


def test_a_saved_key_that_expires_twice_in_a_batch_and_is_spilled_leaves_no_cell_behind() -> None:
    others = [(0, name, 1000) for name in "abcdefg"]
    late = [(0, name, 1400) for name in "hijklm"]
    run = Run([*others, (0, "z", 1000), (0, "z", 1200), (0, "z", 1400), *late])
    run.advance(CHUNK)
    run.commit()
    run.advance(CHUNK)
    assert run.table.find(0, "z") is None
    run.restart()
