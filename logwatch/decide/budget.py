"""From an alert budget to thresholds.

A budget `N/day` is the rate at which a stream like the recent unflagged past would open incidents. The openings curve
of a source says how many incidents any threshold would have opened in so much aged event time; the threshold is the
lowest edge of the curve at which that is within the budget. It is a tail quantile, never a cap: flagged units are set
aside, but bounded on both sides. They count as far as the budget itself explains them (or the curve would lose its own
end, and the threshold run down: measured, to twice the rate), and never may the threshold lie where all of the recent
past, flagged or not, would have opened `BOUND` times the budget. While a source is too young for its budget to have
been spent even twice, a generalised-Pareto end of its units extrapolates beyond what was seen.

A budget `N%` is the share of decisions that cross, by kind: visits, windows, and events where there are no entities.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from logwatch.config.values import Budget
from logwatch.types import Bool, Float32, Float64, Int64, Kind

SLACK = 1.25  # times the budget that an edge may spend: edges lie a factor of two or so apart in rate
BOUND = 3.0  # times the budget beyond which flagged units bound the threshold from below
SHARE_BOUND = 1.5  # the same of a share of decisions: who sets a share expects about that share
SPENT = 2.0  # openings within the budget from which on the curve alone decides, without extrapolation
FRESH_S = 7200.0  # aged seconds (about six hours of a source's life) in which a start is held against nothing
LEARN_S = 720.0  # blocks of event time (six: more than ten minutes) before a rate is judged at all
FREE = 1.0  # aged openings of a fresh source that are held against no threshold: one, or older ones that count less
BUSY = 0.15  # share of the recent blocks of event time: what one in seven reaches is ordinary, and no incident
# Aged openings of windows and metrics, and share of blocks: of a young source one fault may be a seventh of all, and no
# habit. What was reached in one stretch of time only, which opens once, is ordinary where that stretch is most of the
# past: more than the newest two blocks of six, which weigh 0.67.
ONCE, MOSTLY = 1.0, 0.7
TOLD = 8.0  # aged openings that alerted and raise no threshold: a bad day must not blind a young source
CLAIM = 0.0  # nats by which a fresh source's nats may overstate: s nats claim a probability of e^-s
TINY = 1e-9
RECENT = 0.5  # aged units that make a bin one "seen recently"
LOG_P_MOST = np.log(np.array(0.01))  # a rate lets no more than one decision in a hundred cross, however idle the source
# By kind: what was expected with 5 % is no news; windows count only what exceeds it.
NATS_LEAST = np.array([3.0, 3.0, 0.0, 3.0, 3.0])


class Fit(Protocol):
    """Generalised-Pareto ends of r rows."""

    @property
    def sigma(self) -> Float64: ...
    def extrapolate(self, log_p: Float64) -> Float64: ...
    def quantile(self, log_p: Float64) -> Float64:
        """Nats [r] at which ln P(S ≥ nats) = `log_p`."""
        ...


class Curves(Protocol):
    """What was learned of r rows (source, kind); see `logwatch.score.calibration.Curves`."""

    @property
    def source(self) -> Int64: ...
    @property
    def kind(self) -> Int64: ...
    @property
    def kinds(self) -> Bool: ...
    @property
    def edges(self) -> Float32: ...
    @property
    def unflagged(self) -> Float64: ...
    @property
    def everything(self) -> Float64: ...
    @property
    def opens_unflagged(self) -> Float64: ...
    @property
    def opens(self) -> Float64: ...
    @property
    def busy(self) -> Float64: ...
    @property
    def seconds(self) -> Float64: ...
    @property
    def per_second(self) -> Float64: ...
    @property
    def fit(self) -> Fit: ...


class BudgetThresholds:
    """Thresholds in nats for (source, kind) rows.

    Args:
        budget_of: the budget of a source, by its number; asked once a source.
        shared: which sources [r] have lines and metrics: each side has half of their rate. None: none has.
    """

    def __init__(self, budget_of: Callable[[int], Budget], shared: Callable[[Int64], Bool] | None = None) -> None:
        self._budget_of, self._shared = budget_of, shared
        self._known: Float64 = np.zeros((0, 2))  # by source: incidents per second, share of decisions

    def _budgets(self, source: Int64) -> tuple[Float64, Float64]:
        """Incidents per second [r] and share of decisions [r]; NaN where the budget is of the other sort."""
        if len(self._known) <= source.max(initial=-1):
            more = [self._ask(number) for number in range(len(self._known), int(source.max()) + 1)]
            self._known = np.concatenate([self._known, np.array(more)])
        known = self._known[source]
        rate = known[:, 0] if self._shared is None else np.where(self._shared(source), known[:, 0] / 2, known[:, 0])
        return rate, known[:, 1]

    def _ask(self, source: int) -> tuple[float, float]:
        budget = self._budget_of(source)
        if budget.count is not None and budget.per is not None:
            return budget.count / budget.per, np.nan
        return np.nan, (budget.percent or 0.0) / 100.0

    def ready(self, source: Int64, seconds: Float64) -> Bool:
        """Which sources [r] have shown enough event time [r] to be judged: a rate needs some time to stand for."""
        rate, _ = self._budgets(source)
        return np.isnan(rate) | (seconds >= LEARN_S)

    def choose(self, curves: Curves, alone: Bool | None = None) -> Float64:
        """[r] nats; a unit at or above crosses.

        Args:
            alone: which rows [r] have the whole rate of their source, whatever kinds it has shown; None: none.
        """
        rate, percent = self._budgets(curves.source)
        part = share(curves.kind, curves.kinds)
        rate = rate * (part if alone is None else np.where(alone, 1.0, part))
        timed = ~np.isnan(rate)
        fresh = timed & (curves.seconds < FRESH_S)
        log_p = np.log(np.where(timed, np.minimum(rate / curves.per_second, 1.0), percent))
        allowed = np.where(timed, rate * curves.seconds, percent * curves.everything[:, 0])
        least, most = _bounds(curves, timed, allowed, np.where(fresh, FREE, 0.0))
        most = np.where(SLACK * allowed < SPENT, _beyond(curves, log_p), most)
        rare = _rare(curves, fresh, log_p)
        z = np.where(curves.kind == Kind.SILENCE, least, np.maximum(least, np.minimum(rare, most)))
        floor = np.maximum(_seldom(curves, fresh, rare), NATS_LEAST[curves.kind])
        z = np.where(timed & (curves.kind != Kind.SILENCE), np.maximum(z, _ordinary(curves)), z)
        chosen: Float64 = np.maximum(z, np.where(timed & (curves.kind != Kind.SILENCE), floor, curves.edges[1]))
        return chosen

    def silence(self, source: Int64, kinds: Bool | None, per_second: Float64) -> Float64:
        """[r] nats at which a silence crosses: every decision ends a gap that could have been one.

        Args:
            kinds: [r, 5] kinds that the source has shown, which share its rate; None: silences have the whole rate.
            per_second: [r] decisions per second of event time.
        """
        rate, percent = self._budgets(source)
        if kinds is not None:
            rate = rate * share(np.full(len(source), int(Kind.SILENCE)), kinds)
        p = np.where(np.isnan(rate), percent, rate / np.maximum(per_second, 1e-12))
        z: Float64 = np.maximum(-np.log(np.minimum(p, 1.0)), NATS_LEAST[Kind.SILENCE])
        return z


def share(kind: Int64, kinds: Bool) -> Float64:
    """Part of a source's rate that goes to a kind [r], among the kinds that it has shown: events 1/2, windows 1/4,
    silences 1/4; where there are entities, visits 6/8, windows 1/8, silences 1/8. Silences always keep theirs,
    but where there are metrics, which are judged by themselves."""
    visits = kinds[:, Kind.VISIT]
    rest = np.where(visits, 1.0, 2.0)
    metrics = kinds[:, Kind.METRIC]
    shown = np.stack([kinds[:, Kind.EVENT], visits, kinds[:, Kind.WINDOW], ~metrics, metrics], axis=1)
    event, visit, metric = (np.full(len(kind), weight) for weight in (4.0, 6.0, 1.0))
    weights = shown * np.stack([event, visit, rest, rest, metric], axis=1)
    part: Float64 = weights[np.arange(len(kind)), kind] / weights.sum(axis=1)
    return part


def _bounds(curves: Curves, timed: Bool, allowed: Float64, free: Float64) -> tuple[Float64, Float64]:
    """Lowest threshold [r] that keeps the budget, flagged units counting as far as it explains them, and lowest that
    keeps it with all of them [r].

    Args:
        timed: [r] a rate, counted in openings; else a share, counted in units.
        allowed: [r] openings, or units, that the past may have had.
        free: [r] openings of a fresh source that are held against no threshold.
    """
    calm = np.where(timed[:, None], curves.opens_unflagged, curves.unflagged)
    whole = np.maximum(np.where(timed[:, None], curves.opens, curves.everything), calm)
    flagged = whole - calm
    slack, bound = np.where(timed, SLACK, 1.0), np.where(timed, BOUND, SHARE_BOUND)
    explained = np.minimum(1.0, slack * allowed / np.maximum(flagged.max(axis=1), 1e-12))
    limit = np.maximum(slack * allowed, free)
    edges = _edges(curves.edges)
    normal = _within(calm + explained[:, None] * flagged, limit, edges, timed)
    least = _within(whole, np.maximum(bound * allowed, np.where(timed, TOLD, 0.0)), edges, timed)
    return np.maximum(normal, least), _within(whole, limit, edges, timed)


def _rare(curves: Curves, fresh: Bool, log_p: Float64) -> Float64:
    """Nats [r] as rare as `log_p`, by the units' generalised-Pareto end. Of a fresh source, whose past may hold a fault
    or the time when all was new, by the scale of its body, and no further than nats claim by themselves."""
    body = np.minimum(curves.fit.extrapolate(log_p), CLAIM - log_p)
    rare: Float64 = np.where(fresh, body, curves.fit.quantile(log_p))
    return rare


def _ordinary(curves: Curves) -> Float64:
    """Nats [r] that the recent past reached as a matter of course."""
    lasting = (curves.kind == Kind.WINDOW) | (curves.kind == Kind.METRIC)
    once = lasting[:, None] & (curves.opens <= ONCE) & (curves.busy < MOSTLY)
    usual = (curves.busy >= BUSY) & ~once
    last = usual.shape[1] - np.argmax(usual[:, ::-1], axis=1)
    ordinary: Float64 = _edges(curves.edges)[np.where(usual.any(axis=1), last, 0)]
    return ordinary


def _seldom(curves: Curves, fresh: Bool, rare: Float64) -> Float64:
    """Nats [r] that no more than one decision in a hundred reaches. Of windows by their own past from the start: their
    sums claim no probability."""
    seldom = _rare(curves, fresh, LOG_P_MOST)
    told: Float64 = np.where(fresh, np.minimum(rare, seldom), seldom)
    return np.where(curves.kind == Kind.WINDOW, curves.fit.quantile(LOG_P_MOST), told)


def _edges(edges: Float32) -> Float64:
    """Lower edges of the bins, and one above all of them [bins + 1]."""
    return np.append(edges, 2 * edges[-1] - edges[-2]).astype(np.float64)


def _within(curve: Float64, limit: Float64, edges: Float64, timed: Bool) -> Float64:
    """Nats [r] from which on the curve [r, bins] stays within the limit [r]: of a rate an edge, of a share between the
    edges as well, which are up to a nat apart (HDFS: 2.7 % of the blocks alert in place of 2.6 %, F1 0.88 of 0.87)."""
    at, rows = _first_within(curve, limit), np.arange(len(curve))
    inner = ~timed & (at > 0) & (at < curve.shape[1]) & (limit > 0)
    high = np.clip(at, 1, curve.shape[1] - 1)
    above, below = curve[rows, high - 1], np.maximum(curve[rows, high], TINY)
    over, fall = (
        np.log(np.maximum(one, TINY) / np.maximum(other, TINY)) for one, other in ((above, limit), (above, below))
    )
    part = np.clip(over / np.maximum(fall, TINY), 0.0, 1.0)
    between = edges[high - 1] + part * (edges[high] - edges[high - 1])
    return np.where(inner, between, edges[at])


def _first_within(curve: Float64, limit: Float64) -> Int64:
    """Lowest bin [r] from which on the curve [r, bins] stays within the limit [r]; `bins` where it never does."""
    over = curve > limit[:, None]
    last = curve.shape[1] - np.argmax(over[:, ::-1], axis=1)
    return np.where(over.any(axis=1), last, 0)


def _beyond(curves: Curves, log_p: Float64) -> Float64:
    """Nats [r] at which a unit is as rare as `log_p`, extrapolated: for each e-fold that is rarer than what could have
    been seen, at most one nat (or one scale of the tail, where that is less) above what was seen recently."""
    everything = curves.everything
    seen = _edges(curves.edges)[np.count_nonzero(everything >= RECENT, axis=1)]
    unseen = np.maximum(-log_p - np.log(np.maximum(everything[:, 0], 1.0)), 0.0)
    beyond: Float64 = seen + unseen * np.minimum(curves.fit.sigma, 1.0)
    return beyond
