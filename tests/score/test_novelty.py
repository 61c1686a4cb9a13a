"""`new`: first occurrences, by source; what is usual for a source that makes many; what was long forgotten."""

from __future__ import annotations

import numpy as np

from logwatch.score.detector_configs import NewConfig
from logwatch.score.detectors.novelty import Novelty
from logwatch.types import NO_TIME
from tests.score.simulated import events


def feed(
    detector: Novelty, template: list[int], source: int = 0, flags: list[int] | None = None, level: int = 0,
    day: float = 0.0,
) -> np.ndarray:  # fmt: skip
    n = len(template)
    time = np.arange(n) * 10**9 + 10**18 + int(day * 86_400e9)
    batch = events([source] * n, [None] * n, time, template, flags=flags)
    batch.level[:] = level
    nats = detector.score(batch)
    detector.learn(batch, nats)
    return nats


def settled(**config: float) -> Novelty:
    detector = Novelty(NewConfig(**config))  # type: ignore[arg-type]  # checked by pydantic
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


def test_what_stops_occurring_is_news_again_by_its_sources_own_time() -> None:
    detector = settled()  # on day 0, with the last of templates 3 and 4
    for day in range(1, 40):
        feed(detector, [1, 2] * 40, day=day)
        if day == 25:
            assert feed(detector, [3], day=day)[0] == 0  # 25 days are no long time
    assert feed(detector, [4], day=40)[0] > 5
    assert feed(detector, [3, 1, 2], day=40).tolist() == [0, 0, 0]
    assert feed(detector, [4], day=40)[0] == 0  # it was seen again


def test_a_service_that_was_off_for_long_says_nothing_new() -> None:
    detector = settled()
    assert not feed(detector, [1, 2, 3, 4], day=200).any()


def test_by_forget_after_a_template_is_forgotten_sooner_or_never() -> None:
    for forget_after, news in ((4 * 86_400, True), (0, False), (10**9, False)):
        detector = settled(forget_after=forget_after)
        for day in range(1, 16):
            feed(detector, [1, 2] * 40, day=day)
        assert bool(feed(detector, [4], day=16)[0] > 0) is news


def test_when_a_template_was_seen_survives_a_restart_and_a_merge() -> None:
    detector = settled()
    for day in range(1, 36):
        feed(detector, [1, 2] * 40 + [5] * (day == 20), day=day)
    again = Novelty(NewConfig())
    again.restore({name: cell for name, cell in detector.changes() if cell is not None})
    again.merged([(3, 6), (5, 7)])
    assert (feed(again, [6, 7], day=36) > 0).tolist() == [True, False]


def test_a_source_without_times_forgets_by_events_alone() -> None:
    detector = Novelty(NewConfig(forget_after=1))
    for _ in range(60):
        batch = events([0] * 64, [None] * 64, np.zeros(64), [1, 2, 3, 4] * 16)
        batch.watermark[:] = NO_TIME
        detector.learn(batch, detector.score(batch))
    assert not detector.score(batch).any()
