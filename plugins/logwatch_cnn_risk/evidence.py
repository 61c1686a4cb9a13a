"""What boosted stumps are told of each metric of a window."""

from __future__ import annotations

import numpy as np

from logwatch.api import Float32
from logwatch_cnn_risk.logistic import statistics
from logwatch_cnn_risk.trends import SPANS, spans

NEWEST = 6
"""The last of so many parts of a window are its newest values."""

KINDS = 12
"""Features of each metric."""


def evidence(scaled: Float32, own: Float32, read: Float32) -> Float32:
    """Features [n, 12 m] of distances [n, m, c] from training's mean and from the own past, and of what networks read.

    Means and slopes, the newest values, how much they vary, the newest trends, and where lines over the last third and
    two thirds lead to in half a window.
    """
    newest = slice(-max(scaled.shape[2] // NEWEST, 1), None)
    each = [one[:, :, newest].mean(axis=2) for one in (scaled, own)]
    each += [scaled.std(axis=2), *read[:, -len(SPANS) :, :, -1].transpose(1, 0, 2)]
    for columns in spans(scaled.shape[2])[1:]:
        last = scaled[:, :, -columns:]
        when = np.linspace(-1, 1, columns, dtype=np.float32)
        each.append(last.mean(axis=2) + last @ when / (when @ when) * (1 + scaled.shape[2] / columns))
    return np.concatenate([statistics(scaled, own), *each], axis=1).astype(np.float32)
