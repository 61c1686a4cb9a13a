"""Waiting for what comes in its own time, and for coroutines: nothing is asserted about the time itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


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


def outcome(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns. In a thread of its own: the browser of other tests keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
