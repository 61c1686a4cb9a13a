"""How well templates agree with the statements that truly wrote the lines, and where they do not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Agreement(NamedTuple):
    """How well predicted groups agree with true ones, each in [0, 1]."""

    accuracy: float  # share of lines whose predicted group is exactly their true group (GA)
    f1: float  # F1 of groups: a predicted group is right where it is exactly a true one (FGA)


class Part(NamedTuple):
    """Lines of one statement that have one template."""

    statement: Hashable
    template: Hashable
    lines: int
    first: int  # index of the first of these lines


@dataclass(frozen=True, slots=True)
class Confusion:
    """Statements and templates that share lines, where they are not simply one and the same."""

    parts: tuple[Part, ...]  # of one template beside each other; the templates with most lines first
    lines: int

    @property
    def statements(self) -> int:
        """How many statements take part: more than one, and some were merged."""
        return len({part.statement for part in self.parts})

    @property
    def templates(self) -> int:
        """How many templates take part: more than one, and some statement was split."""
        return len({part.template for part in self.parts})


def agreement(predicted: Sequence[Hashable], truth: Sequence[Hashable]) -> Agreement:
    """Grouping accuracy and F1 of groups (Jiang et al., LogPub, ISSTA 2024).

    Args:
        predicted: group of each line [n].
        truth: statement of each line [n].
    """
    both = Counter(zip(predicted, truth, strict=True))
    found, true = Counter(predicted), Counter(truth)
    right = [n for (group, statement), n in both.items() if n == found[group] == true[statement]]
    return Agreement(sum(right) / max(len(truth), 1), 2 * len(right) / max(len(found) + len(true), 1))


def confusions(predicted: Sequence[Hashable], truth: Sequence[Hashable]) -> list[Confusion]:
    """What went wrong, most lines first; no line stands in two of them."""
    parts: dict[tuple[Hashable, Hashable], list[int]] = {}
    for line, pair in enumerate(zip(predicted, truth, strict=True)):
        parts.setdefault(pair, [0, line])[0] += 1
    together: dict[object, list[Part]] = defaultdict(list)
    root = _joined(list(parts))
    for (group, statement), (lines, first) in parts.items():
        together[root[group]].append(Part(statement, group, lines, first))
    wrong = [_confusion(found) for found in together.values() if len(found) > 1]
    return sorted(wrong, key=lambda confusion: (-confusion.lines, confusion.parts[0].first))


def _joined(pairs: list[tuple[Hashable, Hashable]]) -> dict[Hashable, Hashable]:
    """One group for all groups that are linked through statements, by group."""
    root: dict[Hashable, Hashable] = {group: group for group, _ in pairs}

    def find(group: Hashable) -> Hashable:
        while root[group] != group:
            root[group] = root[root[group]]
            group = root[group]
        return group

    of: dict[Hashable, Hashable] = {}
    for group, statement in pairs:
        root[find(group)] = find(of.setdefault(statement, group))
    return {group: find(group) for group in root}


def _confusion(parts: list[Part]) -> Confusion:
    size: Counter[Hashable] = Counter()
    for part in parts:
        size[part.template] += part.lines
    order = sorted(parts, key=lambda part: (-size[part.template], str(part.template), -part.lines, part.first))
    return Confusion(tuple(order), sum(size.values()))
