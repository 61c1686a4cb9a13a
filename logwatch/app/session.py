"""An opened state with restored lanes on it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from logwatch.ahead import Ahead
from logwatch.api import Clock
from logwatch.app.model_store import configured, obey, warm_start
from logwatch.app.plugins_run import Trips, annotated
from logwatch.app.risk_live import Risks, risks_of
from logwatch.app.verdicts import Cpu, export, verdicts_of
from logwatch.assemble import PerSource, assemble, parsed_ahead
from logwatch.checkpoint.store import Store
from logwatch.clock import SystemClock
from logwatch.commit import CLOCK
from logwatch.config import Loaded, Settings, SourceTable
from logwatch.deadletter import Box, DeadLetters
from logwatch.deadletter.file import LetterFile
from logwatch.decide.budget import LEARN_S
from logwatch.lanes import Lanes
from logwatch.pipeline import Pipeline, Saved
from logwatch.plugins.loader import Plugins, Resolved
from logwatch.requests import SourceReport
from logwatch.rows import Scored
from logwatch.types import MetricWindow

EVERY = 30.0
"""Seconds between two looks at verdicts and budgets, at least: with many sources they take a hundredth of the time."""

LETTERS = "dead-letters.jsonl"
"""Dead letters in the state directory."""


@dataclass
class Session:
    """Everything a verb needs; closed by `opened`."""

    lanes: Lanes
    store: Store
    clock: Clock
    settings: Settings
    tables: Mapping[str, SourceTable]
    ahead: Ahead
    trips: Trips
    cpu: Cpu = field(default_factory=Cpu)
    risks: Risks | None = None  # None: no assessor is configured
    _next_look: float = 0.0  # monotonic seconds

    @property
    def pipeline(self) -> Pipeline:
        """Of this machine's own lane."""
        return self.lanes.own

    @property
    def resumed(self) -> bool:
        """Whether there was a state of an earlier run."""
        return self.lanes.resumed

    def sources(self) -> list[SourceReport]:
        """One row for each source, for people."""
        return [row for pipeline in self.lanes for row in self._reports(pipeline)]

    def _reports(self, pipeline: Pipeline) -> list[SourceReport]:
        return source_reports(pipeline, PerSource(self.settings, self.tables, pipeline.stages.registry), self.cpu)

    def observe(self) -> None:
        """Bring the gauges of verdicts and budgets up to date, now and then."""
        begin = self.clock.monotonic()
        if begin >= self._next_look:
            export(self.sources())
            end = self.clock.monotonic()
            self._next_look = end + max(EVERY, 100 * (end - begin))

    def before_commit(self) -> None:
        """Plugins that were switched off since the last call become alerts, and so does what assessors said."""
        self.pipeline.raised += self.trips.take()
        if self.risks is not None:
            for lane, pipeline in self.lanes.named().items():
                pipeline.tell(self.risks.take(lane))

    def commit(self) -> None:
        """Save everything; alerts are nobody's to deliver. Raises StateFull."""
        self.lanes.commit({})


@contextlib.contextmanager
def opened(
    settings: Settings,
    resolved: Sequence[Resolved],
    state: Path | None,
    tables: Mapping[str, SourceTable],
    *,
    finished: bool = False,
    on_scored: Callable[[Scored], None] | None = None,
    on_window: Callable[[MetricWindow, str], None] | None = None,
    on_lane: Callable[[Pipeline], None] = lambda pipeline: None,
) -> Iterator[Session]:
    """Open or make a state, build the pipeline on it and bring back what it had learned.

    Args:
        resolved: the components of the configuration.
        state: directory; None: a temporary one that is thrown away.
        tables: the sources' generic keys, by component name.
        finished: the input are finished files.
        on_window: sees windows of metrics as they become due; see `Windows`.
        on_lane: called with the pipeline of each lane as it is built, nothing restored yet.

    Raises:
        StateError, ConfigError.
    """
    clock = SystemClock()
    with contextlib.ExitStack() as stack:
        folder = state or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="logwatchd-")))
        store = stack.enter_context(Store(folder, durable=state is not None))
        detectors = [one for one in resolved if one.part.kind == "detector"]

        trips = Trips(clock)
        annotate = annotated([one.build(on_trip=trips, clock=clock) for one in resolved if one.part.kind == "hook"])
        assessed = finished or on_window is not None  # else nobody paces it
        risks = risks_of(resolved, finished, trips) if assessed else None
        letters = dead_letters(settings, resolved, folder)
        bundle = None if settings.model is None else configured(settings.model)
        stack.callback(letters.close)

        def build(lane: str, saved: Saved, share: float) -> Pipeline:
            stages = assemble(settings, tables, detectors, saved, clock, finished=finished, share=share, on_trip=trips)
            stages.metrics.windows.on_window = on_window
            pipeline = Pipeline(stages, saved, clock, on_scored)
            if risks is not None:
                risks.watch(lane, pipeline)
            pipeline.on_failed, pipeline.annotate = letters.put, annotate
            obey(pipeline, lane, folder)
            if saved.cell(*CLOCK) is None:
                warm_start(bundle, pipeline)
            on_lane(pipeline)
            return pipeline

        lanes = Lanes(build, store)
        stack.callback(lanes.close)
        ahead = parsed_ahead(settings, tables, clock)
        stack.callback(ahead.close)
        lanes.on_drop = ahead.forget
        session = Session(lanes, store, clock, settings, tables, ahead, trips, risks=risks)
        lanes.on_commit = session.before_commit
        lanes.on_observe = session.observe
        yield session


def dead_letters(settings: Settings, resolved: Sequence[Resolved], folder: Path) -> DeadLetters:
    """Where dead letters go: a topic where their source names one, else the file."""
    kept = settings.dead_letters

    def file() -> LetterFile:
        return LetterFile(Path(kept.path).expanduser() if kept.path else folder / LETTERS, kept.raw, kept.max_size)

    own: dict[str, Box] = {}
    for one in resolved:
        topic = getattr(one.config, "dead_letter_topic", "")
        if topic:
            from logwatch.deadletter.topic import LetterTopic
            from logwatch.kafka.connection import ConnectionConfig

            assert isinstance(one.config, ConnectionConfig)  # noqa: S101  # for the type checker: only such have that key
            own[one.part.id] = LetterTopic(one.config, topic, kept.raw)
    return DeadLetters(file, own)


def detectors_of(loaded: Loaded) -> list[Resolved]:
    """The detectors, hooks and assessors of a configuration whose sources and sinks are given by the verb."""
    without = replace(loaded, settings=loaded.settings.model_copy(update={"source": (), "sink": ()}))
    return Plugins(loaded.settings.plugins_dir).resolve_all(without)


def source_reports(pipeline: Pipeline, per: PerSource, cpu: Cpu | None = None) -> list[SourceReport]:
    """One row for each source: phase, how long to go, what it did; `cpu`: of the run."""
    stages = pipeline.stages
    sides = stages.judge.status(), stages.metrics.judge.status()  # each takes 0.05 s of a thousand sources
    decided: dict[int, list[dict[str, object]]] = {}
    for row in (*sides[0], *sides[1]):
        decided.setdefault(int(row["source"]), []).append(row)
    incidents = {int(row["source"]): row for row in stages.incidents.status()}
    series = stages.metrics.counts()
    judged = [{int(row["source"]) for row in side} for side in sides]
    verdicts = verdicts_of(pipeline, per, cpu or Cpu(), judged)
    reports = []
    for number, name in enumerate(stages.registry.sources):
        rows = decided.get(number, [])
        primary = [row for row in rows if row["kind"] in ("event", "visit", "metric")]
        watching = any(row["state"] == "watching" for row in primary)
        told = incidents.get(number, {})
        reports.append(
            SourceReport(
                source=name,
                phase="watching" if watching else "learning",
                to_go="" if watching else _to_go(primary),
                records=int(pipeline.counts[number]) if number < len(pipeline.counts) else 0,
                incidents=pipeline.opened[name],
                open=1 if told.get("open") else 0,
                budget=str(per.budget(number)),
                series=series.get(number, 0),
                achieved=_achieved(int(told.get("incidents", 0)), rows),
                verdicts=verdicts[name],
                drift=round(stages.drift.seen(number)[0], 4),
                moved=stages.drift.seen(number)[1],
            )
        )
    return reports


def _achieved(incidents: int, rows: list[dict[str, object]]) -> str:
    """Incidents opened per day of the source's own time; empty before an hour of it has passed."""
    seconds = max((float(str(row["seconds"])) for row in rows), default=0.0)
    return f"{incidents * 86_400 / seconds:.1f}/day" if seconds >= 3600 else ""


def _to_go(rows: list[dict[str, object]]) -> str:
    """How many more decisions, or how much more of its own time, the source needs before it can be judged."""
    left = [int(str(row["to_go"])) for row in rows]
    if not left:
        return ""
    count, kinds = min(left), {row["kind"] for row in rows}
    kind = "visit" if "visit" in kinds else "line" if "event" in kinds else "step"
    seconds = LEARN_S - max(float(str(row["seconds"])) for row in rows)
    if count <= 1 and seconds > 0:
        return f"about {-(-seconds // 60):.0f} min"
    return f"{count:,} {kind}{'' if count == 1 else 's'}"
