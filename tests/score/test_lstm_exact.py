"""The log LSTM gives the same bits however the stream is split, and wherever it is interrupted and resumed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logwatch.score import lstm_scorer, versions
from logwatch.score.detector_configs import LstmConfig
from logwatch.score.keys import KeyTable
from logwatch.score.lstm import LogLstm, columns
from logwatch.score.lstm_model import Shape
from logwatch.types import EventBatch, Flag

SMALL = Shape(capacity=48, hidden=16, width=16)
CONFIG = LstmConfig(learn_cap=1e9, seed=3)
CHUNKS = (16, 48, 64)  # as the pipeline's, but smaller
SECOND = 10**9


def synthetic(count: int, keys: int, seed: int) -> dict[str, np.ndarray[Any, Any]]:
    """Events of `keys` keys that walk through templates in order, with strays, bursts, pauses and new templates."""
    rng = np.random.default_rng(seed)
    key = np.where(rng.random(count) < 0.3, 0, rng.integers(0, keys, count)).astype(np.int32)
    place: dict[int, int] = {}
    template = np.empty(count, dtype=np.int32)
    for i, k in enumerate(key.tolist()):
        place[k] = place.get(k, k) + 1
        template[i] = place[k] % 7 if rng.random() < 0.95 else rng.integers(7, 10 + i // 8)
    pauses = np.where(rng.random(count) < 0.02, 400, 1)
    time = np.cumsum(rng.integers(0, 2 * SECOND, count) * pauses) + 10**18
    flags = np.where(rng.random(count) < 0.02, int(Flag.ALERTED), 0).astype(np.uint8)
    return {"key": key, "template": template, "time": time, "flags": flags}


def events_of(stream: dict[str, np.ndarray[Any, Any]], slots: np.ndarray[Any, Any], rows: slice) -> EventBatch:
    n = rows.stop - rows.start
    source = stream["key"][rows] % 2
    at = np.arange(rows.start, rows.stop)
    time = stream["time"][rows]
    return EventBatch(
        rows.start, source, stream["key"][rows], slots, time, time - 5 * SECOND, np.zeros(n, dtype=np.int8),
        stream["template"][rows], at, at + 1, stream["flags"][rows], [], [""] * n,
    )  # fmt: skip


@dataclass
class Pipeline:
    """The order in which the pipeline calls the detector."""

    stream: dict[str, np.ndarray[Any, Any]]
    capacity: int = 1000
    config: LstmConfig = CONFIG
    cells: dict[str, bytes] = field(default_factory=dict)
    keys: dict[str, bytes] = field(default_factory=dict)
    spilled: dict[str, bytes] = field(default_factory=dict)
    beside: bool = False
    at: int = 0
    begun: int = 0
    chunk: int = 0
    told: dict[int, Callable[[LogLstm], None]] = field(default_factory=dict)  # at the end of a chunk
    nats: list[Any] = field(default_factory=list)
    silence: list[Any] = field(default_factory=list)
    slots: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.table = KeyTable(columns(SMALL), self.capacity, self.spilled.get)
        self.detector = LogLstm(self.config, self.table, lambda i: f"step {i % 5} of job type {i}", SMALL)

    def interrupt(self) -> None:
        """Commit, die, start again."""
        for store, part in (
            (self.cells, self.detector), (self.keys, self.table), (self.spilled, self.table.spilled),
        ):  # fmt: skip
            for name, cell in part.changes():
                if cell is None:
                    store.pop(name, None)
                else:
                    store[name] = cell
        self.detector.close()
        self.open()
        self.table.restore(self.keys)
        self.detector.restore(self.cells)

    def advance(self, most: int) -> None:
        """One sub-batch of at most `most` events, and the chunk's end where it is reached."""
        size = CHUNKS[min(self.chunk, len(CHUNKS) - 1)]
        end = min(self.at + most, self.begun + size, len(self.stream["key"]))
        rows = slice(self.at, end)
        key = self.stream["key"][rows]
        slots = self.table.assign(key % 2, key, [None] * len(key))
        events = events_of(self.stream, slots, rows)
        if self.beside:
            self.detector.begin(events)
        self.nats.append(self.detector.score(events))
        self.silence.append(self.detector.silence)
        self.slots.append(slots)
        self.table.touch(slots, self.at)
        self.table.rows["last"][slots] = events.time
        self.at = end
        if end == self.begun + size:
            self.end_chunk(slice(self.begun, end))

    def end_chunk(self, rows: slice) -> None:
        slots = np.concatenate(self.slots)[rows]
        if self.chunk % 3 == 2:
            self.detector.merged([(15 + self.chunk, 3), (20 + self.chunk, 21 + self.chunk)])
        self.detector.learn(events_of(self.stream, slots, rows), np.concatenate(self.nats)[rows])
        self.table.evict(self.table.surplus())
        if self.chunk in self.told:
            self.told[self.chunk](self.detector)
        self.begun, self.chunk = rows.stop, self.chunk + 1

    def run(self, splits: list[int], interruptions: set[int] | None = None) -> tuple[bytes, bytes]:
        step = 0
        while self.at < len(self.stream["key"]):
            self.advance(splits[step % len(splits)])
            if step in (interruptions or set()):
                self.interrupt()
            step += 1
        self.detector.close()
        return np.concatenate(self.nats).tobytes(), np.concatenate(self.silence).tobytes()


@pytest.fixture(scope="module")
def stream() -> dict[str, np.ndarray[Any, Any]]:
    return synthetic(700, 12, seed=1)


@pytest.fixture(scope="module")
def whole(stream: dict[str, np.ndarray[Any, Any]]) -> tuple[bytes, bytes]:
    return Pipeline(stream).run([10_000])


def test_there_is_no_opinion_before_the_first_chunk_and_one_on_every_event_after_it(
    stream: dict[str, np.ndarray[Any, Any]], whole: tuple[bytes, bytes]
) -> None:
    nats = np.frombuffer(whole[0], dtype=np.float32)
    assert np.isnan(nats[:16]).all()
    assert ((nats[16:] >= 0.0) & (nats[16:] <= 20.0)).all()
    silence = np.frombuffer(whole[1], dtype=np.float32).reshape(-1, 4)
    assert (np.diff(silence, axis=1) >= 0.0).all()


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(splits=st.lists(st.integers(1, 70), min_size=1, max_size=5))
def test_any_split_gives_the_same_bits(
    stream: dict[str, np.ndarray[Any, Any]], whole: tuple[bytes, bytes], splits: list[int]
) -> None:
    assert Pipeline(stream).run(splits) == whole


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(splits=st.lists(st.integers(5, 40), min_size=1, max_size=3), stops=st.sets(st.integers(0, 60), max_size=6))
def test_any_interruption_gives_the_same_bits(
    stream: dict[str, np.ndarray[Any, Any]], whole: tuple[bytes, bytes], splits: list[int], stops: set[int]
) -> None:
    assert Pipeline(stream).run(splits, stops) == whole


def test_another_thread_gives_the_same_bits(
    stream: dict[str, np.ndarray[Any, Any]], whole: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lstm_scorer, "WORTH", 3)
    assert Pipeline(stream, beside=True).run([9, 2, 70], {4, 9}) == whole


def test_what_was_begun_for_other_events_is_not_taken_for_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lstm_scorer, "WORTH", 3)
    stream = synthetic(64, 4, seed=2)
    one, other = Pipeline(stream), Pipeline(stream)
    slots = one.table.assign(stream["key"] % 2, stream["key"], [None] * 64)
    one.detector.begin(events_of(stream, slots, slice(0, 64)))
    assert one.run([16]) == other.run([16])


def test_keys_are_the_same_to_the_last_bit_after_commits_in_mid_chunk() -> None:
    stream = synthetic(400, 150, seed=6)
    one, other = Pipeline(stream), Pipeline(stream)
    one.run([16])
    other.run([16], set(range(0, 25, 2)))
    rows = [{part.table.rows[slot].tobytes() for slot in part.table.in_use()} for part in (one, other)]
    assert rows[0] == rows[1]


def test_the_full_size_gives_the_same_bits_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "SMALL", Shape())
    stream = synthetic(330, 20, seed=5)
    assert Pipeline(stream).run([64]) == Pipeline(stream).run([7], {30})


def test_eviction_and_return_give_the_same_bits_across_interruptions(stream: dict[str, np.ndarray[Any, Any]]) -> None:
    one = Pipeline(stream, capacity=4)
    # Spilled rows live in the store: without a commit between eviction and return they are still in the table.
    assert one.run([64]) == Pipeline(stream, capacity=4).run([11], {3, 9, 20, 21, 40})


def test_events_one_at_a_time_over_many_keys() -> None:
    stream = synthetic(160, 40, seed=2)
    assert Pipeline(stream).run([1]) == Pipeline(stream).run([160])


def test_another_seed_gives_other_scores(stream: dict[str, np.ndarray[Any, Any]], whole: tuple[bytes, bytes]) -> None:
    assert Pipeline(stream, config=LstmConfig(learn_cap=1e9, seed=4)).run([64]) != whole


def test_frozen_learns_nothing_after_what_was_in_flight(stream: dict[str, np.ndarray[Any, Any]]) -> None:
    learned = Pipeline(stream)
    for _ in range(6):
        learned.advance(64)
    learned.interrupt()
    learned.config = CONFIG.model_copy(update={"learning": "frozen"})
    learned.interrupt()
    steps = set()
    while learned.at < 700:
        learned.advance(64)
        steps.add(learned.detector.version)
    assert len(steps) == 1
    learned.detector.close()


def test_what_is_saved_is_all_there_is(stream: dict[str, np.ndarray[Any, Any]]) -> None:
    pipeline = Pipeline(stream)
    for _ in range(9):
        pipeline.advance(30)
    pipeline.interrupt()
    before = dict(pipeline.cells)
    pipeline.detector._dirty = {"model", "step"}
    again = dict(pipeline.detector.changes())
    pipeline.detector.close()
    assert again["model"] == before["model"]
    assert again["step"] == before["step"]


def test_roll_backs_and_rebuilt_states_give_the_same_bits(
    stream: dict[str, np.ndarray[Any, Any]], whole: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "SPAN", 3)
    monkeypatch.setattr(versions, "WORSE", 0.0)  # every version counts as worse than the one before
    monkeypatch.setattr(versions, "WORSE_BY", -1e9)
    one = Pipeline(stream)
    expected = one.run([64])
    assert [row.state for row in one.detector.versions.rows].count("rolled back") >= 2
    assert expected != whole
    assert Pipeline(stream).run([13], {5, 18, 33, 34, 47}) == expected


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("better", [True, False])
def test_models_that_come_and_go_give_the_same_bits(
    stream: dict[str, np.ndarray[Any, Any]], whole: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch,
    at_once: bool, better: bool,
) -> None:  # fmt: skip
    """A model from elsewhere, one gone back to, templates that only the former knows, in any interruption."""
    for name, value in (("SPAN", 2), ("SHADOW", 2), ("LEAST", 20)):
        monkeypatch.setattr(versions, name, value)
    monkeypatch.setattr(versions.Versions, "better", property(lambda one: _decided(one, better)))
    elsewhere = Pipeline(synthetic(500, 12, seed=8))
    elsewhere.run([64])
    named, ids = elsewhere.detector.travelling()
    texts = [f"step {id % 5} of job type {id}" if id >= 0 else "" for id in ids]
    told = {
        3: lambda lstm: lstm.bring(named, texts, "b" * 64, at_once=at_once),
        9: lambda lstm: lstm.back_to(min(lstm.versions.weights)),
    }
    one = Pipeline(stream, told=told)
    expected = one.run([64])
    states = [row.state for row in one.detector.versions.rows if row.origin == "imported"]
    assert states == ["kept" if at_once or better else "refused"]
    assert one.detector.versions.open.parent
    assert expected != whole
    assert Pipeline(stream, told=told).run([13], {3, 5, 9, 14, 18, 25, 33, 34, 47}) == expected


def _decided(one: versions.Versions, better: bool) -> bool | None:
    return None if one.shadow is None or one.shadow.chunks < versions.SHADOW else better


def test_a_model_from_elsewhere_says_there_what_it_said_here() -> None:
    """With the same templates and none of its own learning, its surprises are the same to rounding."""
    trained = Pipeline(synthetic(700, 12, seed=1))
    trained.run([64])
    named, ids = trained.detector.travelling()
    table = KeyTable(columns(SMALL))
    fresh = LogLstm(CONFIG.model_copy(update={"learning": "frozen"}), table, lambda i: text_of(i - 1000), SMALL)
    fresh.begin_with(named, [id + 1000 if id >= 0 else -1 for id in ids], "b" * 64)
    for detector in (trained.detector, fresh):  # shares of the recent stream, by which strays are judged, do not travel
        tables = detector._scorer.tables
        detector._scorer.use(tables.with_shares(np.zeros(len(tables.stray))), detector._model.lineage)
    again = synthetic(300, 12, seed=4)
    one = _scored(trained.detector, trained.table, again, 0)
    other = _scored(fresh, table, again, 1000)
    known = ~np.isclose(one, lstm_scorer.UNSEEN)
    assert known.mean() > 0.8
    np.testing.assert_allclose(one[known], other[known], atol=1e-3)


def text_of(template: int) -> str:
    return f"step {template % 5} of job type {template}"


def _scored(detector: LogLstm, table: KeyTable, stream: dict[str, np.ndarray[Any, Any]], shift: int) -> Any:
    stream = {**stream, "template": stream["template"] + shift, "key": stream["key"] + 50}
    slots = table.assign(stream["key"] % 2, stream["key"], [None] * len(stream["key"]))
    return detector.score(events_of(stream, slots, slice(0, len(slots))))
