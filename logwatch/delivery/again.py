"""Which open incidents a sink is told of again, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from logwatch.decide.alerts import digest_id, duration
from logwatch.delivery.route import Route
from logwatch.sinks.standing import Standing
from logwatch.types import Alert

LOOK_EVERY_S = 15.0
"""How often open incidents are looked at, to see whether some are due."""


class Told(NamedTuple):
    """An open incident, told again."""

    standing: Standing
    alert: Alert  # with an id of its own


class Again:
    """Open incidents of one sink: all of them every `resend` seconds, or each after `repeat` seconds without news.

    A repetition that would have been due while the program did not run is left out.

    Args:
        route: of the sink.
        resend: seconds; 0: the sink does not resend.
    """

    def __init__(self, route: Route, resend: float = 0.0) -> None:
        self._route = route
        self._resend = resend
        self._repeat = int((route.repeat or 0.0) * 1e9)
        self._next = 0.0  # monotonic seconds
        self._repeated: dict[str, int] = {}  # id of the latest alert of an incident → repetitions that are past

    @property
    def wanted(self) -> bool:
        """Whether the sink is told anything again."""
        return bool(self._resend or self._repeat)

    def due(self, now: float) -> bool:
        """Whether to look at the open incidents, `now` in monotonic seconds."""
        return self.wanted and now >= self._next

    def pick(self, standing: Sequence[Standing], now: float, wall: int) -> list[Told]:
        """Those that are to be told again now; `wall`: ns."""
        self._next = now + (self._resend or LOOK_EVERY_S)
        mine = [one for one in standing if self._route.takes(one.latest)]
        if self._resend:
            return [Told(one, one.latest) for one in mine]
        past = {one.latest.id: max(0, wall - one.told) // self._repeat for one in mine}
        due = [one for one in mine if past[one.latest.id] > self._repeated.get(one.latest.id, past[one.latest.id])]
        told = [Told(one, repeated(one, past[one.latest.id], wall)) for one in due]
        self._repeated = {name: max(count, self._repeated.get(name, 0)) for name, count in past.items()}
        return told


def repeated(one: Standing, count: int, wall: int) -> Alert:
    """The latest alert of an incident, told for the `count`-th time again: a stable id, and a sentence that says so."""
    from logwatch.sinks.render import headline  # rich: most sinks never repeat

    sentence = f"still open after {duration(max(0, wall - one.told) / 1e9)}: {headline(one.latest)}"
    return replace(one.latest, id=digest_id(one.latest.id, "repeat", count), detail=sentence)
