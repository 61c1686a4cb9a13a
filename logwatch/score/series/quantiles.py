"""Histograms: quantiles of what was observed since the record before, as Prometheus' histogram_quantile has them.

The buckets of one reading stand in one record: the same family and time. From them come the quantiles; from the
family's sum and count, where they stand there too, the mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from logwatch.score.series.names import QUANTILES
from logwatch.score.series.segments import Segments, segment_values
from logwatch.types import Bool, Float64, Int64


class Quantiles(NamedTuple):
    """Of h histograms."""

    first: Int64  # [h] row of the first bucket of each
    values: Float64  # [h, quantiles] NaN: nothing was observed
    observed: Float64  # [h] how much was; NaN: not known yet
    whole: Bool  # [h] the last bucket has no upper bound; else nothing can be said


def quantiles(group: Int64, bound: Float64, increase: Float64) -> Quantiles:
    """Quantiles of histograms.

    Args:
        group: [n] ascending number of the histogram of each bucket.
        bound: [n] upper bound, ascending in each group.
        increase: [n] observations up to the bound since the record before; NaN: not known.
    """
    segments = Segments(group)
    last = segments.end - 1
    seen = np.where(np.isnan(increase), 0.0, np.maximum(increase, 0.0))
    seen = segment_values(np.maximum, seen, segments)  # a bucket holds the ones below it
    whole = np.isposinf(bound[last]) & (last > segments.begin)
    observed = np.where(np.isnan(increase[last]), np.nan, seen[last])
    below = segments.before(seen, np.zeros(len(last)))
    lower = segments.before(bound, np.zeros(len(last)))
    values = np.full((len(last), len(QUANTILES)), np.nan)
    ok = whole & (observed > 0)
    for column, quantile in enumerate(QUANTILES):
        rank = quantile * np.where(ok, observed, np.inf)
        at = np.minimum(segments.first(seen >= rank[segments.of]), last)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            inside = lower[at] + (bound[at] - lower[at]) * ((rank - below[at]) / (seen[at] - below[at]))
        flat = (at == segments.begin) & (bound[at] <= 0)
        value = np.where(at == last, lower[at], np.where(flat, bound[at], inside))
        values[:, column] = np.where(ok, value, np.nan)
    return Quantiles(segments.begin, values, observed, whole)
