"""A third-party component cannot take the daemon down; one that keeps failing is switched off for a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from logwatch.api import Component, PluginConfig
from logwatch.plugins.guard import COOL_DOWN_MAX_S, COOL_DOWN_S, FAILURES, Guard, PluginOff
from logwatch.plugins.guarded import guarded
from logwatch.telemetry import PLUGIN_CALLS, PLUGIN_ERRORS, PLUGIN_OFF
from logwatch.testing import ListSink, ListSource, ManualClock, sample_alert, sample_lines, sample_steps
from logwatch.types import Alert, EventBatch, Float32, RecordBatch, Stream


def wrapped(kind: Any, thing: object, clock: ManualClock, trips: list[Any] | None = None) -> Any:
    component = Component(kind, "mine", (1, 0), PluginConfig, type(thing))
    on_trip = None if trips is None else lambda *trip: trips.append(trip)
    return guarded(component, thing, on_trip, clock.monotonic)


class Detector:
    """Answers with what it is given; raises where that is an exception."""

    name = "mine"

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def score(self, events: EventBatch) -> Float32:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer(len(events))

    def learn(self, chunk: EventBatch, nats: Float32) -> None:
        raise ValueError("never learns")

    def changes(self) -> list[tuple[str, bytes | None]]:
        return [("cell", b"x")]

    def restore(self, cells: Mapping[str, bytes]) -> None:
        raise ValueError("cannot read its own cells")


EVENTS = sample_steps(10).batch(0, 10, np.zeros(10, np.int32))


@pytest.mark.parametrize(
    "answer",
    [
        RuntimeError("broken"),
        lambda n: np.zeros(n + 1, np.float32),
        lambda n: np.full(n, -1, np.float32),
        lambda n: np.full(n, np.inf, np.float32),
        lambda n: "nonsense",
    ],
)
def test_a_detector_that_fails_or_talks_nonsense_has_no_opinion(answer: Any) -> None:
    nats = wrapped("detector", Detector(answer), ManualClock()).score(EVENTS)
    assert nats.dtype == np.float32
    assert np.isnan(nats).all()
    assert nats.shape == (10,)


def test_a_sound_detector_is_heard() -> None:
    detector = wrapped("detector", Detector(lambda n: np.arange(n, dtype=np.float64)), ManualClock())
    assert detector.score(EVENTS).tolist() == list(range(10))
    assert detector.name == "mine"
    assert detector.changes() == (("cell", b"x"),)
    detector.learn(EVENTS, np.zeros(10, np.float32))


def test_what_a_detector_may_have_beside_the_protocol_is_passed_on() -> None:
    class Merging(Detector):
        def merged(self, pairs: list[tuple[int, int]]) -> None:
            self.answer = pairs

    inner = Merging(None)
    detector = wrapped("detector", inner, ManualClock())
    detector.merged([(1, 2)])
    assert inner.answer == [(1, 2)]
    assert not hasattr(detector, "close")
    assert not hasattr(wrapped("detector", Detector(None), ManualClock()), "merged")


def test_a_state_that_cannot_be_restored_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="own cells"):
        wrapped("detector", Detector(None), ManualClock()).restore({})


def test_one_that_keeps_failing_is_switched_off_and_tried_again_later() -> None:
    clock, trips = ManualClock(), list[Any]()
    inner = Detector(RuntimeError("broken"))
    detector = wrapped("detector", inner, clock, trips)
    for _ in range(FAILURES):
        detector.score(EVENTS)
    assert trips == [('detector "mine"', "RuntimeError: broken", COOL_DOWN_S)]
    assert PLUGIN_OFF.value(component='detector "mine"') == 1
    inner.answer = lambda n: np.ones(n, np.float32)
    assert np.isnan(detector.score(EVENTS)).all(), "it was asked while it was switched off"
    clock.advance(COOL_DOWN_S)
    assert detector.score(EVENTS).tolist() == [1.0] * 10
    assert PLUGIN_OFF.value(component='detector "mine"') == 0


def test_the_cool_down_grows_while_it_fails_again_and_is_bounded() -> None:
    clock, trips = ManualClock(), list[Any]()
    detector = wrapped("detector", Detector(RuntimeError("broken")), clock, trips)
    for _ in range(FAILURES - 1):
        detector.score(EVENTS)
    for _ in range(10):
        detector.score(EVENTS)
        clock.advance(COOL_DOWN_MAX_S)
    offs = [seconds for _, _, seconds in trips]
    assert offs[:3] == [COOL_DOWN_S, 2 * COOL_DOWN_S, 4 * COOL_DOWN_S]
    assert max(offs) == offs[-1] == COOL_DOWN_MAX_S


def test_a_success_between_failures_starts_the_count_again() -> None:
    trips: list[Any] = []
    inner = Detector(None)
    detector = wrapped("detector", inner, ManualClock(), trips)
    for i in range(4 * FAILURES):
        inner.answer = RuntimeError("now and then") if i % 3 else lambda n: np.ones(n, np.float32)
        detector.score(EVENTS)
    assert not trips


def test_what_works_does_not_excuse_what_keeps_failing() -> None:
    trips: list[Any] = []
    detector = wrapped("detector", Detector(RuntimeError("broken")), ManualClock(), trips)
    for _ in range(FAILURES):
        assert detector.changes() == (("cell", b"x"),)
        detector.score(EVENTS)
    assert len(trips) == 1


def test_a_sink_raises_so_that_nothing_is_lost() -> None:
    clock, inner = ManualClock(), ListSink()
    sink = wrapped("sink", inner, clock)
    inner.fail_next(FAILURES)
    for _ in range(FAILURES):
        with pytest.raises(ConnectionError):
            sink.deliver([sample_alert()])
    with pytest.raises(PluginOff, match="as asked for"):
        sink.deliver([sample_alert()])
    clock.advance(COOL_DOWN_S)
    sink.deliver([sample_alert()])
    assert len(inner.alerts) == 1


def test_a_source_is_passed_through() -> None:
    lines = sample_lines(20)
    source = wrapped("source", ListSource(lines), ManualClock())
    source.open({})
    batch = source.poll(100)
    assert batch.lines == lines
    assert source.exhausted()
    source.close()


def test_a_failing_source_has_nothing_new() -> None:
    class Failing(ListSource):
        def poll(self, max_records: int) -> Any:
            raise OSError("gone")

    assert wrapped("source", Failing(), ManualClock()).poll(10) is None


def records(**wrong: Any) -> RecordBatch:
    """A sound batch of two records but for what is given."""
    at = np.arange(2, dtype=np.int64)
    sound: dict[str, Any] = {
        "lines": [b"one", b"two"],
        "streams": [Stream("mine", "lines")],
        "stream": np.zeros(2, np.int32),
        "start": at,
        "end": at + 1,
        "flags": np.zeros(2, np.uint8),
        "cursor": {"at": b"2", "old": None},
    }
    return RecordBatch(**(sound | wrong))


def polled(answer: Any) -> tuple[RecordBatch | None, list[Any]]:
    """What comes through the guard, and whether the source was switched off after five of the kind."""
    source, trips = ListSource(), list[Any]()
    source.poll = lambda max_records: answer
    guard = wrapped("source", source, ManualClock(), trips)
    said = [guard.poll(10) for _ in range(FAILURES)]
    return said[0], trips


@pytest.mark.parametrize(
    "answer",
    [
        [b"one", b"two"],
        records(lines=["one", "two"]),
        records(lines=[b"one", None]),
        records(lines=(b"one", b"two")),
        records(stream=np.zeros(1, np.int32)),
        records(stream=[0, 0]),
        records(stream=np.array([0, 1], np.int32)),
        records(stream=np.array([0, -1], np.int32)),
        records(start=np.array([0.5, 1.5])),
        records(start=np.array([-1, 1])),
        records(end=np.array([0, 0])),
        records(streams=[]),
        records(streams=["mine"]),
        records(streams=[Stream("\ud800", "lines")]),
        records(cursor={"at": "2"}),
        records(cursor={2: b"2"}),
        records(cursor={"\ud800": b"2"}),
        records(gaps=[("mine", 0, 1)]),
    ],
)
def test_records_that_nobody_could_take_are_nothing_new(answer: Any) -> None:
    got, trips = polled(answer)
    assert got is None
    assert len(trips) == 1
    assert "Error: " in trips[0][1]


def test_what_is_not_for_a_source_to_say_is_left_out() -> None:
    got, trips = polled(records(lane="another's", held={"x": b"y"}, shaped=object()))
    assert got is not None
    assert not trips
    assert (got.lines, got.cursor) == ([b"one", b"two"], {"at": b"2", "old": None})
    assert (got.lane, got.held, got.shaped) == ("", {}, None)


@pytest.mark.parametrize("cell", [("cell", "text"), (1, b"x"), ("\ud800", b"x"), "cell"])
def test_state_that_cannot_be_saved_is_not_taken(cell: Any) -> None:
    detector = Detector(lambda n: np.ones(n, np.float32))
    detector.changes = lambda: [cell]
    assert list(wrapped("detector", detector, ManualClock()).changes()) == []


def test_texts_of_a_plugin_can_always_be_written_down() -> None:
    class Hook:
        def annotate(self, alert: Alert) -> Alert:
            return replace(alert, detail="\ud800")

    alert = sample_alert()
    assert wrapped("hook", Hook(), ManualClock()).annotate(alert) is alert
    trips: list[Any] = []
    detector = wrapped("detector", Detector(RuntimeError("\ud800")), ManualClock(), trips)
    for _ in range(FAILURES):
        detector.score(EVENTS)
    assert trips[0][1] == "RuntimeError: ?"


def test_a_decoder_that_miscounts_is_not_believed() -> None:
    class Short:
        def decode(self, lines: list[bytes]) -> list[Mapping[str, Any] | None]:
            return [{}] * (len(lines) - 1)

    assert wrapped("decoder", Short(), ManualClock()).decode([b"a", b"b"]) == [None, None]


def test_calls_and_failures_are_counted() -> None:
    guard = Guard('hook "counted"')
    before = PLUGIN_CALLS.value(component='hook "counted"', method="__add__")
    assert guard.call((1).__add__, 2) == 3
    assert PLUGIN_CALLS.value(component='hook "counted"', method="__add__") == before + 1
    detector = wrapped("detector", Detector(lambda n: np.ones(n, np.float32)), ManualClock())
    before = PLUGIN_CALLS.value(component='detector "mine"', method="score")
    detector.score(EVENTS)
    assert PLUGIN_CALLS.value(component='detector "mine"', method="score") == before + 1
    with pytest.raises(ZeroDivisionError):
        guard.call(divmod, 1, 0)
    assert PLUGIN_ERRORS.value(component='hook "counted"', method="divmod") == 1


def test_what_asks_the_program_to_end_is_not_held_back() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Guard("x").attempt(lambda: None, stop)
