"""When to try again what failed, and when to say so: waits that grow, and a log that does not."""

from __future__ import annotations

import re

from logwatch.errors import LogwatchError

WAITS_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Between tries; the last repeats. The first is time enough to hear that a partition has moved."""

_NUMBERS = re.compile(r"\d+")


def said(error: BaseException) -> str:
    """An error in one line, with what to do about it."""
    if isinstance(error, LogwatchError):
        return ": ".join(filter(None, (error.message, error.hint)))
    return f"{type(error).__name__}: {error}"


class Again:
    """Tries of one thing since it last succeeded."""

    def __init__(self) -> None:
        self.failures = 0
        self.wait = 0.0  # s, after the last failure
        self._due: float | None = None
        self._reason = ""

    def failed(self, reason: str, now: float) -> bool:
        """Put the next try off; whether to say so: where the wait is longer than before, or the reason another.

        Args:
            reason: numbers in it (an offset, a time that ran out) do not make it another.
            now: monotonic, s.
        """
        before, self.wait = self.wait, WAITS_S[min(self.failures, len(WAITS_S) - 1)]
        old, self._reason = self._reason, _NUMBERS.sub("", reason)
        self.failures += 1
        self._due = now + self.wait
        return self.wait > before or self._reason != old

    @property
    def waiting(self) -> bool:
        """Whether a try was put off, and has not begun."""
        return self._due is not None

    def begins(self, now: float) -> bool:
        """Whether it is time for the try that was put off; it is begun then."""
        if self._due is None or now < self._due:
            return False
        self._due = None
        return True
