"""Each kind behind its guard: what is said in a component's place where it fails, hangs, or is switched off."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any

import numpy as np

from logwatch.api import Assessor, Component, Decoder, Detector, Hook, MetricWindow, Risk, Sink, Source
from logwatch.plugins.calls import DEADLINE_S, MEMORY_MAX, Caller
from logwatch.plugins.guard import Guard, OnTrip
from logwatch.plugins.records import cells, sound
from logwatch.types import Alert, EventBatch, Float32, RecordBatch

SEVERITIES = ("info", "warning", "critical")

DETAIL_MOST = 2000
"""Characters of a hook's `detail`."""

NATS_MOST = 1000.0
"""What a detector may say of one event: sums over a window stay far inside float32."""


class GuardedSource:
    """Opening may fail at start; later failures, and batches that nobody could take, read as nothing new."""

    def __init__(self, inner: Source, guard: Guard) -> None:
        self._inner, self._guard = inner, guard

    def open(self, cursors: Mapping[str, bytes]) -> None:
        self._guard.start(self._inner.open, cursors)

    def poll(self, max_records: int) -> RecordBatch | None:
        return self._guard.attempt(lambda: None, self._poll, max_records)

    def _poll(self, max_records: int) -> RecordBatch | None:
        batch = self._inner.poll(max_records)
        return None if batch is None else sound(batch)

    def wait(self, seconds: float) -> None:
        self._guard.attempt(lambda: time.sleep(min(seconds, 1.0)), self._inner.wait, seconds)

    def exhausted(self) -> bool:
        return self._guard.attempt(lambda: False, self._inner.exhausted)

    def close(self) -> None:
        self._guard.attempt(lambda: None, self._inner.close)


class GuardedDecoder:
    """Where it fails, the lines are not of its format."""

    def __init__(self, inner: Decoder, guard: Guard) -> None:
        self._inner, self._guard = inner, guard

    def decode(self, lines: list[bytes]) -> list[Mapping[str, Any] | None]:
        return self._guard.attempt(lambda: [None] * len(lines), self._decode, list(lines))

    def _decode(self, lines: list[bytes]) -> list[Mapping[str, Any] | None]:
        decoded = self._inner.decode(lines)
        if len(decoded) != len(lines):
            raise ValueError(f"decode returned {len(decoded)} results for {len(lines)} lines")
        if not all(one is None or isinstance(one, Mapping) for one in decoded):
            raise TypeError("decode must return mappings or None")
        return decoded


class GuardedDetector:
    """Where it fails, it has no opinion (NaN). A state that cannot be restored stops the start."""

    def __init__(self, inner: Detector, guard: Guard) -> None:
        self._inner, self._guard = inner, guard
        self.name = inner.name

    def score(self, events: EventBatch) -> Float32:
        return self._guard.attempt(lambda: np.full(len(events), np.nan, np.float32), self._score, _shown(events))

    def _score(self, events: EventBatch) -> Float32:
        nats = np.asarray(self._inner.score(events))
        if nats.dtype.kind not in "fiub":
            raise TypeError(f"score returned {nats.dtype}, not numbers")
        if nats.shape != (len(events),):
            raise ValueError(f"score returned shape {nats.shape} for {len(events)} events")
        if np.any(nats < 0) or np.any(np.isinf(nats)):
            raise ValueError("score returned nats below 0 or infinite")
        return np.minimum(nats, NATS_MOST).astype(np.float32)  # first the bound: 1e300 is no float32

    def learn(self, chunk: EventBatch, nats: Float32) -> None:
        self._guard.attempt(lambda: None, self._inner.learn, _shown(chunk), nats)

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        return self._guard.attempt(tuple, self._changes)

    def _changes(self) -> tuple[tuple[str, bytes | None], ...]:
        return tuple(cells(self._inner.changes()).items())

    def restore(self, cells: Mapping[str, bytes]) -> None:
        self._guard.start(self._inner.restore, cells)

    def __getattr__(self, name: str) -> Callable[..., None]:
        """What a detector may have beside the Protocol: the miner's merges, and an end."""
        if name not in ("merged", "close"):
            raise AttributeError(name)
        return partial(self._guard.attempt, lambda: None, getattr(self._inner, name))


def _shown(events: EventBatch) -> EventBatch:
    """The events as a plugin may see them: what it writes to them raises."""
    shown = events.take(slice(0, len(events)))
    for column in fields(shown):
        value = getattr(shown, column.name)
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    return shown


class GuardedHook:
    """Where it fails, the alert stays as it is. Only what a hook may change is taken over."""

    def __init__(self, inner: Hook, guard: Guard) -> None:
        self._inner, self._guard = inner, guard

    def annotate(self, alert: Alert) -> Alert:
        return self._guard.attempt(lambda: alert, self._annotate, alert)

    def _annotate(self, alert: Alert) -> Alert:
        said = self._inner.annotate(alert)
        if said is None:
            return alert
        if not isinstance(said, Alert) or not isinstance(said.detail, str):
            raise TypeError("annotate must return an alert or None")
        said.detail.encode()  # raises where it is no Unicode
        if said.severity not in SEVERITIES:
            raise ValueError(f"severity {said.severity!r} is none of {', '.join(SEVERITIES)}")
        return replace(alert, severity=said.severity, detail=said.detail[:DETAIL_MOST])


class GuardedAssessor:
    """Where it fails, it has nothing to say."""

    def __init__(self, inner: Assessor, guard: Guard) -> None:
        self._inner, self._guard = inner, guard

    def assess(self, window: MetricWindow) -> Risk | None:
        return self._guard.attempt(lambda: None, self._assess, window)

    def _assess(self, window: MetricWindow) -> Risk | None:
        return _sound_risk(self._inner.assess(window))

    def assess_many(self, windows: Sequence[MetricWindow]) -> list[Risk | None]:
        """What `assess` says of each; at once where the component can."""
        if not hasattr(self._inner, "assess_many"):
            return [self.assess(window) for window in windows]
        return self._guard.attempt(lambda: [None] * len(windows), self._assess_many, list(windows))

    def _assess_many(self, windows: list[MetricWindow]) -> list[Risk | None]:
        inner: Any = self._inner  # it may have it: see `Assessor`
        risks: list[Risk | None] = list(inner.assess_many(windows))
        if len(risks) != len(windows):
            raise ValueError(f"assess_many returned {len(risks)} risks for {len(windows)} windows")
        return [_sound_risk(risk) for risk in risks]


def _sound_risk(risk: Risk | None) -> Risk | None:
    if risk is not None and not (0 <= risk.probability <= 1 and risk.horizon > 0):
        raise ValueError(f"a risk of {risk.probability} within {risk.horizon} s")
    return risk


class GuardedSink:
    """Failures are raised, so that the same alerts are offered again; while switched off nothing is lost either."""

    def __init__(self, inner: Sink, guard: Guard) -> None:
        self._inner, self._guard = inner, guard

    def deliver(self, alerts: list[Alert]) -> None:
        self._guard.call(self._inner.deliver, list(alerts))

    def close(self) -> None:
        self._guard.attempt(lambda: None, self._inner.close)


_BY_KIND: Mapping[str, Callable[[Any, Guard], Any]] = {
    "source": GuardedSource,
    "decoder": GuardedDecoder,
    "detector": GuardedDetector,
    "sink": GuardedSink,
    "hook": GuardedHook,
    "risk": GuardedAssessor,
}


class _Gone:
    """In the place of a component that was let go: its memory is free."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None  # never called: the guard is off for good


def guarded(
    component: Component,
    thing: Any,
    on_trip: OnTrip | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    deadline: float | None = DEADLINE_S,
    memory: int = MEMORY_MAX,
) -> Any:
    """The component behind a guard of its kind.

    Args:
        deadline: seconds of one call; those at the start may take longer. Sinks have none: each has a thread of its
            own, where it holds nobody up.
        memory: bytes that its calls may add to the process.
    """
    name = f'{component.kind} "{component.name}"'
    caller = Caller(name, None if component.kind == "sink" else deadline, memory)
    guard = Guard(name, on_trip, monotonic, caller)
    wrapped = _BY_KIND[component.kind](thing, guard)

    def let_go() -> None:
        wrapped._inner = _Gone()

    guard.let_go = let_go
    return wrapped
