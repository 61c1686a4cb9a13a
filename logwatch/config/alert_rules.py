"""Rules that alert by themselves: `[[rule]]`."""

from __future__ import annotations

import math
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from logwatch.config.values import Pattern, Rate

Level = Literal["trace", "debug", "info", "notice", "warning", "error", "critical"]
Severity = Literal["info", "warning", "critical"]
RULES_MOST = 500
"""Rules of a configuration."""
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
DECADES = 10.0 * math.log(10.0)
"""Nats of each step of severity: a hit has a score of 10, 20 or 30, though it has no probability."""
PLACE = 1e-3
"""Nats by which a rule differs from the one before it: a hit says which rule it was."""


def nats_of(place: int, severity: Severity) -> float:
    """What a hit of the rule at `place` says."""
    return DECADES * (1 + SEVERITIES.index(severity)) + PLACE * (place + 0.5)


def hit_of(nats: float) -> tuple[int, int]:
    """The place of a rule, and its severity by number, from what a hit says in single precision."""
    return int(nats % DECADES / PLACE), int(nats // DECADES) - 1


def _check_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,63}", name):
        raise ValueError(f'"{name}": a rule is called by letters, as in disk-full')
    return name


class AlertRule(BaseModel):
    """One `[[rule]]`: what a line must be, and how many are too many."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, AfterValidator(_check_name)]
    pattern: Pattern | None = None  # somewhere in the line, as people see it: redacted
    level: Level | None = None  # or worse
    rate: Rate | None = None  # of such lines of a source: more alert, once a period; None: each does
    severity: Severity = "warning"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.pattern is None and self.level is None and self.rate is None:
            raise ValueError(
                "a rule has a pattern, a level or a rate; this one has none, and would alert at every line"
            )
        return self


def check_rules(rules: tuple[AlertRule, ...]) -> tuple[AlertRule, ...]:
    """The rules themselves, where each has a name of its own. Raises ValueError."""
    names = [rule.name for rule in rules]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f'two rules are called "{twice}"')
    if len(rules) > RULES_MOST:
        raise ValueError(f"{len(rules)} rules; at most {RULES_MOST}")
    return rules


AlertRules = Annotated[tuple[AlertRule, ...], AfterValidator(check_rules)]
