"""What the log LSTM notices, and what it says it expected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from logwatch.score.detector_configs import LstmConfig
from logwatch.score.keys import KeyTable
from logwatch.score.lstm import LogLstm, columns
from logwatch.score.lstm_model import Shape
from logwatch.types import EventBatch

SMALL = Shape(capacity=32, hidden=32, width=16)
SECOND = 10**9
WORDS = ["session opened", "query sent", "rows returned", "transaction committed", "session closed", "disk is full"]
BEGIN, STEPS, FULL = 0, 5, 5
CHUNK = 256


class Shop:
    """Sessions that run through steps 0 to 4, a second apart, many at a time; `turn` lets each take one step."""

    def __init__(self, learn_cap: float = 1e9) -> None:
        self.table = KeyTable(columns(SMALL))
        self.detector = LogLstm(LstmConfig(learn_cap=learn_cap), self.table, lambda i: WORDS[i % 6], SMALL)
        self.at = self.now = self.sessions = 0
        self.chunk: list[tuple[EventBatch, Any]] = []

    def say(self, keys: list[str], templates: list[int], seconds: float = 1.0) -> Any:
        """Nats of one event per key, all at one time."""
        self.now += int(seconds * SECOND)
        n = len(keys)
        zero, at = np.zeros(n, dtype=np.int32), np.arange(self.at, self.at + n)
        slots = self.table.assign(zero, zero, list(keys))
        time = np.full(n, self.now + 10**18)
        events = EventBatch(
            self.at, zero, zero, slots, time, time, np.zeros(n, dtype=np.int8), np.array(templates, dtype=np.int32),
            at, at + 1, np.zeros(n, dtype=np.uint8), [], [""] * n,
        )  # fmt: skip
        nats = self.detector.score(events)
        self.table.touch(slots, self.at)
        self.table.rows["last"][slots] = time
        self.at += n
        self.chunk.append((events, nats))
        if sum(len(part) for part, _ in self.chunk) >= CHUNK:
            self.learn()
        return nats

    def learn(self) -> None:
        parts, nats = zip(*self.chunk, strict=True)
        names = ("source", "stream", "slot", "time", "watermark", "level", "template", "start", "end", "flags")
        joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        whole = EventBatch(parts[0].first, **joined, entity=[], text=[""] * len(joined["time"]))
        self.detector.learn(whole, np.concatenate(nats))
        self.chunk = []

    def serve(self, rounds: int, width: int = 16) -> None:
        """Whole sessions."""
        for _ in range(rounds):
            keys = [f"s{self.sessions + i}" for i in range(width)]
            self.sessions += width
            for step in range(STEPS):
                self.say(keys, [step] * width)


@pytest.fixture(scope="module")
def trained() -> Iterator[Shop]:
    shop = Shop()
    shop.serve(120)
    yield shop
    shop.detector.close()


def test_a_usual_order_is_no_surprise_and_a_broken_one_is(trained: Shop) -> None:
    usual = [float(trained.say(["a"], [step])[0]) for step in range(STEPS)]
    broken = [float(trained.say(["b"], [step])[0]) for step in (0, 1, 4)]
    assert max(usual) < 0.5
    assert broken[-1] > 2.5


def test_it_says_what_it_expected_instead(trained: Shop) -> None:
    for step in (0, 1, 2):
        trained.say(["c", "d"], [step, step])
    trained.say(["c", "d"], [3, 0])
    before = trained.detector.expected([1])[0]
    assert before[0].template == "transaction committed"
    assert before[0].probability > 0.8
    following = trained.detector.expected_next(trained.table.assign(*[np.zeros(1, np.int32)] * 2, ["c"]).tolist())[0]
    assert following[0].template == "session closed"
    assert len(following) == 3


def test_a_template_born_in_the_chunk_has_bounded_nats(trained: Shop) -> None:
    trained.say(["e"], [0])
    assert 5.0 < float(trained.say(["e"], [FULL])[0]) <= 20.0


def test_silence_in_the_middle_is_more_surprising_than_after_the_end() -> None:
    shop = Shop()
    for _ in range(60):
        shop.serve(2)
        shop.say(["clock"], [1], seconds=30)
    for step in (0, 1):
        shop.say(["half"], [step])
    half = shop.detector.silence[0]
    for step in range(STEPS):
        shop.say(["whole"], [step])
    whole = shop.detector.silence[0]
    shop.detector.close()
    assert half[0] > whole[0] + 1.5


def test_a_rare_template_is_kept_out_of_learning() -> None:
    shop = Shop()
    shop.serve(40)
    told = []
    for i in range(80):
        shop.serve(1)
        key = f"rare{i}"
        for step in (0, 1):
            shop.say([key], [step])
        if i % 4 == 0:  # in 1.5 % of the visits
            told.append(float(shop.say([key], [FULL])[0]))
    shop.detector.close()
    assert min(told[-5:]) > 5.0


def test_what_becomes_a_habit_is_learned() -> None:
    shop = Shop()
    shop.serve(40)
    told = []
    for i in range(80):
        shop.serve(1)
        keys = [f"new{i}.{j}" for j in range(8)]
        for step in (0, 1, FULL):
            nats = shop.say(keys, [step] * 8)
        told.append(float(nats.mean()))
    shop.detector.close()
    assert told[0] > 5.0
    assert told[-1] < 2.0


def test_the_cap_bounds_what_is_learned_by_event_time() -> None:
    slow, capped = Shop(), Shop(learn_cap=1.0)
    for shop in (slow, capped):
        shop.serve(40)
        shop.detector.close()
    assert slow.detector.trained_events / slow.detector.seen_events > 0.9
    assert 0.0 < capped.detector.trained_events / capped.detector.seen_events < 0.5


def test_a_merged_template_keeps_what_was_learned(trained: Shop) -> None:
    trained.say(["f"], [0])
    trained.detector.merged([(1, 31)])
    trained.learn()
    assert float(trained.say(["f"], [31])[0]) < 0.5
