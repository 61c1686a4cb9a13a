"""The guard around third-party components: each call is timed and counted, none can take the daemon down.

A component that fails `FAILURES` times in a row, or does not return (`logwatch.plugins.calls`), is switched off for a
while, twice as long each time it fails again; what it would have said is then said by its kind's stand-in (no opinion,
nothing new, try again later: `logwatch.plugins.guarded`). One that takes too much memory is let go until the next
start.
"""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from logwatch.errors import LogwatchError
from logwatch.plugins.calls import Caller, GivenUp, TooMuchMemory
from logwatch.telemetry import PLUGIN_CALLS, PLUGIN_ERRORS, PLUGIN_OFF, PLUGIN_SECONDS, Logger

log = Logger(__name__)

FAILURES = 5
"""Failures in a row that switch a component off: one bad record must not, a broken component must within seconds."""

COOL_DOWN_S = 60.0
COOL_DOWN_MAX_S = 3600.0

OnTrip = Callable[[str, str, float], None]
"""Called with the component (`kind "name"`), its last error, and the seconds that it stays off (inf: for good)."""

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
        caller: makes the calls; None: they are made where they come from, for as long as they take.
    """

    def __init__(
        self,
        name: str,
        on_trip: OnTrip | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        caller: Caller | None = None,
    ) -> None:
        self.name = name
        self.let_go: Callable[[], None] = lambda: None  # drops the component: it takes too much memory
        self._caller = caller or Caller(name, deadline=None)
        self._on_trip = on_trip
        self._monotonic = monotonic
        self._failures: Counter[str] = Counter()  # in a row, by method: one that works does not excuse another
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
        return self._made(self._caller.call, method, *args, **kwargs)

    def start(self, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """As `call`, for what is called once, before there is anything to do: it may take longer."""
        return self._made(self._caller.start, method, *args, **kwargs)

    def _made(self, call: Callable[..., R], method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if self.off():
            self._caller.end_lost()
            raise PluginOff(f"{self.name} is switched off: {self._error}")
        name = re.sub(
            "^_(?!_)", "", getattr(method, "__name__", "call")
        )  # `_score` asks `score`, and checks what it says
        PLUGIN_CALLS.inc(component=self.name, method=name)
        begin = self._monotonic()
        try:
            answer = call(method, *args, **kwargs)
        except SystemExit as error:  # only `logwatch.cli` ends the program
            self._failed(name, error)
            raise PluginOff(f"{self.name} called exit") from error
        except Exception as error:
            self._failed(name, error)
            raise
        finally:
            PLUGIN_SECONDS.inc(max(0.0, self._monotonic() - begin), component=self.name)
        if self._failures.pop(name, 0):
            self._cool_down = COOL_DOWN_S
            PLUGIN_OFF.set(0, component=self.name)
        return answer

    def attempt(self, stand_in: Callable[[], R], method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The method's answer, or the stand-in's where it fails or is switched off."""
        try:
            return self.call(method, *args, **kwargs)
        except Exception:  # noqa: BLE001  # third-party code may fail in any way; `call` has counted and said it
            return stand_in()

    def _failed(self, method: str, error: BaseException) -> None:
        self._failures[method] += 1
        failures = self._failures[method]
        said = str(error) if isinstance(error, GivenUp) else f"{type(error).__name__}: {error}"
        self._error = said.encode(errors="replace").decode()
        PLUGIN_ERRORS.inc(component=self.name, method=method)
        log.warning("plugin failed", component=self.name, method=method, error=self._error, in_a_row=failures)
        if isinstance(error, TooMuchMemory):
            self._trip(method, math.inf)
            self.let_go()
        elif failures >= FAILURES or isinstance(error, GivenUp):
            self._trip(method, self._cool_down)

    def _trip(self, method: str, seconds: float) -> None:
        self._off_until = self._monotonic() + seconds
        self._cool_down = min(2 * self._cool_down, COOL_DOWN_MAX_S)
        self._failures[method] = FAILURES - 1  # after the cool-down one more failure is enough
        PLUGIN_OFF.set(1, component=self.name)
        if self._on_trip is not None:
            self._on_trip(self.name, self._error, seconds)
