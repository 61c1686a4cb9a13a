"""How a conformance check fails."""

from __future__ import annotations


class NotConforming(AssertionError):
    """A component breaks its contract; the message says which part of it."""


def expect(holds: object, rule: str) -> None:
    """Raise NotConforming with the rule unless it holds."""
    if not holds:
        raise NotConforming(rule)
