"""`backtest`: history through the real pipeline, under the real protocol."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from logwatch.app.history import COMPONENT, Files, Tally, drive
from logwatch.app.mining import line_numbers
from logwatch.app.session import Session, detectors_of, opened
from logwatch.assemble import PerSource, rules_of
from logwatch.backtest import protocol
from logwatch.backtest.labels import LEAST, Labels, read_labels
from logwatch.backtest.recorder import Recorder
from logwatch.backtest.result import Incident, Labelled, Result
from logwatch.backtest.split import Later, Teller, teachers, thresholds
from logwatch.config import SourceTable
from logwatch.directives import Directive
from logwatch.errors import DataError, UsageError
from logwatch.metric_rows import Measured
from logwatch.parse.parser import Parser, ParseSettings
from logwatch.requests import BacktestRequest, Live, Ui
from logwatch.rows import Scored
from logwatch.types import NO_TIME, Alert, Int64, RecordBatch

TOP = 50
"""Incidents that are told, the rarest."""

SHOWN = 8
"""Sources whose scores over time are drawn, those with the most incidents."""


@dataclass
class Listening:
    """Hears alerts instead of a terminal, which goes on showing progress and warnings. Implements `requests.Ui`."""

    ui: Ui
    opened: dict[str, list[int]] = field(default_factory=dict)
    _top: list[tuple[float, int, str]] = field(default_factory=list)
    _alerts: dict[str, Alert] = field(default_factory=dict)
    _ends: dict[str, int] = field(default_factory=dict)
    _count: int = 0

    def deliver(self, alerts: list[Alert]) -> None:
        for alert in alerts:
            if alert.state == "open":
                self.opened.setdefault(alert.source, []).append(alert.last)
                self._alerts[alert.incident] = alert
                self._count += 1
                heapq.heappush(self._top, (alert.score, -self._count, alert.incident))
                if len(self._top) > TOP:
                    dropped = heapq.heappop(self._top)[2]
                    self._alerts.pop(dropped, None)
                    self._ends.pop(dropped, None)
            elif alert.incident in self._alerts:
                self._ends[alert.incident] = max(self._ends.get(alert.incident, alert.last), alert.last)

    def top(self) -> list[Incident]:
        """The rarest incidents, the rarest first."""
        ids = dict.fromkeys(incident for _, _, incident in sorted(self._top, reverse=True))
        ranked = [self._alerts[incident] for incident in ids if incident in self._alerts]
        return [Incident(alert, self._ends.get(alert.incident, alert.last)) for alert in ranked]

    def live(self, live: Live) -> None:
        self.ui.live(live)

    def progress(self, done: int, total: int, what: str = "") -> None:
        self.ui.progress(done, total, what)

    def note(self, message: str) -> None:
        self.ui.note(message)

    def warn(self, message: str) -> None:
        self.ui.warn(message)

    def gone(self) -> bool:
        return self.ui.gone()

    def close(self) -> None:
        self.ui.close()


def backtest(request: BacktestRequest, ui: Ui) -> Result:
    """Replay files and say what there would have been.

    Raises:
        UsageError: labels of entities without --entity; of lines, where a source has several files; a random split of
            what is not labelled by entities.
        NoInputError: none of the files is there.
        DataError: none of them can be read; under half of the labels are of them.
    """
    began = time.monotonic()
    labels = None if request.labels is None else read_labels(request.labels)
    _check(request, labels)
    files = Files(request.paths, request.source or "{name}", ui)
    starts = _line_starts(files, labels)
    heard, tally = Listening(ui), Tally()

    def on_scored(scored: Scored) -> None:
        tally.add(scored.events)
        recorder.scored(scored)

    def on_measured(measured: Measured) -> None:
        tally.measure(measured)
        recorder.measured(measured)

    settings, detectors = request.config.settings, detectors_of(request.config)
    table = {COMPONENT: SourceTable(kind="file", entity=request.entity)}
    with opened(settings, detectors, None, table, finished=True, on_scored=on_scored) as session:
        session.pipeline.on_measured = on_measured
        recorder = Recorder(session.pipeline.stages, labels, starts)
        interrupted = drive(session, files.batches(_parse(request)), heard)
        end_chunk(session)
        result = _result(request, session, recorder, heard, labels, files)
    ui.close()
    result = replace(result, records=tally.records, points=tally.points, interrupted=interrupted)
    if request.random_split and labels is not None and not interrupted:
        result = replace(result, random_split=random_split(request, labels, ui))
    return replace(result, seconds=time.monotonic() - began)


def _check(request: BacktestRequest, labels: Labels | None) -> None:
    if labels is not None and labels.form == "entities" and request.entity is None:
        raise UsageError(
            "the labels are of entities, but no line is about one",
            r"say what a line is about: --entity 'request_id=(\S+)'",
        )
    if request.random_split and (labels is None or labels.form != "entities"):
        raise UsageError("a random split is of entities", "it needs --labels with the columns source,entity,label")


def _parse(request: BacktestRequest) -> ParseSettings:
    return ParseSettings(request.entity or "", lateness=int(request.config.settings.lateness * 1e9))


def _line_starts(files: Files, labels: Labels | None) -> Mapping[str, Int64]:
    """Positions of physical lines, by source."""
    if labels is None or labels.form != "lines":
        return {}
    wanted = {source for source, _ in labels.lines}
    found: dict[str, Int64] = {}
    for path, stream in files.streams.items():
        if stream.source in found:
            raise UsageError(
                f"labels of lines are of one file, but {stream.source!r} has several",
                "name one of them, or tell them apart: --source '{path}'",
            )
        if stream.source in wanted:
            found[stream.source] = line_numbers(path)
    return found


def end_chunk(session: Session) -> None:
    """What was judged since the last chunk's end is looked at too; the state is thrown away anyhow."""
    session.pipeline.direct(Directive("backtest", {}, f"end {session.pipeline.seen}", 0))


def _result(
    request: BacktestRequest, session: Session, recorder: Recorder, heard: Listening, labels: Labels | None,
    files: Files,
) -> Result:  # fmt: skip
    names = session.pipeline.stages.registry.sources
    span = protocol.Span(recorder, len(names), request.warm)
    per = PerSource(session.settings, session.tables, session.pipeline.stages.registry)
    kept = protocol.kept(recorder, span, names, heard.opened, per.budget)
    labelled = None if labels is None else _labelled(recorder, span, names, labels)
    shown = sorted(range(len(names)), key=lambda number: -kept[number].incidents)[:SHOWN]
    top = heard.top()
    if labels is not None and labels.form == "intervals":
        top = protocol.judged_incidents(top, names, labels)
    known = [number for number in range(len(names)) if span.last[number] > span.first[number]]
    times = [(int(span.first[n]), int(span.last[n])) for n in known if span.first[n] > NO_TIME]
    return Result(
        files=tuple(files.streams),
        records=0,
        points=0,
        seconds=0.0,
        first=min((first for first, _ in times), default=None),
        last=max((last for _, last in times), default=None),
        warm=request.warm,
        budget=str(session.settings.budget),
        seed=session.settings.seed,
        interrupted=False,
        incidents=sum(one.incidents for one in kept),
        kept=tuple(sorted(kept, key=lambda one: -one.incidents)),
        alone=tuple(protocol.alone(recorder, span)),
        top=tuple(top),
        lines=tuple(protocol.score_lines(recorder, span, names, shown)),
        calibration=tuple(protocol.calibration(recorder)),
        labelled=labelled,
        opened={source: tuple(times) for source, times in heard.opened.items()},
    )


def _labelled(recorder: Recorder, span: protocol.Span, names: list[str], labels: Labels) -> Labelled:
    cases = recorder.cases
    if cases is None:
        found = protocol.by_intervals(recorder, span, names, labels)
    else:
        found = protocol.by_cases(recorder, cases, span, labels)
    matched = found.matched / max(found.labels, 1)
    if matched < LEAST:
        raise DataError(f"{matched:.0%} of the {found.labels:,} labels match the data", _advice(labels, names))
    return found


def _advice(labels: Labels, names: list[str]) -> str:
    """What to do where labels do not match."""
    wanted = sorted({row.source for row in labels.intervals} | {key[0] for key in (*labels.entities, *labels.lines)})
    unknown = [name for name in wanted if name not in names]
    there = ", ".join(map(repr, names[:5])) + (" …" if len(names) > 5 else "")
    if unknown:
        return f"no source is called {unknown[0]!r}; there are {there}; --source NAME names what is read"
    if labels.form == "intervals":
        return "their times lie outside of the files; times are RFC 3339, with a zone"
    if labels.form == "lines":
        return "they count physical lines of a file, from 1"
    return "the entities that --entity captures are others than those of the labels"


def random_split(request: BacktestRequest, labels: Labels, ui: Ui) -> Labelled:
    """A random share of the normal entities teaches, in the order of time; then all others are judged."""
    taught = teachers(labels, request.warm, request.config.settings.seed)
    parts = [{key: bad for key, bad in labels.entities.items() if (key in taught) == own} for own in (True, False)]
    settings, detectors = request.config.settings, detectors_of(request.config)
    table = {COMPONENT: SourceTable(kind="file", entity=request.entity)}
    teller = Teller(_parse(request), taught, settings.redact)
    with opened(settings, detectors, None, table, finished=True) as session:
        stages = session.pipeline.stages
        recorders: list[Recorder] = []
        for entities in parts:
            if recorders:
                stages.parser = _later(session, request, recorders[0].timeline.latest)
            recorder = Recorder(stages, replace(labels, entities=entities))
            session.pipeline.on_scored = recorder.scored
            files = Files(request.paths, request.source or "{name}", ui)
            _feed(session, teller.some(files.batches(_parse(request)), teaching=not recorders))
            recorders.append(recorder)
    ui.close()
    cases = [recorder.cases for recorder in recorders]
    assert cases[0] is not None  # noqa: S101  # for the type checker: labels are of entities
    assert cases[1] is not None  # noqa: S101  # likewise
    least = thresholds(cases[0], settings.budget)
    span = protocol.Span(recorders[1], len(stages.registry.sources), 0.0)
    return protocol.by_cases(recorders[1], cases[1], span, replace(labels, entities=parts[1]), least)


def _later(session: Session, request: BacktestRequest, since: int) -> Parser:
    settings, rules = _parse(request), rules_of(session.settings).rules
    redact, miner = session.settings.redact, session.pipeline.stages.miner
    parser = Later(lambda source: settings, miner, session.clock, redact, True, rules)
    parser.since = since
    return parser


def _feed(session: Session, batches: Iterator[RecordBatch]) -> None:
    for batch in batches:
        session.pipeline.process(batch, COMPONENT)
        session.pipeline.raised.clear()
    end_chunk(session)


__all__ = ["backtest", "random_split"]
