"""The component: reads a window, lets the model that serves answer, and says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from logwatch.api import FitReport, Float32, LabelledWindow, MetricWindow, PluginConfig, Risk, plugin

if TYPE_CHECKING:
    from logwatch_cnn_risk.weights import Learned

LEAST_OVERLAP = 0.5
"""Share of the metrics of training that a window must have; else the rule answers."""

MOST_DRIVERS = 5
TELLING = 0.5
"""Of many windows, those of a risk below it are not asked what drove it: that costs fifty times the answer."""

SLOPE, OFFSET = 2.0, -3.2
"""Of the rule where no training has fitted them: a mean |z| of 4 is as likely as not."""


@cache
def _shipped() -> Learned:
    from logwatch_cnn_risk.weights import SHIPPED, load

    return load(SHIPPED)


class Config(PluginConfig):
    """Settings."""

    weights: Path | None = None  # written by `logwatchd train risk`; None: the shipped ones if they fit, else the rule
    model: Literal["best", "cnn", "row-shared", "logistic", "boosted", "rule"] = "best"  # best: as training chose
    horizon: float = Field(default=60.0, gt=0)  # seconds, where no weights say it


@plugin(kind="risk", name="cnn", api=(1, 0), config=Config)
class CnnRisk:
    """Probability of a failure within the horizon.

    Raises:
        OSError, ValueError: the weights cannot be read, are damaged, or of something else.
    """

    def __init__(self, config: Config) -> None:
        self._learned: Learned | None = None
        self._shipped: frozenset[str] = frozenset()  # metrics of the weights that stand in for those not given
        self._horizon, self._name = config.horizon, "rule"
        if config.weights is not None:
            from logwatch_cnn_risk.weights import load

            self._learned = load(config.weights)
            self._horizon = self._learned.horizon
            self._name = self._learned.serves if config.model == "best" else config.model
        elif config.model not in ("best", "rule"):
            raise ValueError(f"the model {config.model!r} needs weights")
        else:
            from logwatch_cnn_risk.weights import shipped_names

            self._shipped = shipped_names() if config.model == "best" else frozenset()

    def assess(self, window: MetricWindow) -> Risk | None:
        """None where less than nine tenths of the window were measured."""
        from logwatch_cnn_risk.frames import LEAST_KNOWN, known_share

        if known_share(window) < LEAST_KNOWN:
            return None
        learned, served, said = self._chosen(window)
        if learned is None or served == "rule":
            return self._by_rule(window, said)
        from logwatch_cnn_risk.lengths import newest
        from logwatch_cnn_risk.many import probabilities

        part = newest(window, learned.length)
        if known_share(part) < LEAST_KNOWN:
            return None
        return self._by_model(window, learned, served, said, float(probabilities([part], learned, served)[0]))

    def assess_many(self, windows: Sequence[MetricWindow]) -> list[Risk | None]:
        """The answers of `assess`; of risks below `TELLING` without what drove them."""
        from logwatch_cnn_risk.frames import LEAST_KNOWN, known_share
        from logwatch_cnn_risk.lengths import newest
        from logwatch_cnn_risk.many import probabilities

        found: list[Risk | None] = [None] * len(windows)
        alike: dict[tuple[int, str], list[tuple[int, Learned, str]]] = {}
        for at, window in enumerate(windows):
            if known_share(window) >= LEAST_KNOWN:
                learned, served, said = self._chosen(window)
                if learned is None or served == "rule":
                    found[at] = self._by_rule(window, said)
                elif known_share(newest(window, learned.length)) >= LEAST_KNOWN:
                    alike.setdefault((id(learned), served), []).append((at, learned, said))
        for (_, served), some in alike.items():
            learned = some[0][1]
            parts = [newest(windows[at], learned.length) for at, _, _ in some]
            risks = probabilities(parts, learned, served).tolist()
            for (at, _, said), p in zip(some, risks, strict=True):
                if p >= TELLING:
                    found[at] = self._by_model(windows[at], learned, served, said, p)
                else:
                    found[at] = Risk(max(p, 0.0), learned.horizon, (), f"by the model {served}{said}")
        return found

    def _chosen(self, window: MetricWindow) -> tuple[Learned | None, str, str]:
        """Which model answers for a window; and what is to be said of that: of the rule, why it does."""
        from logwatch_cnn_risk.lengths import newest, unreadable

        learned, served = self._learned, self._name
        if self._shipped and len(self._shipped & set(window.metrics)) >= LEAST_OVERLAP * len(self._shipped):
            learned = _shipped()
            served = learned.serves
        if learned is None:
            return None, "rule", "no weights were given"
        if served == "rule":
            return learned, "rule", ""
        known = len(set(learned.models.names) & set(window.metrics))
        of = len(learned.models.names)
        if known < LEAST_OVERLAP * of:
            return learned, "rule", f"{known} of the {of} metrics of training are there"
        if why := unreadable(window, learned.length, learned.models.columns):
            return learned, "rule", why
        said = "" if known == of else f"; {of - known} of its {of} metrics are missing"
        if newest(window, learned.length) is not window:
            said += f"; it read the last {learned.length:g} s, as in training"
        return learned, served, said

    def _by_model(self, window: MetricWindow, learned: Learned, served: str, missing: str, p: float) -> Risk:
        from logwatch_cnn_risk.explain import explained
        from logwatch_cnn_risk.frames import frames
        from logwatch_cnn_risk.lengths import newest
        from logwatch_cnn_risk.models import one_thread

        models, part = learned.models, newest(window, learned.length)
        one = frames([part], models.names, models.columns)
        with one_thread():
            shares, heat = explained(models, one, served)
        place = {name: at for at, name in enumerate(window.metrics)}
        whole = np.zeros(window.values.shape, np.float32)
        steps = part.values.shape[1]
        wide = np.arange(steps) * heat.shape[1] // steps
        for row, name in enumerate(models.names):
            if name in place:
                whole[place[name], -steps:] = heat[row][wide]
        found = self._risk(window, p, models.names, shares, whole, f"by the model {served}{missing}")
        return replace(found, horizon=learned.horizon)

    def _by_rule(self, window: MetricWindow, why: str) -> Risk:
        from logwatch_cnn_risk.rule import departures, rule, usual_of

        usual = usual_of(window)
        values = np.where(np.isfinite(window.values), window.values, np.float32(np.nan))
        z = departures(values[None], usual[None])
        score = float(np.log1p(rule(z))[0])
        slope, offset = self._learned.models.platt["rule"] if self._learned else (SLOPE, OFFSET)
        p = 1 / (1 + np.exp(-(slope * score + offset)))
        part = np.nan_to_num(z[0])
        shares = part / part.sum() if part.sum() else part
        with np.errstate(all="ignore"):
            far = np.nan_to_num(np.abs(values - usual[:, :1]) / usual[:, 1:], posinf=0).clip(0, 10) * shares[:, None]
        heat = far / far.max() if far.any() else far
        fitted = "" if self._learned else ", whose probabilities are rough without labels"
        said = f"by the rule (mean distance from usual){fitted}" + (f": {why}" if why else "")
        return self._risk(window, float(p), window.metrics, shares, heat.astype(np.float32), said)

    def _risk(
        self, window: MetricWindow, p: float, names: Sequence[str], shares: Float32, heat: Float32, said: str
    ) -> Risk:
        order = np.argsort(-shares, kind="stable")[:MOST_DRIVERS].tolist()
        drivers = tuple((names[at], min(float(shares[at]), 1.0)) for at in order if shares[at] > 0)
        return Risk(min(max(p, 0.0), 1.0), self._horizon, drivers, said, heat)

    def fit(
        self, windows: Sequence[LabelledWindow], out: Path, horizon: float, seed: int,
        progress: Callable[[float, str], None],
    ) -> FitReport:  # fmt: skip
        """See `Trainable.fit`."""
        from logwatch_cnn_risk.train import fit

        return fit(windows, out, horizon, seed, progress)
