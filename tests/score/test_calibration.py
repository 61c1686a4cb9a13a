"""Calibration: frozen between chunk ends, blind to batches and interruptions, cheap to save."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwatch.errors import StateCorrupt
from logwatch.score import tail
from logwatch.score.calibration import Calibration
from logwatch.score.calibration_votes import BESIDE, UNLEARNED, Votes, believed
from logwatch.score.detectors import too_rare
from logwatch.types import Kind, UnitBatch

DETECTORS = ("lstm", "new", "rare", "markov", "silence")
T0 = 1_700_000_000 * 10**9


class Fixed:
    """Thresholds that depend on what was learned, without a budget, after some seconds of event time."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def ready(self, source, seconds):
        return seconds >= self.seconds

    def choose(self, curves):
        return curves.fit.quantile(np.full(len(curves.source), -6.0)) + curves.seconds * 1e-9

    def silence(self, source, kinds, per_second):
        return np.full(len(source), 12.0) + per_second


def batch(nats, first=0, source=0, kind=Kind.EVENT, step=10.0, final=True) -> UnitBatch:
    """Units [m] of nats [m, D], `step` seconds apart."""
    m = len(nats)
    at = np.arange(first, first + m, dtype=np.int64)
    time = T0 + (at * step * 1e9).astype(np.int64)

    def wide(value, dtype):
        return np.array(np.broadcast_to(value, m), dtype=dtype)

    return UnitBatch(
        wide(kind, np.uint8), wide(final, np.bool_), wide(source, np.int32), wide(source, np.int32),
        wide(-1, np.int32), at, at.astype(np.int32), time, time, at, at + 1,
        np.asarray(nats, dtype=np.float32), DETECTORS,
    )  # fmt: skip


def draw(rng, m, sources=1):
    """Units of all kinds of some sources."""
    nats = rng.exponential(1.0, (m, len(DETECTORS)))
    nats[rng.random((m, len(DETECTORS))) < 0.3] = np.nan
    nats[rng.random(m) < 0.05] += 12
    kind = rng.choice([0, 0, 0, 1, 2, 3], m).astype(np.uint8)
    return nats, rng.integers(0, sources, m), kind, rng.random(m) < 0.8


def learned(rng, chunks, sources=1, size=512):
    """A calibration with a past, and the number of its next unit."""
    calibration = Calibration(DETECTORS, Fixed())
    for chunk in range(chunks):
        nats, source, kind, final = draw(rng, size, sources)
        units = batch(nats, chunk * size, source, kind, final=final)
        calibration.learn(units, calibration.score(units).nats > 12)
    return calibration, chunks * size


def columns(scored):
    return [scored.nats, scored.log_p, scored.z, scored.log_threshold, scored.provisional]


def test_uncalibrated_units_have_no_p():
    calibration, _ = learned(np.random.default_rng(0), 0)
    scored = calibration.score(batch(np.ones((5, 5))))
    assert np.isnan(scored.log_p).all()
    assert np.isinf(scored.z).all()


def test_units_without_an_opinion_have_no_p_and_are_not_learned():
    calibration, first = learned(np.random.default_rng(0), 4)
    before = calibration.status()
    units = batch(np.full((50, 5), np.nan), first)
    assert np.isnan(calibration.score(units).log_p).all()
    calibration.learn(units, np.zeros(50, dtype=bool))
    assert calibration.status() == before


def test_running_visits_are_judged_but_not_learned():
    calibration, first = learned(np.random.default_rng(0), 8)
    units = batch(np.ones((50, 5)), first, kind=Kind.VISIT, final=False)
    assert np.isfinite(calibration.score(units).log_p).all()
    before = calibration.status()
    calibration.learn(units, np.zeros(50, dtype=bool))
    assert calibration.status() == before


def test_p_is_the_share_of_the_past_at_least_as_large():
    rng = np.random.default_rng(1)
    calibration = Calibration(DETECTORS, Fixed())
    nats = np.full((20_000, 5), np.nan)
    nats[:, 0] = rng.exponential(1.0, len(nats))
    for begin in range(0, len(nats), 1000):
        calibration.learn(batch(nats[begin : begin + 1000], begin), np.zeros(1000, dtype=bool))
    asked = np.full((4, 5), np.nan)
    asked[:, 0] = [0.0, 1.0, 4.0, 9.0]
    log_p = calibration.score(batch(asked, 20_000)).log_p
    assert log_p == pytest.approx([0.0, -1.0, -4.0, -9.0], abs=0.6)


@given(st.integers(0, 2**31), st.sets(st.integers(1, 199), max_size=8), st.sampled_from([1, 3, 50]))
@settings(max_examples=25)
def test_any_split_scores_alike(seed, cuts, sources):
    rng = np.random.default_rng(seed)
    calibration, first = learned(rng, 6, sources)
    nats, source, kind, final = draw(rng, 200, sources)
    whole = columns(calibration.score(batch(nats, first, source, kind, final=final)))
    parts = []
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), 200], strict=True):
        part = slice(begin, end)
        parts.append(
            columns(calibration.score(batch(nats[part], first + begin, source[part], kind[part], final=final[part])))
        )
    for column, pieces in zip(whole, zip(*parts, strict=True), strict=True):
        np.testing.assert_array_equal(column, np.concatenate(pieces))


@given(st.integers(0, 2**31), st.sampled_from([1, 4, 60]), st.integers(1, 5))
@settings(max_examples=15)
def test_interrupted_anywhere_goes_on_bit_equal(seed, sources, every):
    rng = np.random.default_rng(seed)
    one, other = Calibration(DETECTORS, Fixed()), Calibration(DETECTORS, Fixed())
    cells: dict[str, bytes] = {}
    for chunk in range(12):
        nats, source, kind, final = draw(rng, 400, sources)
        units = batch(nats, chunk * 400, source, kind, final=final, step=60.0)
        scores = [calibration.score(units) for calibration in (one, other)]
        for a, b in zip(columns(scores[0]), columns(scores[1]), strict=True):
            np.testing.assert_array_equal(a, b)
        for calibration in (one, other):
            calibration.learn(units, scores[0].nats > 12)
        assert one.each(0, 0, units.nats[0]) == other.each(0, 0, units.nats[0])
        cells.update((name, cell) for name, cell in other.changes() if cell is not None)
        if chunk % every == 0:
            other = Calibration(DETECTORS, Fixed())
            other.restore(cells)
    assert one.status() == other.status()


def test_a_past_whose_weights_grew_otherwise_keeps_its_weight(monkeypatch):
    with monkeypatch.context() as before:
        before.setattr("logwatch.score.calibration.GROWTH", np.full(len(Kind), 2.0))
        calibration, first = learned(np.random.default_rng(0), 20)
        units = batch(draw(np.random.default_rng(1), 400)[0], first, kind=Kind.VISIT)
        was = calibration.score(units)
        cells = {name: cell for name, cell in calibration.changes() if name != "ageing"}
        each = calibration.each(0, int(Kind.VISIT), units.nats[0])
    other, again = Calibration(DETECTORS, Fixed()), Calibration(DETECTORS, Fixed())
    other.restore(cells)
    again.restore(cells | dict(other.changes()))
    for one in (other, again):
        np.testing.assert_array_equal(columns(was), columns(one.score(units)))
        assert one.each(0, int(Kind.VISIT), units.nats[0]) == pytest.approx(each)


def test_a_wave_of_visits_does_not_outweigh_those_before_it():
    calibration = Calibration(DETECTORS, Fixed())
    nats = np.full((4000, 5), np.nan)
    high = float(tail.EDGES[32])
    nats[:2000, 0], nats[2000:, 0] = high, 2.0
    for begin in range(0, 4000, 500):
        calibration.learn(batch(nats[begin : begin + 500], begin, kind=Kind.VISIT), np.zeros(500, dtype=bool))
    p = np.exp(calibration.score(batch(np.array([[high] + 4 * [np.nan]]), 4000, kind=Kind.VISIT)).log_p)
    assert p == pytest.approx(0.3, abs=0.03)  # the older half; by the square it would be an eighth


def test_nothing_is_written_when_nothing_was_learned():
    calibration, first = learned(np.random.default_rng(0), 4)
    assert list(calibration.changes())
    calibration.score(batch(np.ones((10, 5)), first))
    assert list(calibration.changes()) == []


def test_only_what_changed_in_sources_that_spoke_is_written():
    calibration, first = learned(np.random.default_rng(0), 10, sources=200)
    every = sum(len(cell) for _, cell in calibration.changes())
    units = batch(np.ones((10, 5)), first, source=7)
    calibration.learn(units, np.zeros(10, dtype=bool))
    assert sum(len(cell) for _, cell in calibration.changes()) < every / 20


def test_detectors_may_come_and_go_between_runs():
    calibration, _ = learned(np.random.default_rng(0), 6)
    cells = dict(calibration.changes())
    names = ("rare", "lstm", "plugin")
    other = Calibration(names, Fixed())
    other.restore(cells)
    asked = np.array([4.0, 4.0, 4.0], dtype=np.float32)
    old = calibration.each(0, 0, np.full(5, 4.0, dtype=np.float32))
    assert other.each(0, 0, asked) == [old[2], old[0], None]
    again = Calibration(names, Fixed())
    cells |= dict(other.changes())
    again.restore({name: cell for name, cell in cells.items() if cell is not None})
    assert again.each(0, 0, asked) == other.each(0, 0, asked)


def test_a_state_of_another_version_is_refused():
    calibration, _ = learned(np.random.default_rng(0), 2)
    cells = {name: cell.replace(b'"v":1', b'"v":9') for name, cell in calibration.changes() if cell}
    with pytest.raises(StateCorrupt):
        Calibration(DETECTORS, Fixed()).restore(cells)


def test_silences_are_judged_by_their_word_once_the_source_is_known():
    calibration, first = learned(np.random.default_rng(0), 6)
    nats = np.full((2, 5), np.nan)
    nats[:, 4] = [5.0, 80.0]
    scored = calibration.score(batch(nats, first, kind=Kind.SILENCE))
    assert scored.log_p[0] == -5.0
    assert scored.nats[1] >= scored.z[1]
    assert np.isnan(calibration.score(batch(nats, first, kind=Kind.SILENCE, source=99)).log_p).all()


def combined(detectors, nats, kind=Kind.EVENT):
    nats = np.array(nats, dtype=np.float32)
    return Votes(detectors).combine(nats, np.full(len(nats), kind, dtype=np.uint8)).tolist()


@pytest.mark.parametrize("kind", Kind)
def test_votes_sum_complementary_detectors_and_take_the_larger_of_a_group(kind):
    nats = [[2, 3, 5, 9, np.nan], [np.nan] * 3 + [9, np.nan], [2, np.nan, np.nan, np.nan, 4]]
    rarities = BESIDE if kind == Kind.VISIT else 1
    assert combined(DETECTORS, nats, kind) == pytest.approx([2 + 5 * rarities, np.nan, 2 + 4], nan_ok=True)


def test_a_plugin_votes_on_its_own():
    assert combined(("lstm", "mine"), [[2, 3]]) == [5]


def test_the_network_is_believed_about_events_as_far_as_it_can_know_their_template():
    rarity = np.array([1.0, 3.9, 4.0, np.nan, 1.0, np.nan], dtype=np.float32)
    new = np.array([np.nan, np.nan, np.nan, 6.0, 9.0, np.nan], dtype=np.float32)
    for said, wanted in ((20.0, [8.0, 10.9, 4.0, 6.0, 9.0, 20.0]), (0.5, [0.5] * 6), (np.nan, [np.nan] * 6)):
        lstm = np.full(6, said, dtype=np.float32)
        np.testing.assert_allclose(believed(lstm, rarity, new), wanted, rtol=1e-6)


def test_what_bounds_the_network_is_what_it_does_not_learn():
    nats = np.array([UNLEARNED - 0.01, UNLEARNED + 0.01], dtype=np.float32)
    assert too_rare(nats).tolist() == [False, True]


def test_the_bound_holds_for_events_and_not_for_maxima_and_sums():
    nats = [[20.0, np.nan, 5.0, 9.0, np.nan]]
    asked = np.array(nats, dtype=np.float32)
    assert Votes(DETECTORS).combine(asked, np.array([Kind.EVENT], dtype=np.uint8))[0] == 5 + 5
    assert asked[0, 0] == 20  # what is shown stays what the network said
    assert combined(DETECTORS, nats, Kind.VISIT) == [20 + 5 * BESIDE]
    assert combined(DETECTORS, nats, Kind.WINDOW) == [20 + 5]


def test_an_event_of_which_the_network_knows_nothing_is_not_given_nats_by_it():
    assert combined(DETECTORS, [[np.nan, np.nan, 2.0, np.nan, np.nan]]) == [2]


def test_a_source_is_judged_once_its_thresholds_are_ready():
    rng = np.random.default_rng(5)
    calibration = Calibration(DETECTORS, Fixed(3600.0))
    states = []
    for chunk in range(12):  # 512 s each, in blocks of 2 min
        units = batch(rng.exponential(1.0, (512, 5)), chunk * 512, step=1.0)
        calibration.learn(units, np.zeros(512, dtype=bool))
        states.append(calibration.status()[0]["state"])
        assert np.isfinite(calibration.score(units).z).all() == (states[-1] == "watching")
    assert states == ["learning"] * 7 + ["watching"] * 5


def test_memory_is_bounded_per_source():
    calibration, _ = learned(np.random.default_rng(0), 40, sources=500)
    cells = [cell for _, cell in calibration.changes() if cell]
    assert sum(map(len, cells)) / 500 < 4096


def test_weights_survive_rescaling(monkeypatch):
    """A row that is scaled back often scores as one that never is, up to rounding."""
    rng = np.random.default_rng(3)
    monkeypatch.setattr("logwatch.score.calibration.MEMORY", 300.0)
    monkeypatch.setattr("logwatch.score.calibration_clock.MEMORY_BLOCKS", 300.0)
    plain, often = Calibration(DETECTORS, Fixed()), Calibration(DETECTORS, Fixed())
    for chunk in range(20):
        nats, _, kind, final = draw(rng, 400)
        units = batch(nats, chunk * 400, 0, kind, final=final, step=300.0)
        flagged = plain.score(units).nats > 12
        for calibration, limit in ((plain, 60.0), (often, 1.0)):
            monkeypatch.setattr("logwatch.score.tail.RESCALE", limit)
            calibration.learn(units, flagged)
    for a, b in zip(columns(plain.score(units)), columns(often.score(units)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4)


def test_weights_of_a_source_that_says_much_before_it_may_be_judged_stay_finite(monkeypatch):
    monkeypatch.setattr("logwatch.score.calibration.MEMORY", 30.0)  # outgrows float32 within 2,800 units
    rng = np.random.default_rng(5)
    calibration = Calibration(DETECTORS, Fixed(3600.0))
    for chunk in range(40):  # 102 s each
        units = batch(rng.exponential(1.0, (512, 5)), chunk * 512, step=0.2)
        calibration.learn(units, np.zeros(512, dtype=bool))
    scored = calibration.score(units)
    assert calibration.status()[0]["state"] == "watching"
    assert np.isfinite(scored.z).all()
    assert np.isfinite(scored.log_p).all()


def test_a_new_template_and_its_rare_set_count_once():
    assert combined(("lstm", "new", "rare", "set"), [[2, 9, 8, 7]], Kind.VISIT) == [2 + 9 * BESIDE]


def test_a_source_that_is_learned_anew_is_as_a_new_one_and_no_other_is_touched() -> None:
    rng = np.random.default_rng(8)
    before, after = [draw(rng, 3_000, 2) for _ in "ab"]
    names = ("nats", "log_p", "z", "log_threshold", "provisional")

    def fed(calibration: Calibration, part, only=None) -> Calibration:
        nats, source, kind, final = part
        for chunk in np.array_split(np.arange(len(nats)), 5):
            some = chunk if only is None else chunk[source[chunk] == only]
            units = batch(nats[some], source=source[some], kind=kind[some], final=final[some])
            units.at, units.last = some, T0 + some * 10**10
            calibration.learn(units, np.zeros(len(some), np.bool_))
        return calibration

    anew, whole = (fed(Calibration(DETECTORS, Fixed()), before) for _ in "ab")
    anew.learn_anew(np.array([1]))
    assert {row["source"] for row in anew.status() if row["state"] == "watching"} == {0}
    assert all(row["decisions"] == 0 for row in anew.status() if row["source"] == 1)
    saved = dict(anew.changes())
    again = Calibration(DETECTORS, Fixed())
    again.restore({name: cell for name, cell in saved.items() if cell is not None})
    new = fed(Calibration(DETECTORS, Fixed()), after, only=1)
    fed(whole, after)
    nats, source, kind, _ = draw(rng, 500, 2)
    for one in (anew, again):
        assert one.each(1, Kind.EVENT, nats[0]) == [None] * len(DETECTORS)
        fed(one, after)
        for of, expected in ((0, whole), (1, new)):
            asked = batch(nats[source == of], source=of, kind=kind[source == of])
            for name in names:
                np.testing.assert_array_equal(getattr(one.score(asked), name), getattr(expected.score(asked), name))
