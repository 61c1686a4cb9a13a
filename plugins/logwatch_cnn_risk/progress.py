"""How much of the work is done, told by those who do a part of it and know nothing of the whole."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float], None]
"""Hears the share that is done, 0 to 1."""


def part_of(progress: Progress, begun: float, share: float) -> Progress:
    """For who does a part: it begins where `begun` of the whole is done, and is `share` of the whole."""
    return lambda done: progress(begun + share * done)
