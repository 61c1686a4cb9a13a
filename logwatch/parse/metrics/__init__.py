"""Reads metrics: bytes of records in any of the usual formats → samples of series."""

from logwatch.parse.metrics.detect import looks_like_metrics
from logwatch.parse.metrics.reader import MetricReader
from logwatch.parse.metrics.settings import FORMATS, MetricSettings

__all__ = ["FORMATS", "MetricReader", "MetricSettings", "looks_like_metrics"]
