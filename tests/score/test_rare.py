"""`rare`: shares of visits where there are entities, of blocks of lines elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from logwatch.score.detector_configs import RareConfig
from logwatch.score.detectors.rare import BLOCK, Rare, too_rare
from logwatch.score.keys import KeyTable
from logwatch.types import Flag
from tests.score.simulated import SECOND, events, odd_have_entities

PLAIN, VISITED = 0, 1


class Feed:
    """Feeds lists of (entity, template), one event a second."""

    def __init__(self) -> None:
        self.table = KeyTable(Rare.FIELDS.dtype, 10_000)
        self.detector = Rare(RareConfig(), self.table, odd_have_entities)
        self.now = 10**18

    def __call__(
        self, source: int, rows: list[tuple[str | None, int]], learn: bool = True, alerted: bool = False
    ) -> np.ndarray:
        n = len(rows)
        time = self.now + np.arange(n) * SECOND
        self.now += n * SECOND
        batch = events([source] * n, [row[0] for row in rows], time, [row[1] for row in rows])
        batch.slot = self.table.assign(batch.source, batch.stream, batch.entity)
        nats = self.detector.score(batch)
        batch.flags = batch.flags | np.uint8(Flag.ALERTED if alerted else 0)
        if learn:
            self.detector.learn(batch, nats)
        return nats


def test_a_visits_share_is_of_visits_however_often_the_template_stands_in_one() -> None:
    feed = Feed()
    for i in range(0, 1000, 10):
        rows = [(f"v{i + j}", t) for j in range(10) for t in (1, 2, 2, 2, 2)]
        rows += [(f"v{i}", 3)] * 30  # one visit in ten, and many times
        feed(VISITED, rows)
    nats = feed(VISITED, [("x", 1), ("x", 3), ("x", 4)], learn=False)
    assert nats[0] == pytest.approx(0, abs=0.01)
    assert nats[1] == pytest.approx(np.log(10), abs=0.05)
    assert nats[2] > np.log(1000)


def test_a_visit_that_goes_on_in_the_next_chunk_counts_once() -> None:
    feed = Feed()
    for i in range(100):
        feed(VISITED, [(f"v{i}", 1), (f"v{i - 1}", 1)] + [(f"v{i - 1}", 2)] * (i % 10 == 0))
    assert feed(VISITED, [("x", 2)], learn=False)[0] == pytest.approx(np.log(10), abs=0.2)


def test_what_a_person_called_real_stays_as_rare_as_it_was() -> None:
    feed = Feed()
    for i in range(200):
        feed(VISITED, [(f"v{i}", 1)])
    first = feed(VISITED, [("x", 2)], learn=False)[0]
    for i in range(200, 300):
        feed(VISITED, [(f"v{i}", 1)])
        feed(VISITED, [(f"v{i}", 2)], alerted=True)
    assert first > np.log(100)
    assert feed(VISITED, [("y", 2)], learn=False)[0] >= first


def test_without_entities_a_burst_counts_as_one_block() -> None:
    feed = Feed()
    for i in range(200):
        burst = [(None, 2)] * (BLOCK // 2) if i % 20 == 0 else [(None, 1)] * (BLOCK // 2)
        feed(PLAIN, burst + [(None, 1)] * (BLOCK // 2))
    nats = feed(PLAIN, [(None, 1), (None, 2), (None, 3)], learn=False)
    assert nats[0] == pytest.approx(0, abs=0.02)
    assert nats[1] == pytest.approx(np.log(20), abs=0.1)
    assert nats[2] > 5


def test_a_block_filled_by_small_chunks_counts_its_template_once() -> None:
    feed = Feed()
    for i in range(40 * BLOCK):
        feed(PLAIN, [(None, 2 if i // BLOCK % 4 == 0 else 1)])
    assert feed(PLAIN, [(None, 2)], learn=False)[0] == pytest.approx(np.log(4), abs=0.1)


def test_lines_without_an_entity_are_not_one_endless_visit() -> None:
    feed = Feed()
    for i in range(100):
        feed(VISITED, [(f"v{i}", 1), (f"v{i}", 2)] + [(None, 7)] * 30)
    nats = feed(VISITED, [(None, 7), ("x", 1), ("x", 7)], learn=False)
    assert nats[0] < 0.1
    assert nats[1] < 0.1
    assert nats[2] > 4


def test_nothing_is_rare_before_anything_was_learned() -> None:
    assert Feed()(PLAIN, [(None, 1), (None, 2)]).tolist() == [0, 0]


def test_the_losers_visits_count_for_the_winner_of_a_merge() -> None:
    feed = Feed()
    for i in range(200):
        feed(VISITED, [(f"v{i}", 1), (f"v{i}", 2 if i % 2 else 3)])
    feed.detector.merged([(2, 3)])
    assert feed(VISITED, [("x", 3)], learn=False)[0] == pytest.approx(0, abs=0.02)


def test_too_rare_is_under_two_percent_of_the_visits() -> None:
    feed = Feed()
    for i in range(400):
        feed(VISITED, [(f"v{i}", 1)] + [(f"v{i}", 2)] * (i % 20 == 0) + [(f"v{i}", 3)] * (i % 100 == 0))
    assert too_rare(feed(VISITED, [("x", 1), ("x", 2), ("x", 3)], learn=False)).tolist() == [False, False, True]
