"""`gap`: too late, and too early where short gaps are rare."""

from __future__ import annotations

import numpy as np
import pytest

from logwatch.score.detector_configs import GapConfig
from logwatch.score.detectors.gap import MILLISECOND, Gap, octave
from logwatch.score.keys import KeyTable
from logwatch.types import NO_TIME
from tests.score.simulated import SECOND, events


class Feed:
    """Feeds one key with gaps before events of one template."""

    def __init__(self) -> None:
        self.table = KeyTable(Gap.FIELDS.dtype, 1000)
        self.detector = Gap(GapConfig(), self.table)
        self.now = 10**18

    def __call__(self, gaps: list[float], template: int = 1, key: str = "k") -> np.ndarray:
        time = self.now + np.cumsum(np.array(gaps) * SECOND).astype(np.int64)
        self.now = int(time[-1])
        n = len(gaps)
        batch = events([0] * n, [key] * n, time, [template] * n)
        batch.slot = self.table.assign(batch.source, batch.stream, batch.entity)
        nats = self.detector.score(batch)
        self.detector.learn(batch, nats)
        return nats


def heartbeat() -> Feed:
    feed = Feed()
    for _ in range(20):
        feed([10.0] * 10)
    return feed


def test_a_keys_first_event_and_a_young_histogram_have_no_opinion() -> None:
    feed = Feed()
    assert np.isnan(feed([10.0] * 10)).all()
    assert np.isnan(heartbeat()([10.0], key="other")).all()


def test_a_heartbeat_is_judged_late_and_early_but_not_in_time() -> None:
    feed = heartbeat()
    usual, late, early = (feed([gap])[0] for gap in (10.0, 60.0, 0.5))
    assert usual == pytest.approx(0, abs=0.01)
    assert late > 4.5
    assert early > 4.5


def test_a_short_gap_says_nothing_where_short_gaps_are_common() -> None:
    feed = Feed()
    for _ in range(20):
        feed([0.001] * 9 + [30.0])
    assert feed([0.001])[0] == pytest.approx(0, abs=0.2)
    assert feed([900.0])[0] > 4.5


def test_templates_have_histograms_of_their_own() -> None:
    feed = heartbeat()
    for _ in range(20):
        feed([300.0] * 10, template=2)
    assert feed([300.0], template=2)[0] < 0.1
    assert feed([300.0], template=1)[0] > 4.5


def test_old_gaps_age_out() -> None:
    feed = heartbeat()
    for _ in range(200):
        feed([100.0] * 100)
    assert feed([10.0])[0] > 4


def test_time_that_goes_back_or_is_missing_is_never_an_error() -> None:
    feed = heartbeat()
    assert np.isfinite(feed([-5000.0])).all()
    batch = events([0], ["k"], [NO_TIME + 5 * SECOND], [1])
    batch.slot, batch.time[0] = feed.table.assign(batch.source, batch.stream, batch.entity), NO_TIME
    assert np.isnan(feed.detector.score(batch)).all()


def test_octaves_double() -> None:
    gaps = np.array([0, 1, 2, 3, 6, 7, 2**40], dtype=np.int64) * MILLISECOND
    assert octave(gaps).tolist() == [0, 1, 1, 2, 2, 3, 31]


def test_gaps_of_the_loser_count_for_the_winner_of_a_merge() -> None:
    feed = heartbeat()
    feed.detector.merged([(1, 5)])
    assert feed([60.0], template=5)[0] > 4.5
