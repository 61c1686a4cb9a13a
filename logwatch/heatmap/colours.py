"""Colours of levels: cividis, which people with any colour vision, and printers without colours, read alike.

From dark blue over grey to yellow, its lightness rises evenly with the level (Nuñez, Anderton, Renslow: "Optimizing
colormaps with consideration for color vision deficiency", PLOS ONE 13(7), 2018).
"""

from __future__ import annotations

import numpy as np

from logwatch.types import Float32, UInt8

_ANCHORS = ("00204d", "00336f", "39486b", "575c6d", "707173", "8a8779", "a69d75", "c4b56c", "e4cf5b", "ffea46")


def _table() -> UInt8:
    anchors = np.array([list(bytes.fromhex(one)) for one in _ANCHORS], np.float64)
    at, places = np.linspace(0.0, 1.0, 256), np.linspace(0.0, 1.0, len(anchors))
    return np.stack([np.interp(at, places, channel) for channel in anchors.T], axis=1).round().astype(np.uint8)


TABLE: UInt8 = _table()
"""RGB [256, 3] of the levels 0 to 1."""

ABSENT = (250, 244, 246)
"""Ground of what is missing: lighter than any level; pictures hatch it with `ABSENT_LINE`."""

ABSENT_LINE = (190, 150, 160)

INCIDENT = (214, 40, 40)
DEPLOYMENT = (0, 0, 0)
"""Of marks: told apart by their shape and words, too."""


def colours(level: Float32) -> UInt8:
    """RGB [..., 3] of levels [...] in 0 to 1."""
    return TABLE[np.clip(np.rint(level * 255), 0, 255).astype(np.uint8)]
