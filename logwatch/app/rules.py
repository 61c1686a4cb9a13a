"""`check-config`: the rules on templates, tried on the lines that they carry, and on those of a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from logwatch.app.mining import Mined
from logwatch.assemble import rules_of
from logwatch.config import Loaded, Problem, TemplateRule, dotted
from logwatch.parse.headless import headless
from logwatch.parse.miner import TemplateMiner
from logwatch.parse.parser import ParseSettings
from logwatch.parse.shape import Shaper
from logwatch.parse.template_rules import Rule
from logwatch.parse.variable_types import typed_in
from logwatch.requests import RuledTemplate, RuleReport, RulesReport, TemplatesRequest, Ui
from logwatch.template_report import report
from logwatch.types import Bool, EventBatch, Int32


def rule_problems(loaded: Loaded) -> list[Problem]:
    """What the lines of the rules do not bear out; each rule is tried together with all others."""
    found = []
    for index, rule in enumerate(loaded.settings.template):
        for path, message in _unborne(loaded, rule):
            whole = ("template", index, *path)
            found.append(Problem(loaded.locate(whole), dotted(whole), message, whole))
    return found


def _unborne(loaded: Loaded, rule: TemplateRule) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Paths inside the rule, and what is wrong there."""
    same, different = rule.same or (), rule.different or ()
    if not same and not different:
        return
    ids, texts = _tried(loaded, (*same, *different))
    if not _changed(loaded, _rule(rule), [line.encode() for line in (*same, *different)]).any():
        yield (rule.kind,), f"matches none of the rule's own lines: {rule.pattern}"
    for i in range(1, len(same)):
        if ids[i] != ids[0]:
            yield ("same", i), f'"{same[i]}" is "{texts[i]}", but "{same[0]}" is "{texts[0]}"'
    first: dict[int, int] = {}
    for i, id in enumerate(ids[len(same) :]):
        if first.setdefault(id, i) != i:
            yield ("different", i), f'"{different[i]}" and "{different[first[id]]}" both are "{texts[len(same) + i]}"'


def _tried(loaded: Loaded, lines: Sequence[str]) -> tuple[list[int], list[str]]:
    """Template ids [n] of lines under all rules, and how these read."""
    rules = rules_of(loaded.settings)
    keys, key = _keys(Shaper(loaded.settings.redact, rules.rules), [line.encode() for line in lines])
    miner = TemplateMiner(rules=rules)
    ids: list[int] = miner.find(miner.mine_keys(keys, key)).tolist()
    pairs = zip(ids, headless(lines), strict=True)
    return ids, [typed_in(miner.text(id), (line,), rules.named) for id, line in pairs]


def _keys(shaper: Shaper, lines: list[bytes]) -> tuple[list[str], Int32]:
    shaped = shaper.shape(lines, [(ParseSettings(), slice(None))])
    return shaped.keys, shaped.key


def _changed(loaded: Loaded, rule: Rule, lines: list[bytes]) -> Bool:
    """Lines [n] that this rule alone changes."""
    plain, ruled = Shaper(loaded.settings.redact), Shaper(loaded.settings.redact, [rule])
    (before, i), (after, j) = _keys(plain, lines), _keys(ruled, lines)
    pairs = zip(i.tolist(), j.tolist(), strict=True)
    return np.fromiter((before[a] != after[b] for a, b in pairs), np.bool_, len(lines))


def _rule(rule: TemplateRule) -> Rule:
    return Rule(rule.kind, rule.pattern, rule.name or "")


class _Tally:
    """Lines that rules changed."""

    def __init__(self, rules: int) -> None:
        self.lines = 0
        self.matched = [0] * rules
        self.examples = [""] * rules
        self.of: dict[int, set[int]] = {}  # template id -> rules

    def add(self, ids: list[int], texts: Sequence[str], changed: list[Bool]) -> None:
        """One batch: lines [n] and, for each rule, which it changed."""
        self.lines += len(ids)
        for number, rows in enumerate(np.flatnonzero(one).tolist() for one in changed):
            self.matched[number] += len(rows)
            if rows and not self.examples[number]:
                self.examples[number] = texts[rows[0]]
            for row in rows:
                self.of.setdefault(ids[row], set()).add(number)


def ruled_lines(loaded: Loaded, lines: Path, ui: Ui) -> RulesReport:
    """What the rules make of the lines of a file.

    Raises:
        NoInputError: it is not there.
        DataError: it cannot be read.
    """
    mined = Mined(TemplatesRequest((str(lines),), loaded), ui)
    rules = [_rule(rule) for rule in loaded.settings.template]
    tally = _Tally(len(rules))

    def tallied() -> Iterator[EventBatch]:
        for records, events in mined.parsed():
            tally.add(events.template.tolist(), events.text, [_changed(loaded, rule, records.lines) for rule in rules])
            yield events

    rows = report(tallied(), mined.miner, mined.rules.named)
    ui.close()
    found: dict[int, set[int]] = {}
    for id, numbers in tally.of.items():
        found.setdefault(int(mined.miner.find(np.array([id], np.int32))[0]), set()).update(numbers)
    return RulesReport(
        lines=tally.lines,
        rules=tuple(
            RuleReport(loaded.locate(("template", i)), rule.kind, rule.pattern, tally.matched[i], tally.examples[i])
            for i, rule in enumerate(rules)
        ),
        templates=tuple(
            RuledTemplate(row.id, row.template, row.count, tuple(sorted(found[row.id])), row.example)
            for row in rows
            if row.id in found
        ),
    )
