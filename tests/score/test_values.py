"""`values`: which values of fields are odd, which fields have none, and what an alert says of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from logwatch.score.detector_configs import ValuesConfig
from logwatch.score.detectors.values import ValuesOdd
from logwatch.score.detectors.values_fields import AGAIN, LEAST, SLOTS
from logwatch.score.detectors.values_sketch import bucket_of, edge, tails
from logwatch.types import EventBatch, FieldColumn, Flag, Float32, Values

CHUNK = 1000


def column(name: str, rows: np.ndarray, values: list[float] | list[str]) -> FieldColumn:
    at = rows.astype(np.int32)
    if isinstance(values[0], str):
        known = {word: i for i, word in enumerate(dict.fromkeys(map(str, values)))}
        return FieldColumn(name, at, None, np.array([known[str(word)] for word in values], np.int32), list(known))
    return FieldColumn(name, at, np.array(values, dtype=np.float64), None, None)


def events(first: int, fields: dict[str, list[float] | list[str]], flags: int = 0, sources: int = 1) -> EventBatch:
    """Events that all have these fields."""
    n = len(next(iter(fields.values())))
    zero, number = np.zeros(n, np.int32), np.arange(first, first + n, dtype=np.int64)
    source = (np.arange(n) % sources).astype(np.int32)
    values = Values([column(name, np.arange(n), told) for name, told in fields.items()], 0, n)
    return EventBatch(
        first, source, source.copy(), zero, number, number, np.zeros(n, np.int8), zero, number, number + 1,
        np.full(n, flags, np.uint8), [None] * n, [""] * n, values,
    )  # fmt: skip


class Stream:
    """A detector and how far it has come."""

    def __init__(self, **config: float) -> None:
        self.detector = ValuesOdd(ValuesConfig(**config))
        self.at = 0

    def chunk(self, fields: dict[str, list[float] | list[str]], flags: int = 0, sources: int = 1) -> Float32:
        batch = events(self.at, fields, flags, sources)
        nats = self.detector.score(batch)
        self.detector.learn(batch, nats)
        self.at += len(batch)
        return nats

    def look(self, **value: float | str) -> tuple[float, str]:
        """Nats of one event, and what an alert would say; nothing is learned."""
        fields: dict[str, Any] = {name: [told] for name, told in value.items()}
        batch = events(self.at, fields)
        nats = self.detector.score(batch)
        self.detector._fields._seen.take()
        self.detector._fields._texts.take()
        return float(nats[0]), self.detector.explain(batch, 0)


def statuses(count: int = CHUNK) -> list[float]:
    return [304.0 if i % 10 == 3 else 200.0 for i in range(count)]


def test_a_value_that_never_came_is_odd_and_says_what_is_usual() -> None:
    stream = Stream()
    for _ in range(4):
        stream.chunk({"status": statuses()})
    nats, said = stream.look(status=503.0)
    assert nats > 6
    assert said == "status 503; usual 200 304"
    assert stream.look(status=200.0)[0] == pytest.approx(0.0, abs=0.01)
    assert stream.look(status=304.0)[0] == pytest.approx(-np.log(0.1), abs=0.1)


def test_words_likewise() -> None:
    stream = Stream()
    for _ in range(3):
        stream.chunk({"zone": ["eu" if i % 2 else "us" for i in range(CHUNK)]})
    nats, said = stream.look(zone="mars")
    assert nats > 6
    assert said == "zone mars; usual eu us"
    assert stream.look(zone="eu")[0] == pytest.approx(0.0, abs=0.01)


def test_values_that_are_all_alike_are_none_of_them_rare() -> None:
    stream = Stream()
    for _ in range(3):
        stream.chunk({"shard": [float(i % 20) for i in range(CHUNK)]})
    assert stream.look(shard=7.0)[0] == pytest.approx(0.0, abs=0.01)


def test_nothing_is_said_before_enough_was_seen() -> None:
    stream = Stream()
    assert np.isnan(stream.chunk({"status": statuses(int(LEAST) - 1)})).all()
    assert np.isnan(stream.look(status=503.0)[0])


def test_a_field_of_ids_says_nothing() -> None:
    stream = Stream()
    for k in range(3):
        stream.chunk({"id": [f"{k}-{i}" for i in range(CHUNK)], "n": [1.0] * CHUNK})
    nats, said = stream.look(id="another")
    assert np.isnan(nats)
    assert said == ""


def test_a_field_of_few_values_may_become_one_of_ids_and_come_back() -> None:
    stream = Stream()
    stream.chunk({"user": ["a", "b"] * (CHUNK // 2)})
    assert stream.look(user="c")[0] > 5
    for k in range(2):
        stream.chunk({"user": [f"{k}-{i}" for i in range(CHUNK)]})
    assert np.isnan(stream.look(user="c")[0])
    for _ in range(AGAIN + 2):
        stream.chunk({"user": ["a", "b"] * (CHUNK // 2)})
    assert stream.look(user="c")[0] > 5


def test_a_number_far_out_is_odd_on_both_sides() -> None:
    rng = np.random.default_rng(0)
    stream = Stream()
    for _ in range(6):
        stream.chunk({"ms": rng.lognormal(4, 0.5, CHUNK).tolist()})
    nats, said = stream.look(ms=90_000.0)
    assert nats > 8
    assert said.startswith("ms 90000; usual ")
    low, high = (float(word) for word in said.partition("usual ")[2].split(" to "))
    assert 5 < low < 20
    assert 150 < high < 400
    assert stream.look(ms=0.001)[0] > 8
    assert stream.look(ms=55.0)[0] < 1
    assert stream.look(ms=9_000.0)[0] < nats


def test_a_counter_says_nothing() -> None:
    stream = Stream()
    for k in range(4):
        stream.chunk({"offset": [float(k * CHUNK + i) for i in range(CHUNK)]})
    assert np.isnan(stream.look(offset=1e12)[0])


def test_counters_of_many_streams_are_counters_too() -> None:
    stream = Stream()
    for k in range(6):
        stream.chunk({"offset": [k * CHUNK + i + (i % 3) * 1e6 for i in range(CHUNK)]}, sources=3)
    assert np.isnan(stream.look(offset=1e12)[0])


def test_what_alerted_is_not_learned() -> None:
    stream = Stream()
    for _ in range(3):
        stream.chunk({"status": statuses()})
    before = stream.look(status=503.0)[0]
    stream.chunk({"status": [503.0] * CHUNK}, flags=int(Flag.ALERTED))
    assert stream.look(status=503.0)[0] == before
    stream.chunk({"status": [503.0] * CHUNK})
    assert stream.look(status=503.0)[0] < 2


def test_a_habit_that_ended_becomes_news_again() -> None:
    stream = Stream(memory=2000.0)
    for _ in range(3):
        stream.chunk({"mode": ["a", "b"] * (CHUNK // 2)})
    assert stream.look(mode="b")[0] < 1
    for _ in range(30):
        stream.chunk({"mode": ["a"] * CHUNK})
    assert stream.look(mode="b")[0] > 5


def test_many_fields_are_many_chances() -> None:
    one, many = Stream(), Stream()
    for _ in range(3):
        one.chunk({"status": statuses()})
        many.chunk({"status": statuses(), **{f"f{k}": [1.0] * CHUNK for k in range(9)}})
    alone = one.look(status=503.0)[0]
    beside = many.look(status=503.0, **{f"f{k}": 1.0 for k in range(9)})[0]
    assert beside == pytest.approx(alone - np.log(10), abs=1e-3)


def test_fields_are_bounded_by_source() -> None:
    stream = Stream(per_source=3)
    for _ in range(2):
        stream.chunk({f"f{k}": [1.0] * CHUNK for k in range(6)}, sources=2)
    odd = [not np.isnan(stream.look(**{f"f{k}": 2.0})[0]) for k in range(6)]
    assert sum(odd) == 3


def test_fields_of_sources_are_their_own() -> None:
    stream = Stream()
    for _ in range(3):
        stream.chunk({"kind": ["a", "b"] * (CHUNK // 2)}, sources=2)
    batch = events(stream.at, {"kind": ["a", "a"]}, sources=2)
    nats = stream.detector.score(batch)
    assert nats[0] < 0.1
    assert nats[1] > 5


def test_without_fields_there_is_no_opinion_and_no_state() -> None:
    detector = ValuesOdd(ValuesConfig())
    batch = events(0, {"x": [1.0] * 64})
    batch.values = None
    assert np.isnan(detector.score(batch)).all()
    list(detector.changes())
    detector.learn(batch, np.zeros(64, np.float32))
    assert [name for name, _ in detector.changes()] == ["chunk"]


def test_slices_of_values_are_what_was_there() -> None:
    whole = Values([column("a", np.array([0, 2, 5]), [1.0, 2.0, 3.0]), column("b", np.array([1, 2]), ["x", "y"])], 0, 6)
    part = whole.take(1, 5).take(1, 4)  # rows 2 to 4
    assert part.row(0) == {"a": 2.0, "b": "y"}
    assert part.row(1) == {}
    assert [one.name for one in whole.take(3, 6).columns()] == ["a"]


def test_buckets_rise_with_the_number() -> None:
    numbers = np.array([-1e15, -1e6, -1.0, -1e-9, 0.0, 1e-9, 0.5, 1.0, 1.5, 2.0, 1e6, 1e20])
    buckets = bucket_of(numbers)
    assert (np.diff(buckets) >= 0).all()
    assert buckets.min() >= 0
    some = np.array([0.01, 1.0, 1.5, 3e5])
    assert (edge(bucket_of(some)) <= some).all()
    assert (edge(bucket_of(some) + 1) > some).all()


def test_tails_of_an_empty_past_are_no_surprise() -> None:
    assert tails(np.array([5.0]), np.array([0]), np.zeros((1, 192), np.float32))[0] == pytest.approx(0.0)


def test_room_for_values_is_what_it_says() -> None:
    stream = Stream()
    for _ in range(3):
        stream.chunk({"kind": [float(i % SLOTS) for i in range(CHUNK)]})
    assert stream.look(kind=0.0)[0] == pytest.approx(0.0, abs=0.01)
    assert stream.look(kind=99.0)[0] > 4


def test_ids_whose_holders_speak_in_turns_are_a_counter() -> None:
    stream = Stream()
    for k in range(12):
        ids = [float(1000 + 40 * (k * CHUNK + i) // 40 - 7 * (i % 5)) for i in range(CHUNK)]
        stream.chunk({"pid": ids, "ms": [float(1 + (i * 37) % 100) for i in range(CHUNK)]})
    assert np.isnan(stream.look(pid=10.0**6)[0])
    assert stream.look(ms=10.0**6)[0] > 8


def test_records_of_one_distribution_make_no_counter() -> None:
    stream, rng = Stream(), np.random.default_rng(3)
    for _ in range(30):
        stream.chunk({"ms": rng.lognormal(3.0, 2.0, CHUNK).tolist()})
        at, _, spread = stream.detector._fields.fields.kinds(stream.detector._fields.fields.table.entries()[0], 1, True)
        assert (at >= 0).all()
    assert spread.any()
    assert stream.look(ms=10.0**9)[0] > 8
