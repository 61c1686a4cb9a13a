"""Trusted times of samples."""

from __future__ import annotations

import numpy as np

from logwatch.parse.sample_clock import SampleClock
from logwatch.samples import Samples, SeriesName
from logwatch.telemetry import MARKED_SAMPLES
from logwatch.types import NO_TIME

SECOND = 10**9
START = 1_700_000_000 * SECOND
NOW = START + 1000 * SECOND


def samples(times: list[int], rows: list[int]) -> Samples:
    n = len(times)
    zero = np.zeros(n, np.int32)
    return Samples(
        [SeriesName("a")], np.zeros(1, np.uint8), zero, np.array(rows, np.int32), np.array(times), np.zeros(n)
    )


def seconds(clock: SampleClock, at: list[int], rows: list[int] | None = None) -> list[int]:
    rows = list(range(len(at))) if rows is None else rows
    given = samples([START + one * SECOND for one in at], rows)
    trusted, _ = clock.trusted(given, np.zeros(max(rows) + 1, np.int32), NOW)
    return ((trusted.time - START) // SECOND).tolist()


def test_a_live_time_too_far_ahead_takes_the_one_before() -> None:
    before = MARKED_SAMPLES.value(mark="untrusted_time")
    assert seconds(SampleClock(finished=False), [0, 10, 99_000, 20, 1299]) == [0, 10, 10, 20, 1299]
    assert MARKED_SAMPLES.value(mark="untrusted_time") - before == 1


def test_one_absurd_record_of_many_samples_does_not_move_the_clock_of_a_file() -> None:
    times = [*range(10), *[900_000] * 50, 10, 11]
    rows = [*range(10), *[10] * 50, 11, 12]
    assert seconds(SampleClock(finished=True), times, rows) == [*range(10), *[9] * 50, 10, 11]


def test_a_pause_that_later_records_confirm_moves_it() -> None:
    times = [*range(10), *range(900_000, 900_010)]
    assert seconds(SampleClock(finished=True), times)[-5:] == times[-5:]


def test_what_is_no_time_takes_the_one_before_and_the_largest_never_falls() -> None:
    times = [NO_TIME, START, START + SECOND, -5, 2**63 - 1, NO_TIME, START]
    given = samples(times, list(range(len(times))))
    trusted, high = SampleClock(finished=False).trusted(given, np.zeros(len(times), np.int32), NOW)
    assert trusted.time.tolist() == [NO_TIME, START, *[START + SECOND] * 4, START]
    assert high.tolist() == [NO_TIME, START, *[START + SECOND] * 5]


def test_parts_and_restarts_give_the_same_times() -> None:
    rng = np.random.default_rng(0)
    times = (START + rng.choice([0, 1, 5, 90_000], 200).cumsum() // 3 * SECOND).tolist()
    rows = (np.arange(200) // 3).tolist()
    given = samples(times, rows)
    source = np.zeros(rows[-1] + 1, np.int32)
    whole, high = SampleClock(finished=True).trusted(given, source, NOW)
    clock, cells, parts = SampleClock(finished=True), {}, []
    for row in range(rows[-1] + 1):
        at = np.flatnonzero(np.array(rows) == row)
        part = samples([times[i] for i in at], [0] * len(at))
        parts.append(clock.trusted(part, source[:1], NOW))
        cells.update({name: cell for name, cell in clock.changes() if cell is not None})
        clock = SampleClock(finished=True)
        clock.restore(cells)
    assert np.concatenate([part.time for part, _ in parts]).tolist() == whole.time.tolist()
    assert np.concatenate([part for _, part in parts]).tolist() == high.tolist()
