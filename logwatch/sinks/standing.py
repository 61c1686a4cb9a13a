"""Incidents that are still open, for sinks that must be told again: what Alertmanager does not hear of ends there."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

from logwatch.types import Alert


class Standing(NamedTuple):
    """An incident that is open."""

    opened: Alert  # the alert that opened it; the latest where that is not kept any more
    latest: Alert
    told: int  # when the latest was committed, ns


@runtime_checkable
class Resends(Protocol):
    """A sink that wants to hear of open incidents again and again."""

    @property
    def resend_every(self) -> float:
        """Seconds."""
        ...

    def resend(self, standing: list[Standing]) -> None:
        """Tell of all of them. Raises as `deliver` does; then they come again when they are next due."""
        ...
