"""`new`: first occurrences, by source; what is usual for a source that makes many; what was long forgotten."""

from __future__ import annotations

import numpy as np

from logwatch.score.detector_configs import NewConfig
from logwatch.score.detectors.novelty import Novelty
from tests.score.simulated import events


def feed(
    detector: Novelty, template: list[int], source: int = 0, flags: list[int] | None = None, level: int = 0
) -> np.ndarray:
    n = len(template)
    batch = events([source] * n, [None] * n, np.arange(n) * 10**9 + 10**18, template, flags=flags)
    batch.level[:] = level
    nats = detector.score(batch)
    detector.learn(batch, nats)
    return nats


def settled(**config: int) -> Novelty:
    detector = Novelty(NewConfig(**config))
    for _ in range(50):
        feed(detector, [1, 2, 3, 4] * 16)
    return detector


def test_the_first_chunk_of_a_source_is_no_news() -> None:
    assert feed(Novelty(NewConfig()), [1, 2, 3]).tolist() == [0, 0, 0]


def test_only_the_first_occurrence_is_news_also_inside_one_batch() -> None:
    nats = feed(settled(), [1, 9, 9, 2, 8, 9, 8])
    assert (nats > 0).tolist() == [False, True, False, False, True, False, False]
    assert nats[1] > 5


def test_another_source_has_not_seen_it() -> None:
    detector = settled()
    feed(detector, [1, 2] * 200, source=1)
    assert feed(detector, [3], source=1)[0] > 0
    assert feed(detector, [3], source=0)[0] == 0


def test_a_source_that_keeps_making_templates_surprises_less() -> None:
    steady, spawning = settled(), Novelty(NewConfig())
    for i in range(50):
        feed(spawning, [1, 2, 3, 4] * 15 + [100 + 4 * i, 101 + 4 * i, 102 + 4 * i, 103 + 4 * i])
    assert feed(spawning, [9999])[0] < 3.5 < 5 < feed(steady, [9999])[0]


def test_a_new_error_is_measured_by_new_errors_not_by_harmless_news() -> None:
    """A source that makes many templates, among them few errors; a warning is no error, a fatal one is."""
    detector = settled()
    for new in range(100, 200, 5):
        feed(detector, [*range(new, new + 5), *[1, 2] * 30], level=3)
        feed(detector, [1000 + new, *[1, 2] * 30], level=5)
    harmless, warning, error, fatal = (feed(detector, [2000 + level], level=level)[0] for level in (3, 5, 6, 7))
    assert harmless < warning < error
    assert fatal < error  # the error before it was one
    unknown = feed(detector, [3000])[0]
    assert unknown < warning


def test_a_template_not_seen_for_long_is_news_again() -> None:
    detector = settled(forget=1000)
    assert feed(detector, [4])[0] == 0
    for _ in range(20):
        feed(detector, [1, 2, 3] * 20)
    assert feed(detector, [4])[0] > 0
    assert feed(detector, [4])[0] == 0


def test_news_that_alerted_does_not_raise_the_rate_of_novelty() -> None:
    calm, flagged = settled(), settled()
    feed(calm, list(range(50, 90)))
    feed(flagged, list(range(50, 90)), flags=[1] * 40)
    assert feed(flagged, [777])[0] > feed(calm, [777])[0] + 1
    assert feed(flagged, [60])[0] == 0


def test_the_winner_of_a_merge_is_known_where_the_loser_was() -> None:
    detector = settled()
    detector.merged([(3, 20), (20, 21)])
    assert feed(detector, [21])[0] == 0
    assert feed(detector, [3])[0] > 0


def test_a_merge_of_two_known_templates_remembers_the_later_sight() -> None:
    detector = settled(forget=1000)
    for _ in range(10):
        feed(detector, [1, 2] * 30)  # 3 and 4 were last seen 600 events ago
    feed(detector, [3])
    detector.merged([(3, 4)])
    for _ in range(10):
        feed(detector, [1, 2] * 30)
    assert feed(detector, [4])[0] == 0
