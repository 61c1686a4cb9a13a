"""A stream may stand twice in the list of a batch's streams, as when the ends of finished files are put together."""

from __future__ import annotations

import numpy as np
import pytest

from logwatch.signals import Signals
from logwatch.types import RecordBatch, Stream

STREAM = Stream("web.csv", "instance")
LINES = [
    b"time,cpu,memory",
    b"2026-01-01T00:00:00Z,0.5,1",
    b"2026-01-01T00:00:01Z,0.6,2",
    b"2026-01-01T00:00:02Z,0.6,3",
]


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_what_a_stream_told_under_one_number_holds_under_the_other(cut: int) -> None:
    signals = Signals(lambda component, source: "auto", lambda stream: False)
    offsets = np.arange(len(LINES), dtype=np.int64)
    numbers = np.array([int(at >= cut) for at in range(len(LINES))], dtype=np.int32)
    batch = RecordBatch(LINES, [STREAM, STREAM], numbers, offsets, offsets + 1, np.zeros(len(LINES), np.uint8))
    found = signals.metrics(batch, "files")
    assert found is not None
    assert found.all()
