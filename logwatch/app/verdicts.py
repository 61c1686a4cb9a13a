"""Verdicts and budgets for people and for `/metrics`: which detector found what, at what cost, and what was asked."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field

import numpy as np
import psutil

from logwatch import telemetry
from logwatch.assemble import PerSource
from logwatch.config.values import Budget
from logwatch.decide.verdict import Verdict
from logwatch.decide.verdict_words import Lstm, sentence
from logwatch.pipeline import Pipeline
from logwatch.requests import SourceReport, VerdictReport

KNOWN_AFTER = 5.0
"""Seconds of CPU time before a share of it is told."""

DAY = 86_400.0


@dataclass(slots=True)
class Cpu:
    """CPU time since this was made: of the process with its children, and of a detector in all threads."""

    _process: float = field(default_factory=lambda: _process())
    _lstm: float = field(default_factory=lambda: telemetry.DETECTOR_SECONDS.value(detector="lstm"))

    def share(self) -> float | None:
        """The LSTM's share, [0, 1]; None before it is known."""
        spent = _process() - self._process
        lstm = telemetry.DETECTOR_SECONDS.value(detector="lstm") - self._lstm
        return min(1.0, lstm / spent) if spent >= KNOWN_AFTER else None


def _process() -> float:
    """CPU seconds of this process, and of those that parse for it."""
    spent = time.process_time()
    for child in psutil.Process().children():
        try:
            used = child.cpu_times()
        except psutil.Error:
            continue  # it has just ended
        spent += used.user + used.system
    return spent


def verdicts_of(
    pipeline: Pipeline, per: PerSource, cpu: Cpu, judged: Sequence[Set[int]]
) -> dict[str, tuple[VerdictReport, ...]]:
    """The verdicts of each source that was judged: of its logs, of its metrics.

    Args:
        cpu: of the run.
        judged: numbers of the sources of which anything was, in logs and in metrics.
    """
    stages, found = pipeline.stages, dict[str, tuple[VerdictReport, ...]]()
    numbers = np.arange(len(stages.registry.sources), dtype=np.int32)
    wanted = per.lstm(numbers)
    there = stages.metrics.forecaster.there
    saves = _saves(pipeline, wanted, cpu) if there else None
    sides = (("logs", stages.judge, True), ("metrics", stages.metrics.judge, False))
    for number, name in enumerate(stages.registry.sources):
        lstm: Lstm = "none" if not there else "on" if wanted[number] else "off"
        found[name] = tuple(
            _report(judge.verdict, number, signal, lstm, votes, saves)
            for (signal, judge, votes), mine in zip(sides, judged, strict=True)
            if number in mine and judge.verdict is not None
        )
    return found


def _saves(pipeline: Pipeline, wanted: np.typing.NDArray[np.bool_], cpu: Cpu) -> float | None:
    """Share of the CPU time of a source with the LSTM that it takes: sources without it bear none."""
    share, counts = cpu.share(), pipeline.counts
    scored, every = int(counts[wanted[: len(counts)]].sum()), int(counts.sum())
    return min(share * every / scored, 1.0) if share is not None and scored else share


def _report(verdict: Verdict, number: int, signal: str, lstm: Lstm, votes: bool, saves: float | None) -> VerdictReport:
    counted = verdict.counted(number)
    return VerdictReport(
        signal=signal,
        incidents=counted.whole,
        lstm=lstm,
        lstm_adds=counted.missed_without,
        without_lstm=counted.without,
        found={name: found for name, (found, _) in counted.alone.items()},
        alone={name: alone for name, (_, alone) in counted.alone.items()},
        lstm_cpu=saves if lstm == "on" else None,
        sentence=sentence(counted, lstm, votes, saves),
    )


def export(sources: Iterable[SourceReport]) -> None:
    """Bring the gauges of verdicts and budgets up to date."""
    for source in sources:
        asked = Budget.parse(source.budget)
        if asked.count is not None and asked.per is not None:
            telemetry.BUDGET_ASKED.set(asked.count / asked.per * DAY, source=source.source)
        if source.achieved:
            telemetry.BUDGET_ACHIEVED.set(float(source.achieved.removesuffix("/day")), source=source.source)
        for verdict in source.verdicts:
            where = {"source": source.source, "signal": verdict.signal}
            every = {"whole": verdict.incidents, "without_lstm": verdict.incidents - verdict.lstm_adds, **verdict.found}
            for name, count in every.items():
                telemetry.VERDICT_FOUND.set(count, detector=name, **where)
            for name, count in {**verdict.alone, "without_lstm": verdict.without_lstm}.items():
                telemetry.VERDICT_ALONE.set(count, detector=name, **where)
