"""What drift means to people: names instead of numbers, in the log, in metrics and for JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from logwatch.score.drift import Drift, Moved
from logwatch.telemetry import DRIFT, DRIFTS, Logger

log = Logger(__name__)


def tell_drift(drift: Drift, name_of: Callable[[int], str], text_of: Callable[[int], str]) -> None:
    """Have moved templates told as they begin to have moved, and every look shown."""

    def moved(one: Moved) -> None:
        row = drifted([one], name_of, text_of)[0]
        told = [f"{move['template']} {move['before']:.1%} → {move['now']:.1%}" for move in row["templates"]]
        log.warning("the templates of a source moved", source=row["source"], drift=row["drift"], templates=told)
        DRIFTS.inc(source=row["source"])

    drift.on_moved = moved
    drift.on_look = lambda source, value: DRIFT.set(value, source=name_of(source))


def drifted(
    found: Sequence[Moved], name_of: Callable[[int], str], text_of: Callable[[int], str]
) -> list[dict[str, Any]]:
    """One row for each source that has enough to tell, the farthest first."""
    return [
        {
            "source": name_of(one.source), "drift": round(one.drift, 4), "moved": one.moved,
            "templates": [
                {"template": text_of(move.template), "before": round(move.before, 6), "now": round(move.now, 6)}
                for move in one.templates
            ],
        }
        for one in sorted(found, key=lambda one: -one.drift)
    ]  # fmt: skip
