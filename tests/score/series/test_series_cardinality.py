"""Which series there are: bounded, and whatever names come."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logwatch.samples import LONGEST_NAME, SampleKind, Samples, SeriesName
from logwatch.score.series.names import name_of, text_of
from logwatch.score.series.news import NewsKind
from logwatch.score.series.passage import Where
from logwatch.score.series.series import COLUMNS, Series
from logwatch.score.series.table import LEARNING, NEW_PER_MINUTE
from logwatch.telemetry import DROPPED_SAMPLES
from tests.score.series.simulated_series import DAY, SECOND, START, Stored, a_series, as_name, records, run

MINUTE = 60.0


def dropped(reason: str) -> float:
    return DROPPED_SAMPLES.value(reason=reason)


def scrape(series: Series, names: list[SeriesName], seconds: float, source: int = 0) -> None:
    """One record with a sample of each name."""
    n = len(names)
    time = np.full(n, START + round(seconds * SECOND))
    kind = np.zeros(n, np.uint8)
    samples = Samples(names, kind, np.arange(n, dtype=np.int32), np.zeros(n, np.int32), time, np.ones(n))
    at = np.array([source], np.int32)
    series.points(samples, time, Where(at, at, np.array([round(seconds)]), np.array([round(seconds) + 1])))


def numbered(first: int, last: int) -> list[SeriesName]:
    return [SeriesName("up", (("id", str(i)),)) for i in range(first, last)]


def test_a_series_is_its_sources_and_its_name_and_labels() -> None:
    series = a_series()
    for source in (0, 1):
        scrape(series, [SeriesName("a"), SeriesName("a", (("x", "1"),)), SeriesName("b")], 10, source)
    scrape(series, [SeriesName("b")], 20)
    assert len(series.table) == 6
    assert {str(series.name(slot)) for slot in series.table.in_use().tolist()} == {"a", 'a{x="1"}', "b"}


def test_series_beyond_the_most_are_dropped_and_told_once_and_the_others_go_on() -> None:
    series = a_series(most=5)
    before = dropped("max_series")
    for i in range(1, 31):
        scrape(series, numbered(0, 8), 10.0 * i)
    assert len(series.table) == 5
    assert dropped("max_series") - before == 30 * 3
    assert [kind for kind, _ in series.news().rows()] == [NewsKind.REFUSED]
    assert str(series.refused[0]).startswith("up")
    assert (series.table.rows["events"][series.table.in_use()] == 30).all()


def test_a_flood_of_new_series_in_a_minute_fills_no_memory_and_evicts_nobody() -> None:
    series = a_series()
    own = numbered(0, 100)
    for i in range(LEARNING + 2):
        scrape(series, own, MINUTE * i)
        series.evict(series.leaving())
    now = MINUTE * (LEARNING + 2)
    before = dropped("new_series")
    tracemalloc.start()
    for i in range(8):
        scrape(series, own + [SeriesName("odd", (("id", f"{i}/{j}"),)) for j in range(5000)], now + i)
        series.evict(series.leaving())
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 5 * 2**20
    assert len(series.table) <= 100 + 2 * NEW_PER_MINUTE  # these seconds may touch two minutes
    assert dropped("new_series") - before == 40_000 - (len(series.table) - 100)
    assert all(series.table.find(0, str(name)) is not None for name in own)
    told = [kind for kind, _ in series.news().rows()]
    assert told.count(NewsKind.REFUSED) == 1
    assert told.count(NewsKind.NEW) == len(series.table) - 100


def test_a_new_series_of_a_source_that_is_known_is_news_once() -> None:
    series = a_series()
    for i in range(LEARNING + 5):
        scrape(series, numbered(0, 3), MINUTE * i)
    assert not len(series.news())
    for i in range(LEARNING + 5, LEARNING + 8):
        scrape(series, numbered(0, 4), MINUTE * i)
    told = list(series.news().rows())
    assert [kind for kind, _ in told] == [NewsKind.NEW]
    assert str(series.name(told[0][1]["slot"])) == 'up{id="3"}'


def test_a_silent_series_leaves_its_place_to_others_and_comes_back_from_the_store() -> None:
    spilled = Stored()
    series = a_series(most=3, fetch=spilled.get, ttl=DAY)
    hour = 3600.0
    scrape(series, numbered(0, 3), 0)
    for i in range(1, 30):
        scrape(series, numbered(0, 2), hour * i)
        series.evict(series.leaving())
    assert len(series.table) == 2
    spilled.write(series.table.spilled.changes())
    scrape(series, numbered(3, 4), hour * 30)
    assert series.table.find(0, str(numbered(3, 4)[0])) is not None


def test_series_that_were_evicted_come_back_and_are_no_news() -> None:
    spilled = Stored()
    series = a_series(capacity=4, fetch=spilled.get)
    for i in range(LEARNING + 60):
        scrape(series, numbered(0, 4), MINUTE * i)
    scrape(series, numbered(0, 3) + [SeriesName("x", (("id", str(i)),)) for i in range(3)], MINUTE * (LEARNING + 60))
    series.evict(series.leaving())
    assert len(series.table) <= 4
    spilled.write(series.table.spilled.changes())
    series.news()
    scrape(series, numbered(3, 4), MINUTE * (LEARNING + 61))
    slot = series.table.find(0, str(numbered(3, 4)[0]))
    assert slot is not None
    assert series.table.rows["events"][slot] == LEARNING + 61
    assert not len(series.news())


def test_names_that_are_too_long_are_dropped_and_counted() -> None:
    series = a_series()
    before = dropped("long_name")
    scrape(series, [SeriesName("x" * LONGEST_NAME), SeriesName("x" * (LONGEST_NAME + 1)), SeriesName("\ud800")], 1)
    assert dropped("long_name") - before == 1
    assert len(series.table) == 2


names = st.builds(
    SeriesName,
    st.text("ab_:", min_size=1, max_size=8),
    st.lists(st.tuples(st.text("abc", min_size=1, max_size=3), st.text(max_size=9)), max_size=3).map(tuple),
)


@given(names)
def test_the_text_of_a_name_can_be_read_back(name: SeriesName) -> None:
    text = text_of(name)
    assert text is not None
    if text == str(name):
        assert name_of(text) == name


@given(st.text(st.sampled_from('a{}"=,\\'), max_size=30))
def test_any_text_is_some_name(text: str) -> None:
    assert isinstance(name_of(text), SeriesName)


@pytest.mark.parametrize("kind", [SampleKind.GAUGE, SampleKind.COUNTER])
def test_a_restart_keeps_names_limits_and_rates(kind: SampleKind) -> None:
    table, own = Stored(), Stored()
    stream = records([("a|x=1", 10.0 * i, 20.0 * i) for i in range(1, 31)], {"a|x=1": kind})
    one, other = a_series(most=1), a_series(most=1)
    whole = run(one, stream)
    first = other.points(*stream.part(0, 17))
    table.write(other.table.changes())
    own.write(other.changes())
    again = a_series(most=1)
    again.table.restore(table)
    again.restore(own)
    rest = again.points(*stream.part(17, 30))
    np.testing.assert_array_equal(np.append(first.value, rest.value), whole.value)
    assert again.name(0) == as_name("a|x=1")
    scrape(again, [SeriesName("b")], 400)
    assert len(again.table) == 1


def test_the_state_of_a_series_is_small() -> None:
    assert np.dtype(list(COLUMNS)).itemsize <= 256
