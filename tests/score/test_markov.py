"""`markov`: what follows what, backed off to shorter contexts, and forgotten."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from logwatch.score.detector_configs import MarkovConfig
from logwatch.score.detectors import markov
from logwatch.score.detectors.markov import Markov
from logwatch.score.keys import KeyTable
from tests.score.simulated import events


class Feed:
    """Feeds one key, or several, with lists of templates."""

    def __init__(self, **config: Any) -> None:
        self.table = KeyTable(Markov.FIELDS.dtype, 1000)
        self.detector = Markov(MarkovConfig(**config), self.table)

    def __call__(self, template: list[int], key: str = "k", flags: list[int] | None = None) -> np.ndarray:
        n = len(template)
        batch = events([0] * n, [key] * n, np.arange(n) + 10**18, template, flags=flags)
        batch.slot = self.table.assign(batch.source, batch.stream, batch.entity)
        nats = self.detector.score(batch)
        self.detector.learn(batch, nats)
        return nats


def test_no_opinion_before_anything_was_learned() -> None:
    assert np.isnan(Feed()([1, 2, 3])).all()


def test_two_templates_back_decide() -> None:
    feed = Feed()
    for _ in range(100):
        feed([1, 5, 2, 3, 5, 4])  # after 5 comes 2 or 4: which one, the template before 5 says
    good, bad = feed([1, 5, 2], "a"), feed([1, 5, 4], "b")
    assert good[2] < 0.1
    assert bad[2] > 3


def test_keys_have_contexts_of_their_own_also_interleaved_and_across_batches() -> None:
    feed = Feed()
    for _ in range(100):
        feed([1, 2, 3, 4], "a")
    feed([1, 2], "b")
    feed([4, 4], "c")
    assert feed([3], "b")[0] < 0.1


def test_p_is_counts_over_total_where_there_is_plenty() -> None:
    feed = Feed(strength=0.01)
    for _ in range(400):
        feed([1, 2] * 3 + [1, 3])
    assert feed([2, 1, 2], "x")[2] == pytest.approx(-np.log(5 / 7), abs=0.2)


def test_a_habit_is_forgotten_as_its_context_is_seen_again() -> None:
    feed = Feed(memory=500.0)
    for _ in range(5):
        feed([1, 2] * 100)
    before = feed([1, 2])[1]
    for _ in range(30):
        feed([1, 3] * 100)
    assert feed([1, 2])[1] > before + 2


def test_what_alerted_is_not_learned() -> None:
    calm, flagged = Feed(), Feed()
    for feed, flags in ((calm, [0] * 5), (flagged, [0, 0, 1, 0, 0])):
        for _ in range(50):
            feed([1, 2, 9, 1, 2], flags=flags)
    assert flagged([1, 2, 9], "x")[2] > calm([1, 2, 9], "x")[2] + 2


def test_counts_and_contexts_move_to_the_winner_of_a_merge() -> None:
    feed = Feed()
    for _ in range(100):
        feed([1, 5, 2])
        feed([1, 6, 3])
    feed([1, 6], "open")
    feed.detector.merged([(6, 5)])
    nats = feed([1, 5, 2], "x")
    assert nats[2] == pytest.approx(np.log(2), abs=0.1)
    assert feed([3], "open")[0] == pytest.approx(np.log(2), abs=0.1)


@pytest.mark.parametrize("cells", [1, 150, 1 << 20])
def test_looking_once_for_what_is_alike_changes_nothing(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    rng = np.random.default_rng(5)
    said = [rng.integers(0, kinds, 900).tolist() for kinds in (3, 12, 40, 12)]
    plain, quick = Feed(), Feed()
    monkeypatch.setattr(markov, "MANY", 10**9)
    expected = [plain(template) for template in said]
    monkeypatch.setattr(markov, "MANY", 1)
    monkeypatch.setattr(markov, "CELLS", cells)
    for template, nats in zip(said, expected, strict=True):
        np.testing.assert_array_equal(quick(template), nats)
    assert dict(quick.detector.changes()) == dict(plain.detector.changes())
