"""Windows of another length than those of training: the newest part of longer ones is read, shorter ones are refused.

A network has learned how far metrics go in so many seconds: ten minutes squeezed into the place of one would show it
slopes ten times as steep. Other steps within the same time are no matter, as columns gather them.
"""

from __future__ import annotations

from dataclasses import replace

from logwatch.api import MetricWindow

SHORTER = 1.5
"""Windows that are shorter than those of training by more than this are not read."""

LEAST_STEPS = 0.5
"""Steps for each column that a network reads: fewer are too coarse."""


def newest(window: MetricWindow, seconds: float) -> MetricWindow:
    """The last so many seconds of a window; the window itself where it has no more."""
    every = window.values.shape[1]
    steps = max(round(seconds * 1e9 / window.step), 1)
    if steps >= every:
        return window
    start = window.start + (every - steps) * window.step
    return replace(window, start=start, values=window.values[:, every - steps :])


def unreadable(window: MetricWindow, seconds: float, columns: int) -> str:
    """Why a network of so many columns and seconds cannot read the newest part of a window; empty: it can."""
    part = newest(window, seconds)
    had = f"training had windows of {seconds:g} s, this one has {(window.end - window.start) / 1e9:g} s"
    if (part.end - part.start) / 1e9 * SHORTER < seconds:
        return had
    if part.values.shape[1] < LEAST_STEPS * columns:
        return f"{had} in steps of {window.step / 1e9:g} s: too coarse"
    return ""
