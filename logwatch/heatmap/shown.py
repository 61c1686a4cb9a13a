"""What of a window people are shown: as many metrics as they can read, named so that a name cannot do harm."""

from __future__ import annotations

import numpy as np

from logwatch.heatmap.image import LEVEL, MISSING
from logwatch.types import Float32, Int64

MOST_ROWS = 48
"""Rows of a picture."""

MOST_LETTERS = 44
"""Of a metric's name in a picture."""


def rows_shown(image: Float32, most: int = MOST_ROWS) -> Int64:
    """Rows of an image [3, m, t], ascending: all, or the `most` whose levels were furthest from their median for most
    of the time; of equals the first by name."""
    if image.shape[1] <= most:
        return np.arange(image.shape[1])
    present = image[MISSING] == 0
    far = np.where(present, np.abs(image[LEVEL].astype(np.float64) - 0.5), 0.0).sum(axis=1)
    mean = far / np.maximum(np.count_nonzero(present, axis=1), 1)
    return np.sort(np.argsort(-mean, kind="stable")[:most])


def clean(text: str, most: int = MOST_LETTERS) -> str:
    """A text of one line and at most `most` letters; what does not print is written as its number, and the middle of
    a long one is left out: names of series differ at both ends."""
    head, tail = text[: 2 * most], text[-2 * most :]  # enough of a text of any length
    shown = text if len(text) <= 2 * most else head + tail
    told = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in shown)
    if len(told) <= most and len(shown) == len(text):
        return told
    left = most // 2
    return f"{told[:left]}…{told[left + 1 - most :]}"
