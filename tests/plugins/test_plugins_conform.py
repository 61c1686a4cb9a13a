"""The suite of plugin authors: sound components pass in one line, and each rule that is broken is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from logwatch.api import Alert, EventBatch, Float32, KeyFields, MetricWindow, PluginConfig, Risk, plugin
from logwatch.testing import NotConforming, check_hook, check_risk, conforms

pytestmark = pytest.mark.usefixtures("own_declarations")


class Config(PluginConfig):
    """One setting."""

    nats: float = 1.0


def detector(name: str = "mine", said: str = "mine", api: tuple[int, int] = (1, 0), keyed: bool = False) -> type:
    class Mine:
        FIELDS = KeyFields((("mine_seen", "i4"),) if keyed else ())

        def __init__(self, config: Config, keys: Any = None) -> None:
            self.name = said
            self._nats, self._keys = config.nats, keys

        def score(self, events: EventBatch) -> Float32:
            if keyed:
                seen = self._keys.view("mine_seen")
                np.add.at(seen, events.slot, 1)
            return np.full(len(events), self._nats, np.float32)

        def learn(self, chunk: EventBatch, nats: Float32) -> None: ...

        def changes(self) -> list[tuple[str, bytes | None]]:
            return []

        def restore(self, cells: Any) -> None: ...

    return plugin(kind="detector", name=name, api=api, config=Config)(Mine)


def test_a_sound_detector_conforms() -> None:
    conforms(detector(), nats=2)


def test_a_detector_with_columns_of_its_own_gets_its_key_table() -> None:
    conforms(detector(keyed=True))


@pytest.mark.parametrize(
    ("component", "options", "rule"),
    [
        (detector, {"nats": -1}, "not negative"),
        (lambda: detector(said="other"), {}, "its `name` is 'other'"),
        (lambda: detector(api=(2, 0)), {}, r"API \(2, 0\)"),
        (lambda: int, {}, "int is not declared"),
    ],
)
def test_what_a_detector_breaks_is_named(component: Any, options: dict[str, Any], rule: str) -> None:
    with pytest.raises(NotConforming, match=rule):
        conforms(component(), **options)


class Hook:
    """Answers what it is told."""

    def __init__(self, answer: Any) -> None:
        self.annotate = answer


def renamed(alert: Alert) -> Alert:
    return replace(alert, id="other")


def counting() -> Any:
    seen: list[str] = []

    def annotate(alert: Alert) -> Alert:
        seen.append(alert.id)
        return replace(alert, detail=f"number {len(seen)}")

    return annotate


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (lambda: renamed, "more than `severity` and `detail`"),
        (lambda: lambda alert: replace(alert, severity="fatal"), "severity 'fatal'"),
        (lambda: lambda alert: {"id": alert.id}, "returned dict"),
        (counting, "depends on the alerts before it"),
    ],
)
def test_what_a_hook_breaks_is_named(answer: Any, rule: str) -> None:
    with pytest.raises(NotConforming, match=rule):
        check_hook(lambda: Hook(answer()))


def test_a_sound_hook_conforms() -> None:
    check_hook(lambda: Hook(lambda alert: replace(alert, detail="see the book") if alert.entity else None))


class Assessor:
    def __init__(self, answer: Any) -> None:
        self.assess = answer


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (lambda window: Risk(1.5, 60), "probability of 1.5"),
        (lambda window: Risk(0.5, 0), "horizon of 0"),
        (lambda window: Risk(0.5, 60, (("load", 1.0),)), "no metric of the window"),
        (lambda window: Risk(float("nan"), 60), "probability of nan"),
        (lambda window: 0.5, "returned float"),
    ],
)
def test_what_an_assessor_breaks_is_named(answer: Any, rule: str) -> None:
    with pytest.raises(NotConforming, match=rule):
        check_risk(lambda: Assessor(answer))


def test_an_assessor_that_writes_to_its_window_is_found() -> None:
    def assess(window: MetricWindow) -> None:
        window.values[:] = 0

    with pytest.raises(NotConforming, match="changed the values"):
        check_risk(lambda: Assessor(assess))
