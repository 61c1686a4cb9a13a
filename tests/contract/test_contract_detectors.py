"""Every built-in detector passes the conformance check that plugins' detectors pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from logwatch.config import DetectorTable
from logwatch.plugins import BUILT_IN, Part, Plugins
from logwatch.score.keys import KeyTable
from logwatch.testing import DetectorRig, NotConforming, check_detector, sample_steps
from logwatch.types import Bool, EventBatch, Float32, Int32

DETECTORS = sorted(name for kind, name in BUILT_IN if kind == "detector")


def has_entities(sources: Int32) -> Bool:
    entities: Bool = sources == 1
    return entities  # as in `sample_steps`


TABLES = {"rule": DetectorTable(rule=[{"name": "errors", "level": "error"}, {"name": "many", "rate": "5/min"}])}
"""Of those that do nothing unless told."""


def rig(name: str) -> DetectorRig:
    resolved = Plugins().resolve(Part("detector", name, name, TABLES.get(name, DetectorTable())))
    assert resolved is not None
    declared: Any = resolved.component.build
    columns = getattr(declared, "COLUMNS", None) or declared.FIELDS.dtype
    keys = KeyTable(columns, capacity=10_000)
    detector = resolved.build(
        keys=keys,
        table=keys,
        has_entities=has_entities,
        text_of=lambda number: f"template number {number} of the sample",
    )
    return DetectorRig(detector, keys)


@pytest.mark.parametrize("name", DETECTORS)
def test_detector_conforms(name: str) -> None:
    check_detector(lambda: rig(name), sample_steps(900))


@pytest.mark.parametrize("name", DETECTORS)
def test_detector_has_opinions(name: str) -> None:
    """A detector that always says NaN or zero would pass the check above."""
    steps = sample_steps(1200)
    one = rig(name)
    said: list[Float32] = []
    for begin, end in ((0, 64), (64, 128), (128, 256), (256, 512), (512, 768), (768, 1024), (1024, 1200)):
        rows = slice(begin, end)
        slots = one.keys.assign(steps.source[rows], steps.stream[rows], steps.entity[rows])
        events = steps.batch(begin, end, slots)
        said.append(one.detector.score(events))
        one.keys.touch(slots, begin)
        one.detector.learn(events, said[-1])
    getattr(one.detector, "close", lambda: None)()
    assert np.nanmax(np.concatenate(said)) > 1


class Forgetful:
    """Scores a key's second event by a set that it forgets to save, and depends on the batch."""

    name = "forgetful"

    def __init__(self, fault: str) -> None:
        self._fault = fault
        self._seen: set[int] = set()

    def score(self, events: EventBatch) -> Float32:
        nats = np.array([float(t not in self._seen) for t in events.template], np.float32)
        self._seen.update(events.template.tolist())
        if self._fault == "batch" and len(events):
            nats = np.full(len(events), float(nats.max()), np.float32)
        if self._fault == "mutates" and len(events):
            events.template[0] = 0
        if self._fault == "negative":
            nats -= 1
        return nats

    def learn(self, chunk: EventBatch, nats: Float32) -> None:
        pass

    def changes(self) -> list[tuple[str, bytes | None]]:
        return []

    def restore(self, cells: object) -> None:
        pass


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("batch", "one event at a time gives other nats"),
        ("mutates", "changed the column 'template'"),
        ("negative", "not negative"),
        ("state", "interrupted after"),
    ],
)
def test_check_finds_a_detector_that_breaks_the_contract(fault: str, rule: str) -> None:
    class Exact(Forgetful):
        def score(self, events: EventBatch) -> Float32:
            nats = np.zeros(len(events), np.float32)
            for i, template in enumerate(events.template.tolist()):
                nats[i] = template not in self._seen
                self._seen.add(template)
            return nats

    make = Exact if fault == "state" else Forgetful
    with pytest.raises(NotConforming, match=rule):
        check_detector(lambda: DetectorRig(make(fault), KeyTable([])), sample_steps(400))
