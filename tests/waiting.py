"""Waiting for what comes in its own time: nothing is asserted about the time itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def eventually(
    holds: Callable[[], Any], what: str | Callable[[], object], *, patience: float, pause: float = 0.1
) -> Any:
    """Wait until something holds, and return it.

    Args:
        what: is waited for; asked only where it does not come.
        patience: seconds until it is given up.
        pause: seconds between two looks.
    """
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if found := holds():
            return found
        time.sleep(pause)
    raise AssertionError(f"not within {patience:.0f} s: {what() if callable(what) else what}")
