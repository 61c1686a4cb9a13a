"""`templates`: finished files through the parser alone, and what their lines have in common."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from logwatch.app.history import COMPONENT, Files
from logwatch.app.labels import LEAST, read_labels
from logwatch.assemble import rules_of
from logwatch.clock import SystemClock
from logwatch.errors import DataError, UsageError
from logwatch.parse.agreement import Confusion, Part, agreement, confusions
from logwatch.parse.headless import headless
from logwatch.parse.miner import TemplateMiner
from logwatch.parse.parser import Parser, ParseSettings
from logwatch.parse.quantities import least_and_most
from logwatch.parse.variable_types import Variable, typed_in
from logwatch.requests import (
    ConfusedTemplate,
    ConfusionReport,
    StatementLines,
    TemplateAgreement,
    TemplateReport,
    TemplatesRequest,
    Ui,
    VariableReport,
)
from logwatch.rows import rfc3339
from logwatch.score.registry import Registry
from logwatch.sources.finished import read_finished
from logwatch.template_report import report
from logwatch.types import EventBatch, Int64, RecordBatch

VALUES = 5
"""Values shown for a variable."""


class Mined:
    """Files on their way through the parser."""

    def __init__(self, request: TemplatesRequest, ui: Ui) -> None:
        self.files = Files(request.paths, "{name}", ui)
        self.rules = rules_of(request.config.settings)
        self.miner, self.registry = TemplateMiner(rules=self.rules), Registry()
        self._settings = ParseSettings()
        redact = request.config.settings.redact
        self._parser = Parser(lambda number: self._settings, self.miner, SystemClock(), redact, True, self.rules.rules)

    def batches(self) -> Iterator[EventBatch]:
        """All events."""
        return (events for _, events in self.parsed())

    def parsed(self) -> Iterator[tuple[RecordBatch, EventBatch]]:
        """All records, and the events that they are."""
        first = 0
        for records in self.files.batches(self._settings):
            yield records, self._parse(records, first)
            first += len(records)

    def _parse(self, records: RecordBatch, first: int) -> EventBatch:
        source, stream = self.registry.number(records, COMPONENT)
        return self._parser.parse(records, source, stream, first)


def templates(request: TemplatesRequest, ui: Ui) -> list[TemplateReport]:
    """Mine the templates of finished files, the most frequent first.

    Raises:
        NoInputError: none of the files is there.
        DataError: none of them can be read.
    """
    mined = Mined(request, ui)
    rows = report(mined.batches(), mined.miner, mined.rules.named)
    ui.close()
    total = max(sum(row.count for row in rows), 1)
    return [
        TemplateReport(
            id=row.id,
            template=row.template,
            count=row.count,
            share=row.count / total,
            first=_time(row.first),
            last=_time(row.last),
            example=row.example,
            variables=tuple(map(_variable, row.variables)),
            sources=tuple(mined.registry.sources[number] for number in sorted(row.sources)),
        )
        for row in rows
    ]


def _variable(variable: Variable) -> VariableReport:
    least, most = least_and_most(list(variable.values)) if variable.type in ("num", "dur", "size") else ("", "")
    values = tuple(variable.values.most_common(VALUES))
    return VariableReport(variable.type, len(variable.values), values, least, most)


def _time(ns: int) -> str | None:
    text: str | None = rfc3339(np.array([ns], np.int64))[0]
    return text


def judged_templates(request: TemplatesRequest, labels: Path, ui: Ui) -> TemplateAgreement:
    """How well the templates of a file agree with the statements that truly wrote its lines.

    Raises:
        UsageError: not exactly one file.
        NoInputError: the file is not there.
        DataError: it or the labels cannot be read, or under half of the labels are of its records' first lines.
    """
    statement = read_labels(labels)
    mined = Mined(request, ui)
    if len(mined.files.streams) != 1:
        raise UsageError("labels are of one file", "name the file that they were made for, and no other")
    number, found, truth, texts = line_numbers(next(iter(mined.files.streams))), [], [], []
    for events in mined.batches():
        ids = events.template.tolist()
        for row, line in enumerate((np.searchsorted(number, events.start) + 1).tolist()):
            label = statement.get(line)
            if label is not None:
                found.append(ids[row])
                truth.append(label)
                texts.append(events.text[row])
    ui.close()
    matched = len(truth) / max(len(statement), 1)
    if matched < LEAST:
        raise DataError(f"{labels}: {matched:.0%} of the labels match", "they count physical lines, from 1")
    final: list[int] = mined.miner.find(np.array(found, np.int32)).tolist()
    good = agreement(final, truth)
    return TemplateAgreement(
        labels=len(statement),
        matched=matched,
        ga=good.accuracy,
        fga=good.f1,
        templates=len(set(final)),
        statements=len(set(truth)),
        worst=tuple(_confused(one, mined, texts) for one in confusions(final, truth)),
    )


def line_numbers(path: str) -> Int64:
    """Position [n] of each physical line of a file."""
    starts: list[Int64] = [start for _, start, _, _ in read_finished(path)]
    return np.concatenate(starts) if starts else np.zeros(0, np.int64)


def _confused(confusion: Confusion, mined: Mined, texts: list[str]) -> ConfusionReport:
    of: dict[int, list[Part]] = {}
    for part in confusion.parts:
        of.setdefault(int(str(part.template)), []).append(part)
    return ConfusionReport(
        lines=confusion.lines,
        statements=confusion.statements,
        templates=tuple(
            ConfusedTemplate(
                id,
                typed_in(mined.miner.text(id), headless([texts[p.first] for p in parts]), mined.rules.named),
                tuple(StatementLines(str(p.statement), p.lines, texts[p.first]) for p in parts),
            )
            for id, parts in of.items()
        ),
    )
