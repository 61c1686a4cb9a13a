"""Units → decisions: which units cross their source's threshold, and what each detector had to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from logwatch.decide.verdict import Verdict
from logwatch.types import Bool, Fired, Float32, Float64, Int64, UnitBatch

SCORE_MOST = 30.0
DECADE = float(np.log(10.0))
HOLD_NATS = 0.25  # hysteresis: a unit this close below the threshold keeps an incident open, but opens none
FIRED_P = 0.05  # detectors shown in an alert: surprised more than one time in twenty, or the top three
FIRED_TOP = 3
VERDICT = "verdict/"
"""How the names of the verdict's cells begin."""


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


class Judge:
    """Judges units against thresholds that are frozen between two calls of `learn`.

    Args:
        tails: what learns the tails.
        verdict: counts what single detectors would have alerted; None: nobody does.
    """

    def __init__(self, tails: Tails, verdict: Verdict | None = None) -> None:
        self._tails = tails
        self.verdict = verdict

    def judge(self, units: UnitBatch) -> Judged:
        """Decide on units; changes nothing."""
        scored = self._tails.score(units)
        score = np.clip(0.0 - scored.log_p / DECADE, 0.0, SCORE_MOST)
        crossing = scored.nats >= scored.z  # NaN compares as False
        holding = scored.nats >= scored.z - HOLD_NATS
        threshold = np.exp(scored.log_threshold)
        return Judged(
            np.exp(scored.log_p), score, scored.nats, crossing, holding, scored.provisional, threshold
        )  # fmt: skip

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
        """The voting detector that contributed most."""
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
