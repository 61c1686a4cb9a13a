"""A `Ui` that only keeps the alerts: benchmarks print figures, nothing else."""

from __future__ import annotations

from logwatch.requests import Live
from logwatch.types import Alert


class Quiet:
    """Implements `logwatch.requests.Ui`."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def deliver(self, alerts: list[Alert]) -> None:
        self.alerts += alerts

    def gone(self) -> bool:
        return False

    def live(self, live: Live) -> None: ...

    def progress(self, done: int, total: int, what: str = "") -> None: ...

    def note(self, message: str) -> None: ...

    def warn(self, message: str) -> None: ...

    def close(self) -> None: ...
