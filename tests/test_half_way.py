"""A session that stops half-way is news, though nothing odd was said: what should have come is missing."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from logwatch.app.session import detectors_of, opened
from logwatch.config import SourceTable, load
from logwatch.types import Alert, RecordBatch, Stream

STEPS = ["accepts", "authenticates", "loads cart of", "reserves stock for", "charges card of", "confirms order of"]
SESSIONS, STOPPED = 4000, 3200
START = datetime(2026, 1, 5, tzinfo=UTC)


def lines(seed: int, steps: int) -> list[bytes]:
    """Sessions of six steps, seconds apart, many at a time; one says only so many of them."""
    rng, said = random.Random(seed), list[tuple[float, str]]()
    for number in range(SESSIONS):
        at = 5.0 * number + rng.random() * 5
        for step in STEPS[: steps if number == STOPPED else len(STEPS)]:
            said.append((at, f"INFO shop {step} id=s{number}"))
            at += 0.5 + rng.random() * 2
    said.sort()
    return [f"{START + timedelta(seconds=at):%Y-%m-%dT%H:%M:%S.%f} {text}".encode() for at, text in said]


def alerts(text: list[bytes], size: int) -> list[Alert]:
    loaded = load(environ={}, flags={})
    table = SourceTable(kind="file", entity=r"id=(\w+)")
    with opened(loaded.settings, detectors_of(loaded), None, {"files": table}, finished=True) as session:
        for at in range(0, len(text), size):
            part = text[at : at + size]
            place, none = np.arange(at, at + len(part), dtype=np.int64), np.zeros(len(part), np.uint8)
            session.pipeline.process(
                RecordBatch(part, [Stream("s", "1")], none.astype(np.int32), place, place + 1, none), "files"
            )
        return [alert for alert in session.pipeline.raised if alert.state == "open"]


@pytest.mark.parametrize("steps", [2, 4])
def test_a_session_that_stops_half_way_is_told_with_what_was_to_come(steps: int) -> None:
    text = lines(steps, steps)
    told = alerts(text, 4096)
    (found,) = [alert for alert in told if alert.entity == f"s{STOPPED}"]
    assert found.rule == "lstm"
    assert STEPS[steps].split()[0] in found.expected[0].template
    assert len(told) <= 2
    again = alerts(text, 1000)
    assert [(alert.id, alert.expected) for alert in again] == [(alert.id, alert.expected) for alert in told]
