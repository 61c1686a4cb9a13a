"""Builds the stages of a run from its configuration: the only place where parts meet by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from logwatch.ahead import Ahead
from logwatch.api import Clock, Detector
from logwatch.cells import SERIES, SPILLED
from logwatch.config import Rate, Settings, SourceTable
from logwatch.config.values import Budget
from logwatch.decide.budget import BudgetThresholds
from logwatch.decide.feedback import Rules as Feedback
from logwatch.decide.feedback_match import Names
from logwatch.decide.incidents import Incidents
from logwatch.decide.judge import Judge
from logwatch.decide.marks import MarkRule, Marks
from logwatch.decide.verdict import Verdict
from logwatch.drifted import tell_drift
from logwatch.evidence import Context
from logwatch.idle import Idle
from logwatch.metric_stages import DETECTORS, MetricStages, MetricVotes
from logwatch.parse.entity import entities, matches
from logwatch.parse.join import Joiner
from logwatch.parse.memory import keep_memory
from logwatch.parse.metrics.reader import MetricReader
from logwatch.parse.metrics.settings import FORMATS as METRIC_FORMATS
from logwatch.parse.metrics.settings import MetricSettings
from logwatch.parse.miner import TemplateMiner
from logwatch.parse.multiline import Multiline, multiline
from logwatch.parse.parser import Parser, ParseSettings
from logwatch.parse.settings import FORMATS
from logwatch.parse.template_rules import Rules
from logwatch.pipeline import Saved
from logwatch.plugins.loader import Resolved
from logwatch.score.calibration import Calibration
from logwatch.score.chosen_sources import ChosenSources
from logwatch.score.detector_configs import LstmConfig
from logwatch.score.drift import Drift
from logwatch.score.keys import NEVER, KeyTable
from logwatch.score.registry import Registry
from logwatch.score.series.detectors.bank import SeriesDetectors
from logwatch.score.series.expected_band import COLUMNS as BAND_COLUMNS
from logwatch.score.series.lstm_columns import COLUMNS as LSTM_COLUMNS
from logwatch.score.series.series import COLUMNS as SERIES_COLUMNS
from logwatch.score.series.series import Series
from logwatch.score.series.windows import Windows
from logwatch.score.units import Units
from logwatch.score.voices import Voices
from logwatch.sides import Sides
from logwatch.signals import Signals
from logwatch.stages import Stages
from logwatch.types import Bool, Int32

ORDER = ("lstm", "new", "rare", "markov", "gap", "values")
"""Built-in detectors in the order of their columns; others come after them, by name."""


class PerSource:
    """What the configuration says of each source, by its number in the registry."""

    def __init__(self, settings: Settings, tables: Mapping[str, SourceTable], registry: Registry) -> None:
        self._settings = settings
        self._tables = tables
        self._registry = registry
        self._entities: Bool = np.zeros(0, np.bool_)
        self._lstm: Bool = np.zeros(0, np.bool_)

    def _table(self, number: int) -> SourceTable:
        return _table_of(self._tables, self._registry.component_of[number], self._registry.sources[number])

    def parse(self, number: int) -> ParseSettings:
        """How its lines are read."""
        return _parse_settings(self._settings, self._table(number))

    def budget(self, number: int) -> Budget:
        """Its alert budget."""
        return self._table(number).budget or self._settings.budget

    def cap(self, number: int) -> Rate:
        """Its `max_incidents`."""
        return self._table(number).max_incidents or self._settings.max_incidents

    def has_entities(self, numbers: Int32) -> Bool:
        """Which of the sources [n] have entities [n]."""
        for number in range(len(self._entities), len(self._registry.sources)):
            self._entities = np.append(self._entities, bool(self._table(number).entity))
        return self._entities[numbers]

    def lstm(self, numbers: Int32) -> Bool:
        """Which of the sources [n] want the LSTM [n]."""
        for number in range(len(self._lstm), len(self._registry.sources)):
            self._lstm = np.append(self._lstm, self._table(number).lstm)
        return self._lstm[numbers]


def _table_of(tables: Mapping[str, SourceTable], component: str, source: str) -> SourceTable:
    for name in (component, source):
        if name in tables:
            return tables[name]
    return SourceTable(kind="")  # of an earlier run, and configured no more: only its state is left


def _parse_settings(settings: Settings, table: SourceTable) -> ParseSettings:
    lateness = int(settings.lateness * 1e9)
    of_lines = table.format in FORMATS  # else one of metrics: this side has only what is told to be lines all the same
    return ParseSettings(table.entity or "", table.timezone or "UTC", table.format if of_lines else "auto", lateness)


def _multiline(table: SourceTable) -> Multiline:
    if isinstance(table.multiline, str):
        return multiline(table.multiline)
    return multiline("start", table.multiline.start)


def parsed_ahead(settings: Settings, tables: Mapping[str, SourceTable], clock: Clock) -> Ahead:
    """What parses the batches of these sources beside their scoring; nothing is started yet."""
    return Ahead(
        lambda name, source: _parse_settings(settings, _table_of(tables, name, source)),
        settings.redact,
        clock,
        rules=rules_of(settings).rules,
    )


def rules_of(settings: Settings) -> Rules:
    """The rules on templates."""
    return Rules((rule.kind, rule.pattern, rule.name or "") for rule in settings.template)


def assemble(
    settings: Settings,
    tables: Mapping[str, SourceTable],
    detectors: Sequence[Resolved],
    saved: Saved,
    clock: Clock,
    *,
    finished: bool = False,
    share: float = 1.0,
    on_trip: Callable[..., None] | None = None,
) -> Stages:
    """Fresh stages; nothing is restored yet.

    Args:
        tables: generic keys, by the name of the component that brings the sources, or of one source.
        detectors: of the configuration, resolved.
        saved: the lane's state, for keys that were spilled.
        finished: the input are finished files: nothing is idle, and time is judged with hindsight.
        share: of the learning budget, (0, 1]: partitions of one topic share it, whoever owns them.
    """
    keep_memory()
    rules = rules_of(settings)
    registry, sides = Registry(), Sides()
    miner = TemplateMiner(rules=rules, frozen=settings.learning == "frozen")
    per = PerSource(settings, tables, registry)
    chosen = sorted(detectors, key=lambda d: (ORDER.index(d.part.id) if d.part.id in ORDER else len(ORDER), d.part.id))
    columns = [field for resolved in chosen for field in _columns(resolved)]
    ttl = min(int(settings.key_ttl * 1e9), NEVER)
    keys = KeyTable([*columns, *Units.COLUMNS], fetch=lambda name: saved.cell(SPILLED, name), ttl=ttl)
    extras = {
        "keys": keys, "table": keys, "text_of": miner.text, "untold": miner.untold,
        "has_entities": per.has_entities, "clock": clock,
    }  # fmt: skip
    chosen = [_shared(resolved, share) for resolved in chosen]
    built: list[Detector] = [resolved.build(on_trip=on_trip, **extras) for resolved in chosen]
    built = [ChosenSources(one, per.lstm) if one.name == "lstm" else one for one in built]
    lstm = next((resolved.config for resolved in chosen if isinstance(resolved.config, LstmConfig)), None)
    names = tuple(detector.name for detector in built)
    units = Units(keys, names, per.has_entities, untold=miner.untold)
    thresholds = BudgetThresholds(per.budget, sides.both)
    verdict = Verdict(Voices(units.detectors, thresholds, lstm_votes=True))
    judge = Judge(Calibration(units.detectors, thresholds), verdict, [rule.name for rule in settings.rule])
    model: Any = next((detector for detector in built if hasattr(detector, "expected")), None)
    values: Any = next((detector for detector in built if hasattr(detector, "explain")), None)
    metrics = _metrics(settings, tables, registry, thresholds, finished, clock, saved, lstm, per)
    name_of = registry.sources.__getitem__
    speaks_of = Names(name_of, lambda slot: keys.key(slot)[1], miner.text, matches)
    marked = [MarkRule(one.pattern, one.source, one.window) for one in settings.mark]
    marks = Marks(name_of, marked, entities, lambda: metrics.judged)
    drift = Drift()
    tell_drift(drift, name_of, miner.text)
    return Stages(
        signals=Signals(lambda component, source: _table_of(tables, component, source).signal, registry.heard),
        sides=sides,
        joiner=Joiner(lambda component, source: _multiline(_table_of(tables, component, source)), clock),
        registry=registry,
        miner=miner,
        parser=Parser(per.parse, miner, clock, settings.redact, finished, rules.rules),
        metrics=metrics,
        keys=keys,
        detectors=built,
        units=units,
        judge=judge,
        incidents=Incidents(judge, per.cap, marks=marks),
        feedback=Feedback(speaks_of, names, judge.judge, judge.rule, per.has_entities),
        marks=marks,
        drift=drift,
        context=Context(registry, keys, miner, model, units.usual, units.window, values, rules.named),
        idle=Idle(0.0 if finished else settings.idle_after, clock),
    )


def _metrics(
    settings: Settings, tables: Mapping[str, SourceTable], registry: Registry, thresholds: BudgetThresholds,
    finished: bool, clock: Clock, saved: Saved, lstm: LstmConfig | None, per: PerSource,
) -> MetricStages:  # fmt: skip
    """The metric side; it shares the budgets of sources that have both."""
    ttl = min(int(settings.key_ttl * 1e9), NEVER)
    table = KeyTable(
        [*SERIES_COLUMNS, *SeriesDetectors.FIELDS.dtype, *BAND_COLUMNS, *(LSTM_COLUMNS if lstm else ())],
        fetch=lambda name: saved.cell(SPILLED, SERIES + name), ttl=ttl,
    )  # fmt: skip
    verdict = Verdict(Voices(DETECTORS, thresholds, lstm_votes=False))
    judge = Judge(Calibration(DETECTORS, thresholds, MetricVotes()), verdict)
    series = Series(table, settings.max_series, int(settings.lateness * 1e9), ttl)

    def read_as(source: str) -> MetricSettings:
        one = _table_of(tables, registry.component(source), source)
        return MetricSettings(one.format if one.format in METRIC_FORMATS else "auto", one.timezone)

    name_of = registry.sources.__getitem__
    reader = MetricReader(read_as, settings.redact)
    heatmap = settings.heatmap
    windows = Windows(heatmap.window, int(heatmap.every * 1e9), name_of, series.name)
    return MetricStages(
        reader, table, series, judge, finished, clock, windows, settings.redact, name_of, lstm, per.lstm
    )


LEAST_CAP = 20.0
"""Segments per second of event time that a lane may always learn."""


def _shared(resolved: Resolved, share: float) -> Resolved:
    """A detector with its share of `learn_cap`, if it has such a setting."""
    cap = getattr(resolved.config, "learn_cap", None)
    if cap is None or share >= 1.0:
        return resolved
    config = resolved.config.model_copy(update={"learn_cap": max(min(cap, LEAST_CAP), cap * share)})
    return replace(resolved, config=config)


def _columns(resolved: Resolved) -> Sequence[tuple[Any, ...]]:
    fields = getattr(resolved.component.build, "FIELDS", None)
    columns: Sequence[tuple[Any, ...]] = getattr(resolved.component.build, "COLUMNS", ())
    return columns if fields is None else fields.dtype
