"""From what was recorded to a result: the warm-up set aside, incidents counted, labels held against them.

Chronological and prequential: everything is judged before it is learned, and no label is seen by anything that is
judged. The first share of each source, by its own lines or steps, only teaches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from logwatch.backtest.cases import UNSEEN, Cases
from logwatch.backtest.episodes import Episodes, episodes
from logwatch.backtest.evaluation import Reached, beside, of_cases, of_stretches
from logwatch.backtest.labels import Interval, Labels
from logwatch.backtest.recorder import PER_DECADE, WHOLE, Recorder
from logwatch.backtest.result import Alone, Anomaly, Calibrated, Incident, Kept, Labelled, Line
from logwatch.backtest.split import above
from logwatch.backtest.stretches import Stretches
from logwatch.config.values import Budget
from logwatch.types import Bool, Float32, Float64, Int64, Kind

DAY = 86_400 * 10**9
POINTS = 600
"""Of a score line."""

SHORT = 3600 * 10**9
"""Time of a source, ns, in which no rate can be told."""

LEAST_CALIBRATED = 20
"""Decisions that a point of the calibration must stand for."""


class Span:
    """When each source was there, and from when on it is evaluated; [sources] ns."""

    def __init__(self, recorder: Recorder, sources: int, warm: float) -> None:
        recorder.timeline.settle()
        line = recorder.timeline
        self.first, self.last, self.begin = (np.zeros(sources, np.int64) for _ in range(3))
        for number in np.unique(line.source).tolist():
            mine = np.flatnonzero(line.source == number)
            time, seen = line.time[mine], np.cumsum(line.counts[mine, 0])
            self.first[number], self.last[number] = time[0], time[-1] + line.width
            at = int(np.searchsorted(seen, warm * seen[-1], side="left"))
            self.begin[number] = time[min(at, len(time) - 1)] if warm > 0 else time[0]

    @property
    def days(self) -> Float64:
        """[sources] of time that is evaluated."""
        days: Float64 = (self.last - self.begin) / DAY
        return days

    def after(self, source: Int64, time: Int64) -> Bool:
        """Which moments [k] are evaluated."""
        later: Bool = time >= self.begin[source]
        return later


def kept(
    recorder: Recorder, span: Span, names: Sequence[str], opened: Mapping[str, Sequence[int]],
    budget_of: Callable[[int], Budget],
) -> list[Kept]:  # fmt: skip
    """How each source kept its budget."""
    rows, line = [], recorder.timeline
    for number, name in enumerate(names):
        budget, days = budget_of(number), float(span.days[number])
        count = sum(time >= int(span.begin[number]) for time in opened.get(name, ()))
        per_day = float(count / days) if days * DAY >= SHORT else None
        if budget.percent is not None:
            mine = (line.source == number) & (line.time >= span.begin[number])
            _, decided, crossed = line.counts[mine].sum(axis=0).tolist()
            ratio = crossed / decided / (budget.percent / 100.0) if decided else None
        else:
            asked = (budget.count or 0.0) / (budget.per or 1.0) * 86_400
            ratio = None if per_day is None else per_day / asked
        rows.append(Kept(name, str(budget), count, days, per_day, ratio))
    return rows


def alone(recorder: Recorder, span: Span) -> list[Alone]:
    """What each voice would have alerted."""
    told = _episodes(recorder, span, WHOLE)
    days, rows = float(span.days.sum()), []
    told_rate = bool((span.days * DAY >= SHORT).any())
    for voice, name in _speaking(recorder):
        own = told if voice == WHOLE else _episodes(recorder, span, voice)
        per_day = len(own) / days if told_rate else None
        rows.append(Alone(name, len(own), per_day, int(_meet(told, own).sum())))
    return rows


def _speaking(recorder: Recorder) -> list[tuple[int, str]]:
    """Voices that have said anything: a history of lines has nothing of those of metrics."""
    values = recorder.timeline.values
    voices = enumerate(recorder.voices)
    return [(voice, name) for voice, name in voices if voice == WHOLE or not np.isnan(values[:, voice]).all()]


def _episodes(recorder: Recorder, span: Span, voice: int) -> Episodes:
    source, time = recorder.crossings.of(voice)
    later = span.after(source, time)
    return episodes(source[later], time[later])


def _meet(ours: Episodes, theirs: Episodes) -> Bool:
    """Which of our episodes [k] overlap one of theirs."""
    first = np.zeros(int(max(ours.source.max(initial=0), theirs.source.max(initial=0))) + 1, np.int64)
    until = np.full_like(first, np.iinfo(np.int64).max // 4)
    return Stretches(theirs.source, theirs.begin, theirs.end, first, until).touched(ours.source, ours.begin, ours.end)


def score_lines(recorder: Recorder, span: Span, names: Sequence[str], chosen: Iterable[int]) -> list[Line]:
    """Scores of some sources over time."""
    line, found = recorder.timeline, []
    for number in chosen:
        mine = np.flatnonzero(line.source == number)
        if not len(mine):
            continue
        step = max(int(span.last[number] - span.first[number]) // POINTS, line.width)
        part = (line.time[mine] - span.first[number]) // step
        begin = np.flatnonzero(np.append(True, part[1:] != part[:-1]))
        score = np.fmax.reduceat(line.values[mine, -1], begin).astype(np.float64)
        time = span.first[number] + part[begin] * step
        found.append(Line(names[number], time, score, int(span.begin[number])))
    return found


def calibration(recorder: Recorder) -> list[Calibrated]:
    """Observed against nominal probabilities, by kind of decision."""
    found = []
    for kind in Kind:
        counts = recorder.calibration[kind]
        total = int(counts.sum())
        if total < LEAST_CALIBRATED:
            continue
        beyond = counts[::-1].cumsum()[::-1]
        shown = np.flatnonzero(beyond >= LEAST_CALIBRATED)
        nominal = 10.0 ** (-shown / PER_DECADE)
        found.append(Calibrated(kind.name.lower(), total, nominal, beyond[shown] / total))
    return found


def by_cases(recorder: Recorder, cases: Cases, span: Span, labels: Labels, least: Float32 | None = None) -> Labelled:
    """Entities, or lines; `least`: thresholds [voices] in place of those of the stream."""
    seen = cases.seen
    later = seen.copy()
    later[seen] = span.after(cases.source[seen], cases.first[seen])
    crossed = cases.crossed[later] != UNSEEN if least is None else above(cases.said[later], least)
    speaking = [voice for voice, _ in _speaking(recorder)]
    said, crossed = cases.said[later][:, speaking], crossed[:, speaking]
    heard = beside([recorder.voices[voice] for voice in speaking], cases.labels[later], said, crossed)
    when = cases.crossed[later][:, speaking]
    delays = np.where(crossed & (when != UNSEEN), (when - cases.first[later][:, None]) / 1e9, np.nan)
    reached = of_cases(heard, delays) if len(heard.labels) else []
    if labels.form == "lines":
        reached = [_at_once(one) for one in reached]
    positive = int(heard.labels.sum())
    return Labelled(labels.form, len(labels), int(seen.sum()), int(later.sum()), positive, tuple(reached))


def _at_once(reached: Reached) -> Reached:
    """A line is found when it comes, or never."""
    return replace(reached, delay=None)


def by_intervals(recorder: Recorder, span: Span, names: Sequence[str], labels: Labels) -> Labelled:
    """Stretches of time."""
    known = [one for one in labels.intervals if one.source in names]
    there = [one for one in known if _within(one, names.index(one.source), span)]
    later = [one for one in there if one.end > span.begin[names.index(one.source)]]
    later.sort(key=lambda one: (names.index(one.source), one.start))
    number = np.array([names.index(one.source) for one in later], np.int64)
    start, end = (np.array([getattr(one, side) for one in later], np.int64) for side in ("start", "end"))
    stretches = Stretches(number, start, end, span.begin, span.last)
    reached, delays = _voices(recorder, span, stretches) if later else ([], {})
    anomalies = [_anomaly(one, row, recorder, delays) for row, one in enumerate(later)]
    ours = _episodes(recorder, span, WHOLE)
    right = int(stretches.touched(*ours).sum())
    counts = len(labels), len(there), len(later), len(later)
    return Labelled("intervals", *counts, tuple(reached), tuple(anomalies), (right, len(ours)))


def _within(one: Interval, number: int, span: Span) -> bool:
    return bool(one.start < span.last[number] and one.end > span.first[number])


def _voices(recorder: Recorder, span: Span, stretches: Stretches) -> tuple[list[Reached], Mapping[str, Float64]]:
    line = recorder.timeline
    later = span.after(line.source, line.time)
    source, time, said = line.source[later], line.time[later], line.values[later, :-1]
    rng = np.random.default_rng(0)
    chance, always = rng.permutation(len(time)).astype(np.float32) + 1, np.ones(len(time), np.float32)
    reached, delays = [], {}
    ours = len(_episodes(recorder, span, WHOLE))
    for voice, name in _speaking(recorder):
        crossed = recorder.crossings.of(voice)
        told = span.after(*crossed)
        at_budget, delays[name] = stretches.counts(crossed[0][told], crossed[1][told])
        sweep = stretches.sweep(source, time, said[:, voice])
        reached.append(of_stretches(name, sweep, at_budget, stretches.there, delays[name]))
    for name, values, least in (("random", chance, len(time) - ours + 1), ("all", always, 1)):
        told = values >= least
        at_budget, late = stretches.counts(source[told], time[told])
        sweep = stretches.sweep(source, time, values)
        reached.append(of_stretches(name, sweep, at_budget, stretches.there, late))
    return reached, delays


def _anomaly(one: Interval, row: int, recorder: Recorder, delays: Mapping[str, Float64]) -> Anomaly:
    names = recorder.voices
    late = float(delays[names[WHOLE]][row])
    by = tuple(name for name in names[2:] if name in delays and not np.isnan(delays[name][row]))
    return Anomaly(one.source, one.kind, one.start, one.end, None if np.isnan(late) else late, by)


def judged_incidents(incidents: Iterable[Incident], names: Sequence[str], labels: Labels) -> list[Incident]:
    """Incidents, told whether each is of a labelled stretch of time."""
    known = [one for one in labels.intervals if one.source in names]
    number = np.array([names.index(one.source) for one in known], np.int64)
    start, end = (np.array([getattr(one, side) for one in known], np.int64) for side in ("start", "end"))
    none, far = np.zeros(len(names), np.int64), np.full(len(names), np.iinfo(np.int64).max // 4)
    stretches = Stretches(number, start, end, none, far)
    found = []
    for one in incidents:
        source = np.array([names.index(one.alert.source)])
        right = stretches.touched(source, np.array([one.alert.last]), np.array([max(one.end, one.alert.last)]))
        found.append(replace(one, right=bool(right[0])))
    return found
