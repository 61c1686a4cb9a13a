"""The ways in which programs write the date before a time of day, as patterns that whole columns are tested with.

A pattern ends where hh:mm:ss begins. Letters in it: Y year, y year of two digits, M month, D day, b name of a month,
w name of a weekday, L any letter; p q r the first, second and third number of a date whose order is to be found out
(R: of four digits). Everything else stands for itself (a letter T for any letter).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logwatch.parse.stamps import Form
from logwatch.types import Bool, Int64, UInt8

WINDOW = 24
"""Bytes before the time of day that are looked at."""

PATTERNS = (
    "YYYY-MM-DDT", "YYYY-MM-DD ", "YYYY-MM-DD  ", "YYYY/MM/DD ", "YYYY.MM.DD ", "YYYYMMDD-", "YYYYMMDD ", "YYYYMMDDT",
    "YYYY-bbb-DD ", "YYYY/MM/DD-", "YYYY-MM-DD:", "YYYY-MM-DD, ",
    "www bbb DD ", "www bbb  D ", "www bbb D ", "bbb DD ", "bbb  D ", "bbb D ",
    "DD/bbb/YYYY:", "DD/bbb/YYYY ", "DD-bbb-YYYY ", "DD bbb YYYY ", "D bbb YYYY ",
    "www, DD bbb YYYY ", "bbb DD, YYYY ", "bbb D, YYYY ", "bbb DD YYYY ", "bbb  D YYYY ",
    "MM-DD ", "MM.DD ", "LMMDD ", "yyMMDD ",
    "pp/qq/RRRR ", "p/q/RRRR ", "p/qq/RRRR ", "pp/q/RRRR ", "pp.qq.RRRR ", "pp-qq-RRRR ", "pp/qq/rr ", "pp.qq.rr ",
    "pp-qq-rr ", "pp/qq/RRRR, ", "p/q/rr, ", "p/qq/rr, ", "pp/qq/rr, ",
    "YYYY-MM-DD_",
)  # fmt: skip
# Longest first: a short pattern is the end of a longer one.
LAYOUTS = tuple(sorted(PATTERNS, key=len, reverse=True))
LOW = LAYOUTS.index("YYYY-MM-DD_")  # file names look so: only where the line has no better time

_CLASS = {**dict.fromkeys("YyMDpqrR", (0xFF, 48)), **dict.fromkeys("bwL", (0xDF, 65)), "T": (0xDF, 65)}


def _codes() -> NDArray[np.uint8]:
    codes = np.arange(256, dtype=np.uint8)
    codes[48:58] = 48
    codes[65:91] = 65
    codes[97:123] = 97
    return codes


CODES = _codes()
"""Each byte's class: digits are one, upper case letters one, lower case letters one."""


def _words() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    mask = np.zeros((len(LAYOUTS), WINDOW), dtype=np.uint8)
    value = np.zeros((len(LAYOUTS), WINDOW), dtype=np.uint8)
    for i, pattern in enumerate(LAYOUTS):
        for k, letter in enumerate(pattern):
            mask[i, WINDOW - len(pattern) + k], value[i, WINDOW - len(pattern) + k] = _CLASS.get(
                letter, (0xFF, ord(letter))
            )
    return mask.view(np.uint64), value.view(np.uint64)


_MASK, _VALUE = _words()


class Columns(NamedTuple):
    """What is known of each layout, as columns [L]."""

    length: Int64
    short: Bool  # year of two digits
    yearless: Bool
    ambiguous: Bool  # the order of the numbers is not known
    day_first: Bool
    strict: Bool  # short: no letter or stroke may stand before it
    syslog: Bool
    form: UInt8


class Fields(NamedTuple):
    """Where the numbers of a layout stand in a window."""

    first: slice  # year, or the first number
    second: slice  # month (or its name), or the second number
    third: slice
    named: bool


def _span(pattern: str, letters: str) -> slice:
    found = [i + WINDOW - len(pattern) for i, letter in enumerate(pattern) if letter in letters]
    return slice(found[0], found[-1] + 1) if found else slice(0, 0)


def _fields(pattern: str) -> Fields:
    if "p" in pattern:
        return Fields(_span(pattern, "p"), _span(pattern, "q"), _span(pattern, "rR"), False)
    return Fields(_span(pattern, "Yy"), _span(pattern, "Mb"), _span(pattern, "D"), "b" in pattern)


def _form(pattern: str) -> Form:
    return {"DD/bbb/YYYY:": Form.ACCESS, "LMMDD ": Form.KLOG}.get(pattern, Form.PLAIN)


FIELDS = [_fields(pattern) for pattern in LAYOUTS]
COLUMNS = Columns(
    np.array([len(p) for p in LAYOUTS]),
    np.array(["y" in p for p in LAYOUTS]),
    np.array(["Y" not in p and "y" not in p and "p" not in p for p in LAYOUTS]),
    np.array(["p" in p for p in LAYOUTS]),
    np.array([p in ("pp.qq.RRRR ", "pp-qq-RRRR ", "pp.qq.rr ") for p in LAYOUTS]),
    np.array([len(p) < 10 for p in LAYOUTS]),
    np.array([p in ("bbb DD ", "bbb  D ", "bbb D ") for p in LAYOUTS]),
    np.array([_form(p) for p in LAYOUTS], dtype=np.uint8),
)


def match(windows: UInt8) -> Int64:
    """Layout of each window [m, WINDOW] that ends where a time of day begins, -1 where it is none."""
    words = np.ascontiguousarray(CODES[windows]).view(np.uint64)
    found = np.full(len(words), -1, dtype=np.int64)
    # Last to first, so that the first one that matches stays; the last eight bytes rule most of them out.
    for number in np.flatnonzero(((words[:, 2:] & _MASK[:, 2]) == _VALUE[:, 2]).any(axis=0))[::-1].tolist():
        found[((words & _MASK[number]) == _VALUE[number]).all(axis=1)] = number
    return found
