"""Takes secrets out of structured rows, after they are read: out of texts, messages, loggers and values alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from logwatch.parse.formats.shown import quoted
from logwatch.parse.formats.told import Rows
from logwatch.parse.formats.valued import WORD_MOST
from logwatch.parse.redact import Redactor, Rule
from logwatch.types import Bool, FieldColumn


def redacted(told: Rows, redactor: Redactor) -> tuple[list[str], list[str], list[str]]:
    """Texts, messages and loggers [m] without secrets; values that are some are taken out of `told.fields`.

    A text holds its row's message and values, so what is redacted there tells which rows to look at.
    """
    text, message, scope = told.text, told.message, told.scope
    rows, rules = redactor.rows(text, "\n".join(text).lower())
    if not len(rows):
        return text, message, scope
    hit = rows.tolist()
    columns = []
    for column in (text, message, scope):
        clean = redactor.apply([column[i] for i in hit], rules)
        whole = list(column)
        for i, value in zip(hit, clean, strict=True):
            whole[i] = value
        columns.append(whole)
    touched = np.zeros(int(told.rows[-1]) + 1, dtype=np.bool_)
    touched[told.rows[rows]] = True
    told.fields = [kept for field in told.fields if (kept := _kept(field, touched, redactor, rules)) is not None]
    return columns[0], columns[1], columns[2]


def _kept(field: FieldColumn, touched: Bool, redactor: Redactor, rules: Sequence[Rule]) -> FieldColumn | None:
    """The field without the values of touched rows that the rules change; a word that was cut may hide half of one."""
    near = np.flatnonzero(touched[field.rows])
    if not len(near):
        return field
    words = _words(field, near.tolist())
    pairs = [f"{field.name}={quoted(word)}" for word in words]
    clean = redactor.apply(pairs, rules)
    whole = [a == b and len(w) < WORD_MOST for a, b, w in zip(pairs, clean, words, strict=True)]
    keep = np.ones(len(field.rows), dtype=np.bool_)
    keep[near] = whole
    if not keep.any():
        return None
    numbers = None if field.numbers is None else field.numbers[keep]
    code = None if field.code is None else field.code[keep]
    if code is None or field.words is None:
        return FieldColumn(field.name, field.rows[keep], numbers, None, None)
    used, back = np.unique(code, return_inverse=True)
    left = [field.words[i] for i in used.tolist()]
    return FieldColumn(field.name, field.rows[keep], None, back.astype(np.int32), left)


def _words(field: FieldColumn, at: list[int]) -> list[str]:
    if field.numbers is not None:
        return [f"{number:.0f}" if number == round(number) else repr(number) for number in field.numbers[at].tolist()]
    return [] if field.code is None or field.words is None else [field.words[code] for code in field.code[at].tolist()]
