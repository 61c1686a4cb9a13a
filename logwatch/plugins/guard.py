"""The guard around third-party components: each call is timed and counted, none can take the daemon down.

A component that fails `FAILURES` times in a row is switched off for a while, twice as long each time it fails again;
what it would have said is then said by its kind's stand-in (no opinion, nothing new, try again later).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ParamSpec, TypeVar

import numpy as np

from logwatch.api import Component, Decoder, Detector, Sink, Source
from logwatch.errors import LogwatchError
from logwatch.telemetry import PLUGIN_CALLS, PLUGIN_ERRORS, PLUGIN_OFF, PLUGIN_SECONDS, Logger
from logwatch.types import Alert, EventBatch, Float32, RecordBatch

log = Logger(__name__)

FAILURES = 5
"""Failures in a row that switch a component off: one bad record must not, a broken component must within seconds."""

COOL_DOWN_S = 60.0
COOL_DOWN_MAX_S = 3600.0

OnTrip = Callable[[str, str, float], None]
"""Called with the component (`kind "name"`), its last error, and the seconds that it stays off."""

P = ParamSpec("P")
R = TypeVar("R")


class PluginOff(LogwatchError):
    """A component keeps failing and is switched off for now."""

    exit_code = 69


class Guard:
    """Runs the calls of one component.

    Args:
        name: `kind "name"`.
        on_trip: told when the component is switched off.
        monotonic: seconds that never go back.
    """

    def __init__(
        self, name: str, on_trip: OnTrip | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self._on_trip = on_trip
        self._monotonic = monotonic
        self._failures = 0
        self._cool_down = COOL_DOWN_S
        self._off_until = 0.0
        self._error = ""

    def off(self) -> bool:
        """Whether the component is switched off now."""
        return self._monotonic() < self._off_until

    def call(self, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The method's own answer.

        Raises:
            PluginOff: it is switched off.
            Exception: whatever the method raised, counted.
        """
        if self.off():
            raise PluginOff(f"{self.name} is switched off: {self._error}")
        name = getattr(method, "__name__", "call")
        PLUGIN_CALLS.inc(component=self.name, method=name)
        begin = self._monotonic()
        try:
            answer = method(*args, **kwargs)
        except Exception as error:
            self._failed(name, error)
            raise
        finally:
            PLUGIN_SECONDS.inc(max(0.0, self._monotonic() - begin), component=self.name)
        if self._failures:
            self._failures, self._cool_down = 0, COOL_DOWN_S
            PLUGIN_OFF.set(0, component=self.name)
        return answer

    def attempt(self, stand_in: Callable[[], R], method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The method's answer, or the stand-in's where it fails or is switched off."""
        try:
            return self.call(method, *args, **kwargs)
        except Exception:  # noqa: BLE001  # third-party code may fail in any way; `call` has counted and said it
            return stand_in()

    def _failed(self, method: str, error: Exception) -> None:
        self._failures += 1
        self._error = f"{type(error).__name__}: {error}"
        PLUGIN_ERRORS.inc(component=self.name, method=method)
        log.warning("plugin failed", component=self.name, method=method, error=self._error, in_a_row=self._failures)
        if self._failures >= FAILURES:
            self._trip()

    def _trip(self) -> None:
        seconds = self._cool_down
        self._off_until = self._monotonic() + seconds
        self._cool_down = min(2 * seconds, COOL_DOWN_MAX_S)
        self._failures = FAILURES - 1  # after the cool-down one more failure is enough
        PLUGIN_OFF.set(1, component=self.name)
        if self._on_trip is not None:
            self._on_trip(self.name, self._error, seconds)


class GuardedSource:
    """Opening may fail at start; later failures read as nothing new."""

    def __init__(self, inner: Source, guard: Guard) -> None:
        self._inner, self._guard = inner, guard

    def open(self, cursors: Mapping[str, bytes]) -> None:
        self._guard.call(self._inner.open, cursors)

    def poll(self, max_records: int) -> RecordBatch | None:
        return self._guard.attempt(lambda: None, self._inner.poll, max_records)

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
        return decoded


class GuardedDetector:
    """Where it fails, it has no opinion (NaN). A state that cannot be restored stops the start."""

    def __init__(self, inner: Detector, guard: Guard) -> None:
        self._inner, self._guard = inner, guard
        self.name = inner.name

    def score(self, events: EventBatch) -> Float32:
        return self._guard.attempt(lambda: np.full(len(events), np.nan, np.float32), self._score, events)

    def _score(self, events: EventBatch) -> Float32:
        nats = np.asarray(self._inner.score(events), dtype=np.float32)
        if nats.shape != (len(events),):
            raise ValueError(f"score returned shape {nats.shape} for {len(events)} events")
        if np.any(nats < 0) or np.any(np.isinf(nats)):
            raise ValueError("score returned nats below 0 or infinite")
        return nats

    def learn(self, chunk: EventBatch, nats: Float32) -> None:
        self._guard.attempt(lambda: None, self._inner.learn, chunk, nats)

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        return self._guard.attempt(tuple, self._changes)

    def _changes(self) -> tuple[tuple[str, bytes | None], ...]:
        return tuple(self._inner.changes())

    def restore(self, cells: Mapping[str, bytes]) -> None:
        self._guard.call(self._inner.restore, cells)

    def __getattr__(self, name: str) -> Callable[..., None]:
        """What a detector may have beside the Protocol: the miner's merges, and an end."""
        if name not in ("merged", "close"):
            raise AttributeError(name)
        return partial(self._guard.attempt, lambda: None, getattr(self._inner, name))


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
}


def guarded(
    component: Component,
    thing: Any,
    on_trip: OnTrip | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Any:
    """The component behind a guard of its kind; kinds without one are returned as they are."""
    wrap = _BY_KIND.get(component.kind)
    return wrap(thing, Guard(f'{component.kind} "{component.name}"', on_trip, monotonic)) if wrap else thing
