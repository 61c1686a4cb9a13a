"""Risk alerts: one when the risk of a source passes its threshold, an update when it grows, one when it is over.

Everything follows the sequence of a source's windows and what was said of each, and nothing else: neither when it was
said nor what its lines and metrics alert of. One incident of a source and assessor at a time; it ends when `ENDS`
windows in a row are below its threshold by `EASED`, or nothing could be said of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from logwatch.api import MetricWindow, Risk
from logwatch.cells import unpack
from logwatch.config.values import Budget
from logwatch.decide.alerts import digest_id, duration
from logwatch.decide.risk_past import RiskPast
from logwatch.errors import StateCorrupt
from logwatch.types import Alert, Fired

KIND = "risk"
ENDS, EASED = 3, 0.5
WORSE = 2.0
"""Log odds by which the risk must have grown since it was last told."""

SEVERE = 0.9
"""A risk from which on an alert is critical, once it is provisional no more."""

DRIVERS = 3
"""Metrics that are named in an alert."""

LEAST = 1e-6


def odds_of(probability: float) -> float:
    """Log odds of a probability, [0, 1]; rounded, so that the last bits of a network's answer decide nothing."""
    p = min(max(probability, LEAST), 1 - LEAST)
    return round(math.log(p / (1 - p)), 4)


@dataclass
class _Open:
    """An open incident."""

    id: str
    threshold: float  # log odds
    first: int  # ends of its first and last window, ns
    last: int
    told: float  # log odds
    count: int = 1
    sent: int = 1
    below: int = 0  # windows in a row
    peak: float = 0.0  # probability
    tail: float = 1.0  # the least share of the past that was as high
    severity: str = "warning"
    provisional: bool = True


@dataclass
class _Source:
    name: str
    past: RiskPast = field(default_factory=RiskPast)
    clock: int = 0  # end of the latest window, ns
    open: _Open | None = None


class RiskAlarms:
    """Of all sources of a lane, by one assessor.

    Args:
        name: of the assessor.
        floor: a probability below which nothing alerts.
    """

    def __init__(self, name: str, budget: Budget, floor: float) -> None:
        self._name, self._budget, self._floor = name, budget, odds_of(floor)
        self._of: dict[str, _Source] = {}
        self._dirty: set[str] = set()

    def hear(self, window: MetricWindow, risk: Risk | None) -> Alert | None:
        """What was said of a window; those of a source come in the order of their ends."""
        state = self._of.setdefault(window.source, _Source(window.source))
        if window.end <= state.clock:
            return None
        self._dirty.add(window.source)
        seconds = (window.end - state.clock) / 1e9 if state.clock else 0.0
        state.clock = window.end
        if risk is None:
            return self._eased(state, window.end)
        odds, past = odds_of(risk.probability), state.past
        threshold = past.threshold(self._budget, self._floor)
        crossing = state.open is None and not past.young and odds >= threshold
        tail, provisional = past.tail(odds), past.provisional(self._budget)
        past.learn(odds, seconds, crossing or state.open is not None)
        if crossing:
            name = digest_id(window.source, "", None, KIND, self._name, {"window": window.end})
            severity = "critical" if risk.probability >= SEVERE and not provisional else "warning"
            state.open = _Open(
                name, threshold, window.end, window.end, odds, peak=risk.probability, tail=tail, severity=severity,
                provisional=provisional,
            )  # fmt: skip
            return self._alert(state, state.open, risk, name, "open", tail)
        return None if state.open is None else self._goes_on(state, state.open, window.end, odds, risk, tail)

    def _goes_on(self, state: _Source, incident: _Open, end: int, odds: float, risk: Risk, tail: float) -> Alert | None:
        if odds < incident.threshold - EASED:
            return self._eased(state, end)
        incident.below, incident.last, incident.count = 0, end, incident.count + 1
        incident.peak, incident.tail = max(incident.peak, risk.probability), min(incident.tail, tail)
        if odds < incident.told + WORSE:
            return None
        incident.told = odds
        if risk.probability >= SEVERE and not incident.provisional:
            incident.severity = "critical"
        name = digest_id(incident.id, "update", incident.sent)
        incident.sent += 1
        return self._alert(state, incident, risk, name, "update", tail)

    def _eased(self, state: _Source, end: int) -> Alert | None:
        """A window that does not belong to the open incident, if there is one."""
        incident = state.open
        if incident is None:
            return None
        incident.below += 1
        if incident.below < ENDS:
            return None
        state.open = None
        name = digest_id(incident.id, "end", incident.sent)
        lasted = duration((incident.last - incident.first) / 1e9)
        said = f"over after {lasted}: the highest risk was {incident.peak:.2f}"
        return self._made(state, incident, name, "end", said, incident.tail)

    def _alert(self, state: _Source, incident: _Open, risk: Risk, name: str, what: str, tail: float) -> Alert:
        return self._made(state, incident, name, what, sentence(risk, incident.threshold), tail)

    def _made(self, state: _Source, incident: _Open, name: str, what: str, detail: str, tail: float) -> Alert:
        fired = (Fired(self._name, -math.log(tail), tail),) if what != "end" else ()
        return Alert(
            id=name, incident=incident.id, state=what, severity=incident.severity, source=state.name, instance="",
            entity=None, kind=KIND, rule=self._name, first=incident.first, last=incident.last, count=incident.count,
            score=-math.log10(tail), p=tail, provisional=incident.provisional, fired=fired, lines=(), before=(),
            expected=(), template_id=-1, template="", position={}, model="", detail=detail,
        )  # fmt: skip

    def told(self) -> dict[str, str]:
        """Incidents that are open: id → id of the latest alert of each."""
        opened = (one.open for one in list(self._of.values()) if one.open is not None)
        return {one.id: one.id if one.sent == 1 else digest_id(one.id, "update", one.sent - 1) for one in opened}

    def threshold(self, source: str) -> float | None:
        """The probability at which a source alerts now; None while it is too young."""
        state = self._of.get(source)
        if state is None or state.past.young:
            return None
        return 1 / (1 + math.exp(-state.past.threshold(self._budget, self._floor)))

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """One cell a source."""
        for name in sorted(self._dirty):
            one = self._of[name]
            facts = {"source": name, "clock": one.clock, "open": None if one.open is None else asdict(one.open)}
            yield digest_id(name)[:24], one.past.pack(**facts)
        self._dirty.clear()

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`. Raises StateCorrupt."""
        for cell in cells.values():
            arrays, facts = unpack(cell)
            try:
                opened = None if facts["open"] is None else _Open(**facts["open"])
                past = RiskPast.unpack(arrays, facts)
                self._of[facts["source"]] = _Source(facts["source"], past, int(facts["clock"]), opened)
            except (KeyError, TypeError, ValueError) as error:
                raise StateCorrupt(f"a cell of risks cannot be read: {error}") from error


def sentence(risk: Risk, threshold: float | None = None) -> str:
    """What a risk is, and what drove it, for people."""
    usual = "" if threshold is None else f" (alerts from {1 / (1 + math.exp(-threshold)):.2f} on)"
    drivers = ", ".join(f"{name[:200]} ({share:.0%})" for name, share in risk.drivers[:DRIVERS])
    driven = f"; driven by {drivers}" if drivers else ""
    told = f"; {risk.detail[:500]}" if risk.detail else ""
    return f"risk of a failure within {duration(risk.horizon)}: {risk.probability:.2f}{usual}{driven}{told}"
