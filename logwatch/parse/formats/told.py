"""What structured rows say, collected column by column while they are read, and put in order at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from logwatch.parse.formats.moments import stamps_of
from logwatch.parse.formats.safe import safe_texts
from logwatch.parse.formats.valued import Kinds, columns_of
from logwatch.parse.stamps import Stamps
from logwatch.types import FieldColumn, Int8, Int32, Int64


@dataclass(slots=True)
class Rows:
    """m rows of a batch in some format, as columns."""

    rows: Int64  # [m] ascending
    stamps: Stamps  # [m] no spans
    level: Int8  # [m] 0-7
    scope: list[str]  # [m]
    message: list[str]  # [m]
    text: list[str]  # [m] as people may see it; not redacted
    fields: list[FieldColumn]  # rows are those of the batch


class Part(NamedTuple):
    """Values of a field in some rows."""

    rows: Int32  # [k] of the batch
    values: Sequence[Any]  # [k]
    kinds: Kinds  # of the values


@dataclass(slots=True)
class Told:
    """Columns in the order in which groups of rows were read."""

    rows: list[int] = field(default_factory=list)
    time: list[Any] = field(default_factory=list)
    level: list[int] = field(default_factory=list)
    scope: list[str] = field(default_factory=list)
    message: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    fields: dict[str, list[Part]] = field(default_factory=dict)

    def values(self, name: str, rows: Int32, values: Sequence[Any], kinds: Kinds) -> None:
        """Values of a field in some rows, for the detectors; `kinds` are their types."""
        self.fields.setdefault(name, []).append(Part(rows, values, kinds))

    def done(self) -> Rows:
        """All rows in ascending order."""
        stamps = stamps_of(self.time)
        level = np.array(self.level, dtype=np.int8)
        text, message, scope = safe_texts(self.text), safe_texts(self.message), safe_texts(self.scope)
        rows = np.array(self.rows, dtype=np.int64)
        if (rows[1:] < rows[:-1]).any():
            order = np.argsort(rows)
            back = itemgetter(*order.tolist())
            rows, stamps, level = rows[order], stamps.take(order), level[order]
            text, message, scope = list(back(text)), list(back(message)), list(back(scope))
        columns = [column for name, parts in self.fields.items() for column in _columns(name, parts)]
        return Rows(rows, stamps, level, scope, message, text, columns)


def _columns(name: str, parts: list[Part]) -> list[FieldColumn]:
    """One field, of all groups of rows: a column of its numbers, and one of its words."""
    rows, values, kinds = parts[0]
    if len(parts) > 1:
        rows, values = np.concatenate([part.rows for part in parts]), list(chain(*(part.values for part in parts)))
        kinds = kinds.union(*(part.kinds for part in parts))
    return columns_of(safe_texts([name])[0], rows, values, kinds)
