"""Units → decisions: which units cross their source's threshold, and what each detector had to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from logwatch.config.alert_rules import hit_of
from logwatch.decide.verdict import Verdict
from logwatch.types import Bool, Fired, Float32, Float64, Int64, Kind, UnitBatch

SCORE_MOST = 30.0
DECADE = float(np.log(10.0))
HOLD_NATS = 0.25  # hysteresis: a unit this close below the threshold keeps an incident open, but opens none
FIRED_P = 0.05  # detectors shown in an alert: surprised more than one time in twenty, or the top three
FIRED_TOP = 3
VERDICT = "verdict/"
"""How the names of the verdict's cells begin."""


RULE = "rule"  # the detector of what the configuration calls an alert


class Scored(Protocol):
    """See `logwatch.score.calibration.Scored`."""

    @property
    def nats(self) -> Float64: ...
    @property
    def log_p(self) -> Float64: ...
    @property
    def z(self) -> Float64: ...
    @property
    def log_threshold(self) -> Float64: ...
    @property
    def provisional(self) -> Bool: ...


class Voting(Protocol):
    """Names the detector that decided."""

    def top(self, nats: Float32) -> int:
        """Column of the voting detector with the largest nats [D]; -1: none."""
        ...


class Tails(Protocol):
    """What learns the tails; see `logwatch.score.calibration.Calibration`."""

    @property
    def votes(self) -> Voting: ...
    def score(self, units: UnitBatch) -> Scored: ...
    def learn(self, units: UnitBatch, flagged: Bool) -> None: ...
    def learn_anew(self, sources: Int64) -> None: ...
    def each(self, source: int, kind: int, nats: Float32) -> list[float | None]: ...
    def status(self) -> list[dict[str, Any]]: ...
    def changes(self) -> Iterable[tuple[str, bytes | None]]: ...
    def restore(self, cells: Mapping[str, bytes]) -> None: ...


@dataclass(slots=True)
class Judged:
    """Decisions on m units. Before calibration p, score and threshold are NaN and nothing crosses."""

    p: Float64  # [m] tail probability among the source's recent past, ≥ 1e-30
    score: Float64  # [m] −log10 p, computed in logarithms, [0, 30]
    nats: Float64  # [m] combined; NaN where no voting detector has an opinion
    crossing: Bool  # [m] rarer than the budget allows
    holding: Bool  # [m] crossing, or close enough to keep an incident open
    provisional: Bool  # [m] the source has shown fewer decisions than a tenth of 1 / threshold
    threshold: Float64  # [m] p at the threshold
    ruled: Float32 | None = None  # [m] nats of the rule of the configuration that a unit hits, or NaN; None: none does
    budgeted: Bool | None = None  # [m] what would cross without rules; None: nothing else does

    @property
    def voted(self) -> Bool:
        """[m] crossing by its own rarity: what rules find is no news, and stays what it was for learning."""
        return self.crossing if self.budgeted is None else self.crossing & self.budgeted


def rule_on(judged: Judged, units: UnitBatch) -> None:
    """Let what hits a rule cross, whatever the budget; changes `judged`. Windows tell nothing that lines did not."""
    said = np.where(units.kind <= Kind.VISIT, units.nats[:, units.detectors.index(RULE)], np.float32(np.nan))
    hit = said > 0
    if not hit.any():
        return
    alone = hit & ~judged.crossing
    judged.budgeted, judged.ruled = judged.crossing.copy(), said
    judged.crossing, judged.holding = judged.crossing | hit, judged.holding | hit
    nats = np.where(hit, said, np.nan).astype(np.float64)
    judged.nats = np.fmax(judged.nats, nats)
    judged.score = np.where(alone, np.minimum(nats / DECADE, SCORE_MOST), judged.score)
    judged.p = np.where(alone, np.exp(-nats), judged.p)
    judged.provisional = judged.provisional & ~alone


class Judge:
    """Judges units against thresholds that are frozen between two calls of `learn`.

    Args:
        tails: what learns the tails.
        verdict: counts what single detectors would have alerted; None: nobody does.
        rules: names of the configuration's rules, in their order.
    """

    def __init__(self, tails: Tails, verdict: Verdict | None = None, rules: Sequence[str] = ()) -> None:
        self._tails, self._rules = tails, rules
        self.verdict = verdict

    def judge(self, units: UnitBatch) -> Judged:
        """Decide on units; changes nothing."""
        scored = self._tails.score(units)
        score = np.clip(0.0 - scored.log_p / DECADE, 0.0, SCORE_MOST)
        crossing = scored.nats >= scored.z  # NaN compares as False
        holding = scored.nats >= scored.z - HOLD_NATS
        threshold = np.exp(scored.log_threshold)
        judged = Judged(
            np.exp(scored.log_p), score, scored.nats, crossing, holding, scored.provisional, threshold
        )  # fmt: skip
        if RULE in units.detectors:
            rule_on(judged, units)
        return judged

    def learn(self, units: UnitBatch, flagged: Bool, *, silent: bool = False) -> None:
        """One chunk's units, at its end.

        Args:
            flagged: [m] which crossed.
            silent: they were there before the first start.
        """
        self._tails.learn(units, flagged)
        if self.verdict is not None:
            self.verdict.learn(units, flagged, silent=silent)

    def learn_anew(self, sources: Int64) -> None:
        """What was learned of these sources [s] holds no more: each is silent until it has shown enough again."""
        self._tails.learn_anew(sources)
        if self.verdict is not None:
            self.verdict.learn_anew(sources)

    def fired(self, units: UnitBatch, row: int) -> tuple[Fired, ...]:
        """The detectors behind a decision, the rarest first: p ≤ 0.05, and the three with the largest nats."""
        nats = units.nats[row]
        each = self._tails.each(int(units.source[row]), int(units.kind[row]), nats)
        heard = [
            Fired(name, float(value), p)
            for name, value, p in zip(units.detectors, nats, each, strict=True)
            if not np.isnan(value)
        ]
        top = sorted(heard, key=lambda fired: -fired.nats)[:FIRED_TOP]
        shown = [f for f in heard if f in top or (f.p is not None and f.p <= FIRED_P)]
        return tuple(sorted(shown, key=lambda f: (1.0 if f.p is None else f.p, -f.nats, f.detector)))

    def rule(self, units: UnitBatch, row: int) -> str:
        """The voting detector that contributed most; or `rule:NAME`, where a rule of the configuration was hit."""
        hit = units.nats[row, units.detectors.index(RULE)] if RULE in units.detectors else np.nan
        if units.kind[row] <= Kind.VISIT and hit > 0:
            place, _ = hit_of(float(hit))
            return f"{RULE}:{self._rules[place]}" if place < len(self._rules) else RULE
        return units.detectors[max(self._tails.votes.top(units.nats[row]), 0)]

    def status(self) -> list[dict[str, Any]]:
        """One row for each (source, kind): state, decisions, to_go, threshold, threshold_p, provisional, seconds."""
        return self._tails.status()

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """See `Cells.changes`."""
        yield from self._tails.changes()
        if self.verdict is not None:
            yield from ((VERDICT + name, cell) for name, cell in self.verdict.changes())

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`."""
        self._tails.restore({name: cell for name, cell in cells.items() if not name.startswith(VERDICT)})
        if self.verdict is not None:
            mine = {name.removeprefix(VERDICT): cell for name, cell in cells.items() if name.startswith(VERDICT)}
            self.verdict.restore(mine)
