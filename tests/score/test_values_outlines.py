"""`values`: lines that bring words, or a word and an address, together for the first time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from logwatch.score.detector_configs import ValuesConfig
from logwatch.score.detectors.values import NEW_NETWORKS, NEW_WORDS, ValuesOdd
from logwatch.score.detectors.values_outlines import BUSY, TRIED
from logwatch.types import EventBatch, Flag

SECOND = 10**9
CHUNK = 500
USERS = ("bob", "ann", "git", "eve")


def events(first: int, texts: Sequence[str], template: int = 0, flags: int = 0, source: int = 0) -> EventBatch:
    n = len(texts)
    zero, number = np.full(n, source, np.int32), np.arange(first, first + n, dtype=np.int64)
    return EventBatch(
        first, zero, zero, zero, number * SECOND, number * SECOND, np.zeros(n, np.int8),
        np.full(n, template, np.int32), number, number + 1, np.full(n, flags, np.uint8), [None] * n, list(texts),
    )  # fmt: skip


class Stream:
    """A detector and how far it has come."""

    def __init__(self) -> None:
        self.detector, self.at = ValuesOdd(ValuesConfig()), 0

    def chunk(self, texts: Sequence[str], template: int = 0, flags: int = 0) -> None:
        batch = events(self.at, texts, template, flags)
        self.detector.learn(batch, self.detector.score(batch))
        self.at += len(batch)

    def look(self, text: str, template: int = 0) -> tuple[float, str]:
        batch = events(self.at, [text], template)
        return float(self.detector.score(batch)[0]), self.detector.explain(batch, 0)


def logins(accepted: str = "10.0.1", refused: str = "10.9.9") -> list[str]:
    return [
        f"{('Accepted', 'Refused')[i % 2]} key for {USERS[i // 2 % 4]} from {(accepted, refused)[i % 2]}.{i % 200}"
        for i in range(CHUNK)
    ]


def test_usual_words_in_a_new_company_are_news() -> None:
    stream = Stream()
    for _ in range(4):
        stream.chunk(["fan on", "pump off"] * (CHUNK // 2))
    assert stream.look("pump off")[0] == 0.0
    nats, said = stream.look("pump on")
    assert nats > 5
    assert said == NEW_WORDS


def test_an_address_that_is_usual_elsewhere_is_news_where_it_never_was() -> None:
    stream = Stream()
    for _ in range(4):
        stream.chunk(logins())
    assert stream.look("Accepted key for bob from 10.0.1.7")[0] == 0.0
    nats, said = stream.look("Accepted key for bob from 10.9.9.7")
    assert nats > 4
    assert said == NEW_NETWORKS


def test_lines_that_always_bring_something_new_are_no_news_and_not_kept() -> None:
    stream, names = Stream(), iter(range(10**6))
    letters = str.maketrans("0123456789", "ghijklmnop")
    for _ in range(TRIED // CHUNK + 4):
        stream.chunk(["fan on"] * CHUNK, template=1)
        stream.chunk([f"seen {next(names):06d}".translate(letters) for _ in range(CHUNK)], template=2)
    before = len(stream.detector._outlines._seen)
    stream.chunk([f"seen {next(names):06d}".translate(letters) for _ in range(CHUNK)], template=2)
    assert len(stream.detector._outlines._seen) == before
    assert BUSY < 0.5
    assert stream.look("seen xyxyxy", template=2)[0] == 0.0
    assert stream.look("fan off", template=1)[0] > 5  # another template's habit is its own


def test_a_template_that_was_never_seen_is_no_news_of_its_words() -> None:
    stream = Stream()
    for _ in range(4):
        stream.chunk(["fan on"] * CHUNK)
    assert np.isnan(stream.look("pump off", template=9)[0])


def test_what_alerted_is_not_learned() -> None:
    stream = Stream()
    for _ in range(4):
        stream.chunk(["fan on", "fan off"] * (CHUNK // 2))
    first = stream.look("fan broken")[0]
    stream.chunk(["fan broken"] * 10, flags=int(Flag.ALERTED))
    assert stream.look("fan broken")[0] == pytest.approx(first, abs=0.1)
    stream.chunk(["fan broken"] * 10)
    assert stream.look("fan broken")[0] == 0.0


@pytest.mark.parametrize("later", ["Dec 1 10:00:00 CEST fan on", "Sat Nov 30 10:00:00 UTC fan on"])
def test_another_day_or_zone_is_no_new_line(later: str) -> None:
    stream = Stream()
    for _ in range(4):
        stream.chunk(["Nov 30 10:00:00 CET fan on", "Mon Nov 30 10:00:00 CET fan on"] * (CHUNK // 2))
    assert stream.look(later)[0] == 0.0


def test_sources_do_not_know_each_others_lines() -> None:
    stream = Stream()
    for _ in range(4):
        stream.chunk(["fan on", "pump off"] * (CHUNK // 2))
    batch = events(stream.at, ["fan on"], source=1)
    assert np.isnan(stream.detector.score(batch)[0])
