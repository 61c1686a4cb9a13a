"""Ends of chunks depend on the events' numbers and times alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.chunks import CHUNK, FIRST_ENDS, LONGER, ChunkClock
from logwatch.types import NO_TIME

SECOND = 1_000_000_000


def _ends(time: np.ndarray, sizes: list[int], restart: bool = False) -> list[int]:
    """Ends of all chunks that a stream of these times closes, fed in batches of these sizes."""
    clock, ends, seen, turn = ChunkClock(), [], 0, 0
    while seen < len(time):
        batch = seen + sizes[turn % len(sizes)]
        turn += 1
        while seen < min(batch, len(time)):
            step, ends_here = clock.step(seen, time[seen:batch])
            seen += step
            ends += [seen] if ends_here else []
        if restart:
            saved, clock = clock.saved(), ChunkClock()
            clock.restore(saved)
    return ends


def _even(events: int, per_second: float) -> np.ndarray:
    return (np.arange(events) * (SECOND / per_second)).astype(np.int64) + 1


def test_a_slow_stream_is_learned_in_short_chunks() -> None:
    ends = _ends(_even(30_000, 1), [4096])
    assert ends == [*FIRST_ENDS, *range(2 * CHUNK, 30_000, CHUNK)]


def test_a_fast_stream_is_learned_in_longer_chunks_once_much_was_seen() -> None:
    ends = _ends(_even(200_000, 100_000), [4096])
    lengths = np.diff(ends)
    assert set(lengths[np.array(ends[:-1]) >= LONGER[0][0] + LONGER[0][1]]) == {LONGER[0][1]}
    assert max(lengths[np.array(ends[:-1]) < LONGER[-2][0]]) == CHUNK


def test_a_burst_does_not_make_the_quiet_after_it_wait() -> None:
    time = np.concatenate([_even(40_000, 100_000), 10**12 + _even(5_000, 1)])
    after = [end for end in _ends(time, [4096]) if end > 40_000 + CHUNK]
    assert set(np.diff(after)) == {CHUNK}


def test_lines_without_any_time_are_learned_in_short_chunks() -> None:
    ends = _ends(np.full(20_000, NO_TIME), [4096])
    assert set(np.diff(ends[len(FIRST_ENDS) - 1 :])) == {CHUNK}


def test_the_end_of_every_full_chunk_is_a_turn_of_what_is_done_every_fourth_time() -> None:
    ends = np.array(_ends(_even(100_000, 1e9), [4096]))
    assert (((ends[ends > 20_000] - 1) // CHUNK) % 4 == 0).all()


@settings(max_examples=60)
@given(
    steps=st.lists(st.sampled_from([0, 1000, 10_000_000, SECOND, -SECOND]), min_size=1, max_size=6),
    sizes=st.lists(st.integers(1, 6000), min_size=1, max_size=5),
    restart=st.booleans(),
)
def test_batches_and_restarts_change_nothing(steps: list[int], sizes: list[int], restart: bool) -> None:
    time = 10**15 + np.cumsum(np.repeat(np.array(steps, np.int64), 5000))
    assert _ends(time, sizes, restart) == _ends(time, [len(time)])
