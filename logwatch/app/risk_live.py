"""Assessing windows beside a live stream: never in its way, and yet repeatable.

A window that is due waits in its lane, the three newest of a source, until the scheduler's next turn
(`logwatch.app.heatmap_pacing`) asks the assessors, in a thread of its own. What they say is taken up by the loop as it
commits: alerts, thresholds and what still waits are saved together, so that a killed daemon assesses again what it had
not taken up, and alerts the same. Finished files go without the scheduler: every window is assessed.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from logwatch.api import Risk
from logwatch.checkpoint.heatmaps import packed, unpacked
from logwatch.config import RiskTable
from logwatch.decide.risks import RiskAlarms
from logwatch.errors import ConfigError
from logwatch.pipeline import Pipeline
from logwatch.plugins.loader import Resolved
from logwatch.telemetry import DROPPED, RISK, RISK_SECONDS, RISKS, Logger
from logwatch.types import Alert, MetricWindow

log = Logger(__name__)

NEWEST = 3
"""Windows of a source that wait to be assessed."""

MANY = 256
"""Windows that are assessed at once, and that wait where the input are finished files."""

KNOWN = 10_000
"""Sources whose latest answer is kept."""

DEADLINE_S = 30.0
"""Of one call: nobody waits for it, and the first one loads a network."""

MEMORY = 1 << 30

LARGEST = 1 << 19
"""Bytes of a window, compressed, that is saved while it waits; a larger one is not assessed again after a crash."""

OnWindow = Callable[[MetricWindow, str], None]


class Answer(NamedTuple):
    """What an assessor said of the latest window of a source."""

    window: MetricWindow
    risk: Risk | None
    threshold: float | None  # probability at which it alerts; None: not known yet


@dataclass(frozen=True)
class _Assessor:
    name: str
    table: RiskTable
    ask: Callable[[Sequence[MetricWindow]], Sequence[Risk | None]]


@dataclass
class _Waits:
    """A window, and what was said of it by each assessor."""

    number: int
    window: MetricWindow
    said: list[Risk | None] | None = None


class Risks:
    """The assessors of a configuration.

    Args:
        resolved: its components of the kind `risk`.
        finished: the input are finished files.
        on_trip: told when one keeps failing.

    Raises:
        ConfigError: one cannot be built: its weights are missing, damaged or of something else.
    """

    def __init__(self, resolved: Iterable[Resolved], finished: bool, on_trip: Callable[..., None]) -> None:
        self._assessors = [_built(one, on_trip) for one in resolved]
        self._finished = finished
        self._lanes: dict[str, RiskLane] = {}
        self.answers: dict[tuple[str, str], Answer] = {}  # by source and assessor, the latest last
        self._lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        """Of the assessors."""
        return [one.name for one in self._assessors]

    def watch(self, name: str, pipeline: Pipeline) -> None:
        """Assess the windows of a lane whose pipeline is built, nothing restored yet."""
        windows = pipeline.stages.metrics.windows
        shown = windows.on_window
        lane = RiskLane(self, self._assessors, self._finished, shown)

        def due(window: MetricWindow, incident: str) -> None:
            if shown is not None:
                shown(window, incident)
            lane.due(window, incident)

        windows.on_window = due
        pipeline.beside("risk", lane)
        self._lanes[name] = lane

    def take(self, name: str) -> list[Alert]:
        """Alerts of a lane that are new; called by the loop before it commits."""
        return self._lanes[name].take()

    def turn(self) -> None:
        """Assess all that waits; called by the scheduler's thread."""
        for lane in list(self._lanes.values()):  # those of partitions that went elsewhere have nothing new
            lane.assess()

    def assess(self, windows: Sequence[MetricWindow]) -> list[list[Risk | None]]:
        """What each assessor says of windows, [windows][assessors]."""
        said = [[risk for at in range(0, len(windows), MANY) for risk in one.ask(windows[at : at + MANY])]
                for one in self._assessors]  # fmt: skip
        return [list(of) for of in zip(*said, strict=True)]

    def keep(self, name: str, answer: Answer) -> None:
        """Of the latest window of a source."""
        source = answer.window.source
        with self._lock:
            self.answers.pop((source, name), None)
            self.answers[source, name] = answer
            while len(self.answers) > KNOWN:
                del self.answers[next(iter(self.answers))]
        RISKS.inc(model=name, answer="none" if answer.risk is None else "risk")
        if answer.risk is not None:
            RISK.set(answer.risk.probability, source=source, model=name)

    def latest(self) -> dict[tuple[str, str], Answer]:
        """Of all sources, by source and assessor."""
        with self._lock:
            return dict(self.answers)

    def told(self) -> dict[str, str]:
        """Incidents that are open: id → id of the latest alert of each."""
        return {name: last for lane in list(self._lanes.values()) for name, last in lane.told().items()}


@dataclass
class RiskLane:
    """What waits to be assessed in one lane, and what has alerted."""

    risks: Risks
    assessors: Sequence[_Assessor]
    finished: bool
    on_window: OnWindow | None
    _alarms: list[RiskAlarms] = field(init=False)
    _waiting: deque[_Waits] = field(default_factory=deque)  # in the order in which they were due
    _raised: list[Alert] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _asking: threading.Lock = field(default_factory=threading.Lock)
    _next: int = 0
    _saved: set[int] = field(default_factory=set)  # numbers of windows whose cells are saved

    def __post_init__(self) -> None:
        self._alarms = [RiskAlarms(one.name, one.table.budget, one.table.floor) for one in self.assessors]

    def due(self, window: MetricWindow, incident: str) -> None:
        """A window is due, in the loop's thread; those of incidents are assessed with the next one of their source."""
        if incident:
            return
        with self._lock:
            self._waiting.append(_Waits(self._next, window))
            self._next += 1
            if not self.finished:
                mine = [one for one in self._waiting if one.window.source == window.source and one.said is None]
                if len(mine) > NEWEST:
                    self._waiting.remove(mine[0])
                    DROPPED.inc(reason="risk")
        if self.finished and len(self._waiting) >= MANY:
            self._take_up()

    def assess(self) -> None:
        """Ask the assessors about what waits, in the caller's thread."""
        with self._asking:
            with self._lock:
                waiting = [one for one in self._waiting if one.said is None]
            if not waiting:
                return
            said = self.risks.assess([one.window for one in waiting])
            with self._lock:
                for one, of in zip(waiting, said, strict=True):
                    one.said = of

    def take(self) -> list[Alert]:
        """Alerts that are new; called by the loop before it commits."""
        self._take_up()
        raised, self._raised = self._raised, []
        return raised

    def _take_up(self) -> None:
        if self.finished:
            self.assess()
        with self._lock:
            first = next((at for at, one in enumerate(self._waiting) if one.said is None), len(self._waiting))
            ready = [self._waiting.popleft() for _ in range(first)]
        for one in ready:
            self._hear(one)

    def _hear(self, one: _Waits) -> None:
        for assessor, alarms, risk in zip(self.assessors, self._alarms, one.said or (), strict=True):
            alert = alarms.hear(one.window, risk)
            self.risks.keep(assessor.name, Answer(one.window, risk, alarms.threshold(one.window.source)))
            if alert is not None:
                self._raised.append(alert)
                if alert.state == "open" and self.on_window is not None:
                    self.on_window(one.window, alert.incident)

    def told(self) -> dict[str, str]:
        """Incidents that are open: id → id of the latest alert of each."""
        return {name: last for alarms in self._alarms for name, last in alarms.told().items()}

    def changes(self) -> Iterable[tuple[str, bytes | None]]:
        """Cells of the alarms, and of windows that wait."""
        with self._lock:
            waiting = {one.number: one for one in self._waiting}
        for number in sorted(self._saved - set(waiting)):
            yield f"waiting/{number:x}", None
        for number in sorted(set(waiting) - self._saved):
            body = packed(waiting[number].window)
            if len(body) <= LARGEST:
                yield f"waiting/{number:x}", body
        self._saved = set(waiting)
        for assessor, alarms in zip(self.assessors, self._alarms, strict=True):
            for name, cell in alarms.changes():
                yield f"{assessor.name}/{name}", cell

    def restore(self, cells: Mapping[str, bytes]) -> None:
        """See `Cells.restore`. Raises StateCorrupt."""
        of: dict[str, dict[str, bytes]] = {}
        for name, cell in cells.items():
            part, _, rest = name.rpartition("/")
            of.setdefault(part, {})[rest] = cell
        for assessor, alarms in zip(self.assessors, self._alarms, strict=True):
            alarms.restore(of.get(assessor.name, {}))
        for number in sorted(int(name, 16) for name in of.get("waiting", {})):
            self._waiting.append(_Waits(number, unpacked(of["waiting"][f"{number:x}"])))
            self._saved.add(number)
            self._next = number + 1


def risks_of(resolved: Sequence[Resolved], finished: bool, on_trip: Callable[..., None]) -> Risks | None:
    """The assessors of a configuration; None where there is none. Raises ConfigError."""
    own = [one for one in resolved if one.part.kind == "risk"]
    return Risks(own, finished, on_trip) if own else None


def _built(one: Resolved, on_trip: Callable[..., None]) -> _Assessor:
    from logwatch.plugins.guarded import guarded

    table = one.part.table
    assert isinstance(table, RiskTable)  # noqa: S101  # for the type checker: the loader makes no other
    try:
        thing = one.component.build(one.config)
    except OSError as error:
        weights = getattr(one.config, "weights", "")
        raise ConfigError(f"[risk.{one.part.id}]: {weights}: {(error.strerror or str(error)).lower()}") from error
    except ValueError as error:
        raise ConfigError(f"[risk.{one.part.id}]: {error}", "`logwatchd train risk` writes weights") from error
    asked: Any = guarded(one.component, thing, on_trip, deadline=DEADLINE_S, memory=MEMORY)

    def ask(windows: Sequence[MetricWindow]) -> Sequence[Risk | None]:
        begin = time.monotonic()
        found: Sequence[Risk | None] = asked.assess_many(windows)
        RISK_SECONDS.inc(time.monotonic() - begin, model=one.part.id)
        return found

    return _Assessor(one.part.id, table, ask)
